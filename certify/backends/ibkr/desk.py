"""One account over one socket: sends orders, keeps the ledger, positions and money up to date.

Everything here runs on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify import clock
from certify.backends.ibkr import executions, wire_orders
from certify.backends.ibkr.client_library import ExecutionFilter
from certify.backends.ibkr.contracts import ContractBook
from certify.backends.ibkr.facts import SentOrders
from certify.backends.ibkr.gateway_socket import GatewaySocket
from certify.backends.ibkr.held import HeldOrder
from certify.backends.ibkr.ledger import Ledger, Waits
from certify.backends.ibkr.questions import Questions
from certify.backends.ibkr.receiver import OPEN_ORDERS, POSITIONS
from certify.model.trading import (
    AccountState,
    Environment,
    ExecType,
    Order,
    OrderUpdate,
    Position,
    Source,
)
from certify.reference.orders import unknown_order

TICK_S = 0.02
"""How often the ledger is looked at for what has waited too long."""
POSITIONS_AGE_NS = 3 * clock.NS_PER_S
MONEY_AGE_NS = 50 * clock.NS_PER_MS
"""So old may an answer be before the broker is asked again; after a fill it is asked at once."""
COMMISSION_GRACE_S = 0.3
"""So long are commissions of recovered executions waited for at a login."""
ZERO = Decimal(0)
Held = tuple[Decimal, Decimal]


@dataclass(slots=True)
class Snapshot:
    """What the broker says of an account, and when it was last asked."""

    positions: dict[str, Held] = field(default_factory=dict)
    """Instrument → quantity and average cost."""
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    """Tag and currency → value."""
    positions_ns: int = 0
    values_ns: int = 0


class OrderDesk:
    """Brings what the socket says about orders to the ledger, and asks when the ledger does."""

    def __init__(
        self,
        account: str,
        contracts: ContractBook,
        sent: SentOrders,
        *,
        say: Callable[[OrderUpdate], None],
        now_ns: Callable[[], int],
        waits: Waits,
        environment: Environment,
    ) -> None:
        """Trade `account`; report with `say`. A socket is given with `attach`."""
        self.account = account
        self.ledger = Ledger(account, now_ns=now_ns, say=say, waits=waits)
        self.ledger.on_presumed_dead = self._cancel_presumed_dead
        self.questions = Questions(self.ledger, waits)
        self.environment = environment
        self.socket: GatewaySocket | None = None
        self.snapshot = Snapshot()
        self._say = say
        self._contracts = contracts
        self._sent = sent
        self._ticking: asyncio.Task[None] | None = None
        self._asking = False
        self._arriving: dict[str, Held] = {}

    # -- the socket ----------------------------------------------------------------------------

    def attach(self, socket: GatewaySocket) -> None:
        """Work over this socket."""
        self.socket = socket
        socket.receiver.orders = self

    def detach(self) -> None:
        """Work no longer; nothing is asked until `attach`."""
        self.ledger.muted = True
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _line(self) -> GatewaySocket:
        if self.socket is None:
            raise ConnectionError("not connected")
        return self.socket

    async def synchronise(self) -> tuple[list[OrderUpdate], list[OrderUpdate]]:
        """Learn what has happened, quietly; return every execution and the working orders."""
        self.ledger.muted = True
        self.questions.asking(clock.now_ns())
        listed = await self.ask_orders()
        await self._commissions()
        self.questions.after_login(listed)
        self.snapshot = Snapshot()
        await asyncio.gather(self.positions(), self.money())
        return self.ledger.executions(), [*self.ledger.open_orders(), *self.ledger.unacknowledged()]

    def speak(self) -> None:
        """Report from now on."""
        self.ledger.muted = False
        if self._ticking is None:
            self._ticking = asyncio.ensure_future(self._tick())

    async def _commissions(self) -> None:
        """Give the commissions of executions that were just listed a moment to come."""
        deadline_ns = clock.monotonic_ns() + int(COMMISSION_GRACE_S * clock.NS_PER_S)
        while clock.monotonic_ns() < deadline_ns and any(held.news for held in self.ledger.active()):
            await asyncio.sleep(0.01)
            for held in self.ledger.active():
                self.ledger.flush(held)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            socket = self.socket
            usable = socket is not None and socket.open and not socket.suspended
            if usable and self.questions.due(clock.now_ns()) and not self._asking:
                self._asking = True
                asyncio.ensure_future(self._ask_again()).add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = False
        if not task.cancelled() and task.exception() is not None:
            self._line().log.warning("the broker could not be asked about orders: %s", task.exception())

    async def _ask_again(self) -> None:
        self.questions.asking(clock.now_ns())
        self.questions.answered(await self.ask_orders())

    # -- sending -------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Send a new order."""
        socket = self._line()
        try:
            order_id = socket.client.getReqId()
        except ConnectionError as error:
            self.ledger.lost(self.ledger.sent(order, 0), "DISCONNECTED", str(error))
            return
        held = self.ledger.sent(order, order_id)
        self._place(held, held.qty, held.price)

    def _place(self, held: HeldOrder, qty: Decimal, price: Decimal | None) -> None:
        socket = self._line()
        wire = wire_orders.to_wire(held.order, self.account, qty=qty, price=price)
        # A socket that dies now says so itself; what became of the order is found out at the next login.
        with suppress(ConnectionError):
            socket.client.placeOrder(held.order_id, self._contracts.contract(held.order.instrument), wire)

    def modify(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Send a change: the order again, with the same id."""
        if client_order_id not in self.ledger.orders:
            self._say(unknown_order(client_order_id, "", ExecType.REPLACE_REJECTED, Source.BROKER))
            return
        held = self.ledger.changing(client_order_id, qty, price)
        if held is not None and held.change is not None:
            self._place(held, held.change.qty, held.change.price)

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel."""
        if client_order_id not in self.ledger.orders:
            self._say(unknown_order(client_order_id, instrument, ExecType.CANCEL_REJECTED, Source.BROKER))
            return
        held = self.ledger.cancelling(client_order_id)
        if held is not None:
            with suppress(ConnectionError):
                self._line().client.cancelOrder(held.order_id, "")

    def _cancel_presumed_dead(self, held: HeldOrder) -> None:
        """Cancel an order that lives although it was said to be dead: nobody watches over it any more."""
        self._line().log.warning("%s lives after all; cancelled", held.order.client_order_id)
        with suppress(ConnectionError):
            self._line().client.cancelOrder(held.order_id, "")

    def cancel_all(self) -> None:
        """Cancel our own orders one by one: a global cancel would take other people's too."""
        for held in self.ledger.active():
            if not held.over and held.cancel_sent_ns is None:
                self.cancel(held.order.client_order_id, held.order.instrument)

    # -- asking --------------------------------------------------------------------------------

    async def ask_orders(self) -> set[int]:
        """Ask for executions and open orders; return the ids of the orders that are open."""
        socket = self._line()
        criteria = ExecutionFilter(clientId=socket.client_id, acctCode=self.account)
        await socket.ask(lambda req_id: socket.client.reqExecutions(req_id, criteria))
        return set(await socket.ask_once(OPEN_ORDERS, socket.client.reqOpenOrders))

    async def ask_executions(self) -> list[OrderUpdate]:
        """Return every execution that was reported, after looking for others."""
        await self.ask_orders()
        return self.ledger.executions()

    async def ask_open_orders(self) -> list[OrderUpdate]:
        """Return our working orders, after looking how they stand."""
        await self.ask_orders()
        return self.ledger.open_orders()

    async def positions(self) -> list[Position]:
        """Return what the account holds: less the fills that have not been reported yet."""
        if clock.monotonic_ns() - self.snapshot.positions_ns > POSITIONS_AGE_NS:
            await self._ask_positions()
        found = dict(self.snapshot.positions)
        for name, qty in self.ledger.pending_qty().items():
            held, cost = found.get(name, (ZERO, ZERO))
            found[name] = (held - qty, cost)
        return [self._position(name, *held) for name, held in found.items() if held[0]]

    async def _ask_positions(self) -> None:
        socket = self._line()
        asked_ns = clock.monotonic_ns()
        self._arriving = {}
        await socket.ask_once(POSITIONS, socket.client.reqPositions)
        self.snapshot.positions, self.snapshot.positions_ns = self._arriving, asked_ns

    def _position(self, instrument: str, qty: Decimal, cost: Decimal) -> Position:
        known = self._contracts.instruments.get(instrument)
        price = cost / (known.multiplier if known is not None else 1)
        return Position(instrument=instrument, qty=qty, avg_px=price, account=self.account)

    async def money(self) -> AccountState:
        """Return the account's money."""
        if clock.monotonic_ns() - self.snapshot.values_ns > MONEY_AGE_NS:
            await self._ask_money()
        return self._state()

    async def _ask_money(self) -> None:
        socket = self._line()
        asked_ns = clock.monotonic_ns()
        requests: list[int] = []

        def send(req_id: int) -> None:
            requests.append(req_id)
            socket.client.reqAccountUpdatesMulti(req_id, self.account, "", False)

        await socket.ask(send)
        socket.client.cancelAccountUpdatesMulti(requests[0])
        self.snapshot.values_ns = asked_ns

    def _state(self) -> AccountState:
        values = self.snapshot.values
        currency = next((money for (tag, money) in values if tag == "NetLiquidation"), "USD")

        def amount(tag: str) -> Decimal:
            return Decimal(values.get((tag, currency)) or values.get((tag, "BASE")) or 0)

        paid = (update.commission or ZERO for update in self.ledger.executions())
        return AccountState(
            account=self.account,
            currency=currency,
            cash=amount("TotalCashValue"),
            equity=amount("NetLiquidation"),
            realized_pnl=amount("RealizedPnL"),
            unrealized_pnl=amount("UnrealizedPnL"),
            commissions=sum(paid, ZERO),
            buying_power=amount("BuyingPower"),
            environment=self.environment,
        )

    # -- what comes in -------------------------------------------------------------------------

    def _own(self, client_id: int, reference: str, account: str) -> bool:
        """Whether an order is ours: other clients' and those entered by hand are left alone."""
        mine = self.socket is not None and client_id == self.socket.client_id
        return mine and bool(reference) and account in ("", self.account)

    def on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """Take an openOrder."""
        self._line().client.updateReqId(order_id + 1)
        if order_id <= 0 or not self._own(order.clientId, order.orderRef, order.account):
            return
        held = self.ledger.held(order_id, order.orderRef) or self._adopt(order_id, contract, order)
        if held is None:
            return
        held.perm_id = order.permId or held.perm_id
        price = wire_orders.price_of(held.order, order.lmtPrice)
        self.ledger.on_open_order(held, state.status, executions.decimal(order.totalQuantity), price)

    def _adopt(self, order_id: int, contract: Any, order: Any) -> HeldOrder | None:
        instrument = self._contracts.instrument_of(contract)
        if instrument is None:
            return None
        known = self._sent.get(order.orderRef) or wire_orders.from_wire(order, instrument)
        held = self.ledger.adopt(known, order_id)
        held.qty = executions.decimal(order.totalQuantity)
        held.price = wire_orders.price_of(known, order.lmtPrice)
        return held

    def on_order_status(
        self, order_id: int, client_id: int, status: str, filled: float, remaining: float
    ) -> None:
        """Take an orderStatus."""
        held = self.ledger.held(order_id)
        if held is not None and client_id == self._line().client_id:
            self.ledger.on_status(held, status, executions.decimal(filled), executions.decimal(remaining))

    def on_exec_details(self, contract: Any, execution: Any) -> None:
        """Take an execDetails."""
        if not self._own(execution.clientId, execution.orderRef, execution.acctNumber):
            return
        fill = executions.from_wire(execution)
        held = self.ledger.held(fill.order_id, fill.order_ref) or self._adopt_filled(fill, contract)
        if held is not None:
            held.perm_id = fill.perm_id or held.perm_id
            self.snapshot.positions_ns = self.snapshot.values_ns = 0
            self.ledger.on_execution(held, fill)

    def _adopt_filled(self, fill: executions.Execution, contract: Any) -> HeldOrder | None:
        """Follow an order of which only a fill is known: an earlier process sent it."""
        instrument = self._contracts.instrument_of(contract)
        if instrument is None:
            return None
        plain = Order(fill.order_ref, instrument, fill.side, fill.cum_qty, account=self.account)
        return self.ledger.adopt(self._sent.get(fill.order_ref) or plain, fill.order_id)

    def on_commission(self, report: Any) -> None:
        """Take a commissionReport."""
        self.snapshot.values_ns = 0
        self.ledger.on_commission(report.execId, executions.decimal(report.commission))

    def on_position(self, account: str, contract: Any, qty: float, average_cost: float) -> None:
        """Take a position; what the account holds beside the instruments that are traded is none of ours."""
        instrument = self._contracts.instrument_of(contract)
        if account == self.account and instrument is not None:
            held = (executions.decimal(qty), executions.decimal(average_cost))
            self._arriving[instrument] = self.snapshot.positions[instrument] = held

    def on_account_value(self, account: str, tag: str, value: str, currency: str) -> None:
        """Take one value of the account."""
        if account == self.account:
            self.snapshot.values[tag, currency] = value

    def on_order_error(self, order_id: int, code: int, text: str) -> bool:
        """Take an error about an order."""
        held = self.ledger.held(order_id)
        if held is not None:
            self.ledger.on_error(held, code, text)
        return held is not None
