"""Port `paper_trading`: a paper account of its own, and the guarded way to live trading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from certify.errors import NotSupported, UsageError
from certify.model.trading import (
    AccountState,
    AlertKind,
    Criterion,
    Decision,
    Environment,
    ExecType,
    Order,
    OrderUpdate,
    Position,
    Source,
)
from certify.reference.execution import ExecutionEngine
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import OrderRecord, refuse, unknown_order
from certify.reference.risk import RiskManager
from certify.reference.settings import Readiness
from certify.reference.trade_monitor import TradeMonitor

PAPER, LIVE = "PAPER", "LIVE"
IN_LIVE_MODE = refuse("LIVE_MODE", "paper trading is over: the system is in live mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change between paper and live."""

    at_ns: int
    mode: str
    by: str


class PaperTrading:
    """Trades on paper through the same order path and the same limits, and decides on going live."""

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        *,
        open_engine: Callable[[str, Decimal, str], ExecutionEngine],
        risk: RiskManager,
        monitor: TradeMonitor,
        readiness: Readiness,
        first: tuple[Decimal, str],
        names: str,
    ) -> None:
        """Open accounts, called `names`, with `open_engine(account, cash, currency)`; `first`: its money.

        Nothing is opened before `start`.
        """
        self.kernel = kernel
        self._journal = journal
        self._open_engine = open_engine
        self._risk = risk
        self._monitor = monitor
        self._wanted = readiness
        self._first = first
        self._names = names
        self.equity_every_ns = 0
        """How often the equity is looked at, at most: a remote broker must be asked for it."""
        self._equity_due_ns = 0
        self._engines: list[ExecutionEngine] = []
        self._accounts: list[tuple[str, Decimal, str]] = []
        self._mode = PAPER
        self._transitions: list[Transition] = []
        self._peak = Decimal(0)
        self.criteria: dict[str, Callable[[], Criterion]] = {
            "min_trades": self.enough_trades,
            "no_open_orders": self.no_open_orders,
            "flat": self.flat,
            "max_drawdown": self.small_drawdown,
            "no_critical_alert": self.no_critical_alert,
            "risk_limits": self.risk_limits_set,
            "trading_active": self.trading_active,
            "approval_committee": self.committee,
        }
        for row in journal.load():
            self._replay(row)

    def _replay(self, row: list[object]) -> None:
        match row:
            case ["account", str(account), str(cash), str(currency)]:
                self._accounts.append((account, Decimal(cash), currency))
            case ["mode", int(at_ns), str(mode), str(by)]:
                self._mode = mode
                self._transitions.append(Transition(at_ns=at_ns, mode=mode, by=by))

    # -- accounts ------------------------------------------------------------------------------

    @property
    def engine(self) -> ExecutionEngine:
        """Return the order path of the account in use."""
        if not self._engines:
            raise ConnectionError("paper trading has not been started")
        return self._engines[-1]

    @locked
    def start(self) -> None:
        """Open the first account, or the one last in use."""
        if self._engines:
            self.engine.session.reconnect()
        elif self._accounts:
            for account, *_ in self._accounts[:-1]:
                self._clear(account)
            self._use(*self._accounts[-1])
        else:
            self._open_next(*self._first)

    @locked
    def stop(self) -> None:
        """Close the session."""
        for engine in self._engines:
            engine.session.logout()
            engine.close()
        self._journal.close()

    @locked
    def maintain(self) -> None:
        """Reconnect when it is time, and remember the highest equity."""
        self.engine.session.maintain()
        now = self.kernel.now_ns()
        if now >= self._equity_due_ns:
            self._equity_due_ns = now + self.equity_every_ns
            self.watch_equity()

    @locked
    def open_account(self, cash: Decimal, currency: str) -> AccountState:
        """Open a fresh paper account with this cash; the one before is left without working orders."""
        if not cash.is_finite() or cash <= 0 or not currency:
            raise UsageError(f"expected cash above 0 in a currency, was {cash} {currency}")
        if self._accounts and "{number}" not in self._names:
            raise NotSupported(f"paper trading is in {self._names} only: this broker opens no accounts")
        if self._engines:
            self.engine.cancel_all()
            self.engine.session.logout()
            self._forget(self.engine)
        self._open_next(cash, currency)
        return self.account()

    def _open_next(self, cash: Decimal, currency: str) -> None:
        account = self._names.format(number=len(self._accounts) + 1)
        self._accounts.append((account, cash, currency))
        self._journal.append("account", account, cash, currency)
        self._use(account, cash, currency)

    def _forget(self, engine: ExecutionEngine) -> None:
        """Let go of an account that is used no longer, and of what was wrong with it."""
        engine.close()
        self._risk.drop_desk(engine.desk)
        self._clear(engine.desk.account)

    def _clear(self, account: str) -> None:
        """Say that what was wrong with an account goes on no longer: it is not used any more."""
        for kind in (AlertKind.DISCONNECT, AlertKind.POSITION_BREAK):
            self._monitor.clear(kind, account)

    def _use(self, account: str, cash: Decimal, currency: str) -> None:
        self._engines.append(self._open_engine(account, cash, currency))
        self.engine.session.login()
        self._peak = cash

    # -- orders --------------------------------------------------------------------------------

    @locked
    def submit(self, order: Order) -> None:
        """Trade on paper; refused in live mode."""
        if self._mode == LIVE:
            self.kernel.emit(OrderRecord(order).update(ExecType.REJECTED, Source.ENGINE, IN_LIVE_MODE))
        else:
            self.engine.submit(order)

    @locked
    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel, in every mode."""
        self.engine.cancel(client_order_id, instrument)

    @locked
    def modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        """Send a change; refused in live mode."""
        record = self.engine.records.get(client_order_id)
        if self._mode == LIVE and record is not None:
            self.kernel.emit(record.update(ExecType.REPLACE_REJECTED, Source.ENGINE, IN_LIVE_MODE))
        elif record is None:
            self.kernel.emit(unknown_order(client_order_id, "", ExecType.REPLACE_REJECTED))
        else:
            self.engine.modify(client_order_id, qty, price)

    @locked
    def cancel_all(self) -> bool:
        """Cancel every working paper order; return whether none was out of reach."""
        return not self._engines or self.engine.session.cancel_all()

    @locked
    def open_orders(self) -> list[OrderUpdate]:
        """Return the working paper orders."""
        return self.engine.open_orders()

    @locked
    def positions(self) -> list[Position]:
        """Return what the paper account holds."""
        return self.engine.positions()

    @locked
    def executions(self) -> list[OrderUpdate]:
        """Return the paper account's executions."""
        return self.engine.executions()

    @locked
    def account(self) -> AccountState:
        """Return the paper account's money."""
        state = self.engine.account()
        return replace(state, environment=Environment.PAPER)

    @locked
    def disconnect(self) -> None:
        """Break the paper account's link."""
        self.engine.disconnect()

    @locked
    def reconnect(self) -> None:
        """Allow the link to come back."""
        self.engine.reconnect()

    # -- going live ----------------------------------------------------------------------------

    @locked
    def readiness(self) -> list[Criterion]:
        """Return every condition for going live, met or not."""
        return [criterion() for criterion in self.criteria.values()]

    @locked
    def go_live(self, approved_by: str | None) -> Decision:
        """Go live when a named person approves and every condition is met."""
        if not (approved_by or "").strip():
            return refuse("APPROVAL_REQUIRED", "expected the name of who approves, was empty")
        if self._mode == LIVE:
            return refuse("ALREADY_LIVE", "the system is live already")
        unmet = [criterion for criterion in self.readiness() if not criterion.met]
        if unmet:
            text = "; ".join(f"{c.name}: required {c.required}, observed {c.observed}" for c in unmet)
            return refuse("NOT_READY", text)
        self._change(LIVE, str(approved_by))
        return Decision(accepted=True)

    @locked
    def revert(self) -> None:
        """Go back to paper mode."""
        if self._mode == LIVE:
            self._change(PAPER, "revert")

    def _change(self, mode: str, by: str) -> None:
        now = self.kernel.now_ns()
        self._mode = mode
        self._transitions.append(Transition(at_ns=now, mode=mode, by=by))
        self._journal.append("mode", now, mode, by)

    @locked
    def mode(self) -> str:
        """Return `PAPER` or `LIVE`."""
        return self._mode

    @locked
    def transitions(self) -> list[Transition]:
        """Return every change between paper and live, oldest first."""
        return list(self._transitions)

    # -- the conditions ------------------------------------------------------------------------

    def enough_trades(self) -> Criterion:
        """Enough has been traded on paper."""
        wanted, seen = self._wanted.min_trades, self.engine.book.trades()
        return Criterion("min_trades", f">= {wanted} paper trades", str(seen), seen >= wanted)

    def no_open_orders(self) -> Criterion:
        """Nothing is working on the paper account."""
        count = len(self.engine.open_orders())
        return Criterion("no_open_orders", "0 open orders", str(count), count == 0)

    def flat(self) -> Criterion:
        """The paper account holds nothing."""
        held = self.engine.book.quantities()
        text = ", ".join(f"{name} {qty}" for name, qty in held.items()) or "flat"
        return Criterion("flat", "flat", text, not held)

    def small_drawdown(self) -> Criterion:
        """The paper account has not lost too much from its highest equity."""
        self.watch_equity()
        equity = self.engine.account().equity
        drawdown = (self._peak - equity) * 100 / self._peak if self._peak else Decimal(0)
        wanted = self._wanted.max_drawdown
        return Criterion("max_drawdown", f"<= {wanted} %", f"{drawdown:.2f} %", drawdown <= wanted)

    def watch_equity(self) -> None:
        """Remember the highest equity of the account in use."""
        if self._engines and self.engine.session.connected:
            self._peak = max(self._peak, self.engine.account().equity)

    def no_critical_alert(self) -> Criterion:
        """No CRITICAL alert is unresolved while its cause goes on."""
        alerts = self._monitor.active_critical()
        text = ", ".join(f"{alert.id} {alert.kind}" for alert in alerts) or "none"
        return Criterion("no_critical_alert", "no unresolved CRITICAL alert", text, not alerts)

    def risk_limits_set(self) -> Criterion:
        """At least the size of an order, the size of a position and the loss of a day are limited."""
        names = {limit.name for limit in self._risk.limits()}
        missing = sorted({"max_order_qty", "max_position_qty", "max_daily_loss"} - names)
        text = f"missing {', '.join(missing)}" if missing else "set"
        return Criterion("risk_limits", "order, position and loss limits set", text, not missing)

    def trading_active(self) -> Criterion:
        """Trading is not stopped."""
        state = self._risk.state()
        return Criterion("trading_active", "ACTIVE", state, state == "ACTIVE")

    def committee(self) -> Criterion:
        """The firm's committee has approved."""
        met = self._wanted.committee_approved
        return Criterion("approval_committee", "approved", "approved" if met else "not approved", met)
