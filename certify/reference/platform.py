"""The reference trading platform: seven ports over one venue connection, wired in one place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from certify import __version__
from certify.clock import NS_PER_S
from certify.model.capabilities import CAPABILITIES
from certify.model.trading import (
    AlertKind,
    AlertSeverity,
    ConnectionChange,
    Environment,
    Health,
    OrderUpdate,
    SystemInfo,
)
from certify.reference.background import MarketDriver, MarketEvents, Worker, repeat
from certify.reference.broker import BrokerPort
from certify.reference.broker_framework import Broker, BrokerRegistry
from certify.reference.connection import FeedLink, VenueConnection
from certify.reference.execution import ExecutionEngine
from certify.reference.exposure import Desk
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel
from certify.reference.market_data import MarketDataSystem
from certify.reference.paper_trading import LIVE, PaperTrading
from certify.reference.positions import PositionBook
from certify.reference.pricing import PriceBook
from certify.reference.risk import RiskManager
from certify.reference.session import BrokerSession
from certify.reference.settings import PlatformSettings
from certify.reference.surveillance import PositionWatch
from certify.reference.trade_monitor import TradeMonitor

SessionSource = Callable[[], BrokerSession]
BROKER_KEY, PAPER_KEY = "broker", "paper_trading"


class TradingPlatform:
    """Seven ports, and what starts, stops and describes them."""

    def __init__(
        self,
        kernel: Kernel,
        connection: VenueConnection,
        *,
        settings: PlatformSettings,
        state_dir: Path,
        market: MarketEvents,
    ) -> None:
        """Build every component over `connection`; nothing is connected before `start`."""
        self.kernel = kernel
        self.connection = connection
        self.settings = settings
        self._state_dir = state_dir
        self.instruments = {instrument.id: instrument for instrument in connection.instruments()}
        self.prices = PriceBook()
        self._pricing_line: FeedLink | None = None
        self._retry_pricing_at_ns = 0
        self._watches: list[tuple[PositionWatch, BrokerSession | None]] = []
        self.driver = MarketDriver(kernel, connection, market)
        self._workers = (
            Worker("market", self.driver.body),
            Worker("housekeeping", repeat(settings.housekeeping_ns, self.housekeeping, kernel.log)),
        )
        self._running = False
        self._build()

    def _build(self) -> None:
        self.trade_monitor = TradeMonitor(
            self.kernel, self._journal("alerts"), repeat_ns=self.settings.alert_repeat_ns
        )
        self.risk = RiskManager(
            self.kernel,
            self._journal("risk"),
            self.trade_monitor,
            instruments=self.instruments,
            limits=self.settings.limits,
        )
        self.market_data = MarketDataSystem(
            self.kernel,
            self.connection,
            self.trade_monitor,
            max_stale_ns=self.settings.max_stale_ns,
            on_inject=self.driver.pause,
        )
        self._build_main_account()
        self.risk.cancel_working = [self._cancel_main]
        self.paper_trading = self._build_paper() if self.settings.paper else None
        if self.paper_trading is not None:
            self.risk.cancel_working.append(self.paper_trading.cancel_all)

    def _build_paper(self) -> PaperTrading:
        paper = PaperTrading(
            self.kernel,
            self._journal("paper"),
            open_engine=self._open_paper,
            risk=self.risk,
            monitor=self.trade_monitor,
            readiness=self.settings.readiness,
            first=(self.settings.cash, self.settings.currency),
            names=self.settings.paper_accounts,
        )
        paper.equity_every_ns = self.settings.equity_every_ns
        return paper

    def _journal(self, name: str) -> Journal:
        return Journal(self._state_dir / f"platform.{name}.jsonl")

    # -- the main account ----------------------------------------------------------------------

    def _build_main_account(self) -> None:
        self.broker_framework = BrokerRegistry(
            self.kernel,
            failover_after_ns=self.settings.failover_after_ns,
            open_orders=self._count_open_orders,
            live_approved=self._live_approved,
            on_switch=lambda name: self.kernel.log.info("active broker: %s", name),
        )
        self.desk = self._desk(self.settings.account)
        self.execution = self._engine(
            self.desk, "orders", lambda: self.broker_framework.session, counted=True
        )
        self.broker = BrokerPort(self.kernel, lambda: self.broker_framework.session, self.execution.owns)
        self.risk.add_desk(self.desk)
        for name in self.settings.brokers:
            session = self._main_session(name)
            self.broker_framework.register(
                Broker(name=name, environment=self.settings.environment, session=session, backup=True)
            )
        self.broker_framework.register(Broker(name="LIVE-X", environment=Environment.LIVE))
        self.execution.hand_over(self.broker_framework.session)
        self._watches.append((PositionWatch(self.kernel, self.trade_monitor, self.desk.book), None))

    def _live_approved(self) -> bool:
        return self.paper_trading is not None and self.paper_trading.mode() == LIVE

    def _main_session(self, name: str) -> BrokerSession:
        return BrokerSession(
            self.kernel,
            self.connection,
            name=name,
            book=self.desk.book,
            deliver=self.on_report,
            on_link=self.on_link,
        )

    def on_report(self, update: OrderUpdate) -> None:
        """Bring a report of the main account to whoever sent the order."""
        if self.execution.owns(update.client_order_id):
            self.execution.on_report(update)
        else:
            self.execution.on_foreign(update)

    def on_link(self, session: BrokerSession, connected: bool, reason: str) -> None:
        """Say that the link to the broker went up or down, and finish what a kill could not do."""
        now = self.kernel.now_ns()
        text = f"{session.name} {session.account_id}: {reason}"
        component = BROKER_KEY if session.account_id == self.settings.account else PAPER_KEY
        self.kernel.emit(
            ConnectionChange(component=component, connected=connected, reason=text, ts_event_ns=now)
        )
        if connected:
            self.trade_monitor.clear(AlertKind.DISCONNECT, session.account_id)
            self.risk.cancel_when_possible()
        elif self._running and reason != "logged out":
            self.trade_monitor.raise_alert(
                AlertKind.DISCONNECT,
                text,
                severity=AlertSeverity.CRITICAL,
                key=session.account_id,
                component=component,
            )

    def _cancel_main(self) -> bool:
        return self.broker_framework.session.cancel_all()

    def _count_open_orders(self) -> int:
        return len(self.broker_framework.session.orders)

    # -- any account ---------------------------------------------------------------------------

    def _desk(self, account: str) -> Desk:
        return Desk(account, PositionBook(account, self.instruments.values(), self.prices), self.prices)

    def _engine(self, desk: Desk, name: str, session: SessionSource, *, counted: bool) -> ExecutionEngine:
        return ExecutionEngine(
            self.kernel,
            self._journal(name),
            desk=desk,
            risk=self.risk,
            monitor=self.trade_monitor if counted else None,
            alerts=self.trade_monitor,
            instruments=self.instruments,
            session=session,
        )

    def _open_paper(self, account: str, cash: Decimal, currency: str) -> ExecutionEngine:
        """Return the order path of a paper account; the account is opened where it does not exist."""
        self.connection.ensure_account(account, cash, currency)
        desk = self._desk(account)
        engine = self._engine(desk, f"orders.{account}", lambda: session, counted=False)

        def deliver(update: OrderUpdate) -> None:
            take = engine.on_report if engine.owns(update.client_order_id) else engine.on_foreign
            take(update)

        session = BrokerSession(
            self.kernel, self.connection, name="PAPER", book=desk.book, deliver=deliver, on_link=self.on_link
        )
        engine.hand_over(session)
        self.risk.add_desk(desk)
        self._watches.append((PositionWatch(self.kernel, self.trade_monitor, desk.book), session))
        return engine

    # -- the life of the platform --------------------------------------------------------------

    def describe(self) -> SystemInfo:
        """Say who this is and what it claims: every capability but those that are set up otherwise."""
        claimed: dict[str, bool | str] = dict.fromkeys(CAPABILITIES, True)
        claimed.update(self.settings.capabilities)
        return SystemInfo(self.settings.name, __version__, self.settings.environment, claimed)

    def start(self) -> None:
        """Connect everything, reconcile, and start the threads; harmless when started already."""
        with self.kernel.lock:
            if self._running:
                return
            self._running = True
            self.connection.ensure_account(self.settings.account, self.settings.cash, self.settings.currency)
            self._open_pricing()
            self.market_data.open()
            self.risk.start()
            self.broker_framework.start()
            self._check_connected()
            if self.paper_trading is not None:
                self.paper_trading.start()
        for worker in self._workers:
            worker.start()

    def _check_connected(self) -> None:
        session = self.broker_framework.session
        if self.settings.must_connect and not session.connected:
            raise ConnectionError(session.last_failure)

    def _open_pricing(self) -> None:
        self.prices.lost = False
        self._pricing_line = self.connection.open_feed(self.prices)
        for instrument in self.instruments:
            self._pricing_line.subscribe(instrument, {"QUOTE", "TRADE"})

    def _maintain_pricing(self) -> None:
        """Open another line for the reference prices when the one before is gone by itself."""
        if not self.prices.lost or self.kernel.now_ns() < self._retry_pricing_at_ns:
            return
        self._retry_pricing_at_ns = self.kernel.now_ns() + NS_PER_S
        if self._pricing_line is not None:
            self._pricing_line.close()
        try:
            self._open_pricing()
        except ConnectionError as error:
            self.prices.lost = True
            self.kernel.log.warning("reference prices: %s", error)

    def stop(self) -> None:
        """End the threads and every session; orders stay at the venue. May be started again."""
        for worker in self._workers:
            worker.stop()
        with self.kernel.lock:
            if not self._running:
                return
            self._running = False
            self.market_data.close()
            self.broker_framework.stop()
            if self.paper_trading is not None:
                self.paper_trading.stop()
            if self._pricing_line is not None:
                self._pricing_line.close()
            for component in (self.execution, self.risk, self.trade_monitor, self.connection):
                component.close()

    def health(self) -> Health:
        """Say whether the threads run and the links are up."""
        alive = self._running and all(worker.alive for worker in self._workers)
        with self.kernel.lock:
            broker, feed = self.broker_framework.session.connected, self.market_data.connected
        detail = "" if alive else "not running"
        return Health(alive=alive, connected=broker and feed, detail=detail)

    def housekeeping(self) -> None:
        """Do what is due by the clock."""
        with self.kernel.lock:
            if not self._running:
                return
            self.connection.advance()
            self.broker_framework.maintain()
            if self.paper_trading is not None:
                self.paper_trading.maintain()
            self._maintain_pricing()
            self.market_data.maintain()
            self.risk.check_losses()
            self.trade_monitor.say_unsaid()
            for watch, session in self._watches:
                watch.compare(session or self.broker_framework.session)
