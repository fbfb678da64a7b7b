"""Order reports: built from the venue's orders and sent to every session of the account."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Side, Source
from certify.venue.accounts import Account, Execution
from certify.venue.contract import Contract
from certify.venue.delivery import Dispatcher
from certify.venue.market import Market
from certify.venue.orders import Code, VenueOrder

_ZERO = Decimal(0)
_new = OrderUpdate.__new__
_set = object.__setattr__


def _facts(order: VenueOrder, contract: Contract) -> dict[str, object]:
    """Return, and keep with the order, the report of an order that has not traded.

    Each report starts as a copy: only a replace changes what is in here.
    """
    ticks, qty = contract.ticks.outside, contract.lots.outside(order.qty)
    order.facts = {
        "client_order_id": order.client_order_id,
        "instrument": order.instrument,
        "exec_type": ExecType.NEW,
        "status": OrdStatus.NEW,
        "side": order.side,
        "qty": qty,
        "price": ticks(order.price) if order.has_limit else None,
        "stop_price": ticks(order.stop) if order.stop else None,
        "last_qty": _ZERO,
        "last_px": None,
        "cum_qty": _ZERO,
        "leaves_qty": _ZERO,
        "avg_px": None,
        "exec_id": None,
        "exec_ref_id": None,
        "commission": None,
        "source": Source.VENUE,
        "code": None,
        "reason": None,
        "broker_order_id": order.broker_order_id,
        "account": order.account.id if order.account else None,
        "type": order.type,
        "tif": order.tif,
        "ts_event_ns": 0,
    }
    return order.facts


class Reporter:
    """Speaks to accounts about their orders; execution ids are counted here."""

    __slots__ = ("_dispatcher", "_executions", "_markets", "executions")

    def __init__(self, dispatcher: Dispatcher, markets: dict[str, Market]) -> None:
        """Report over `dispatcher`."""
        self._dispatcher = dispatcher
        self._markets = markets
        self._executions = 0
        self.executions: dict[str, Execution] = {}
        """What can be busted, by execution id."""

    def send(self, account: Account, update: OrderUpdate) -> None:
        """Queue `update` for every session of `account`."""
        for session in account.sessions:
            self._dispatcher.report(session, update)

    def build(self, order: VenueOrder, exec_type: ExecType, **more: object) -> OrderUpdate:
        """Return a report of the order as it stands, with the fields of `more` beside."""
        contract = self._markets[order.instrument].contract
        fields = (order.facts or _facts(order, contract)).copy()
        fields["exec_type"] = exec_type
        fields["status"] = order.status
        fields["ts_event_ns"] = self._dispatcher.now
        cum = order.cum
        if cum:
            fields["cum_qty"] = contract.lots.outside(cum)
            fields["avg_px"] = contract.average(order.notional, cum)
        if order.working:
            fields["leaves_qty"] = contract.lots.outside(order.qty - cum)
        if more:
            fields.update(more)
        # The fields go in at once: a frozen dataclass sets each of them by a call of its own, which
        # would be the dearest part of a match.
        update = _new(OrderUpdate)
        _set(update, "__dict__", fields)
        return update

    def say(
        self, order: VenueOrder, exec_type: ExecType, code: Code | None = None, reason: str | None = None
    ) -> None:
        """Report anything but a fill to the order's account; the house is not told."""
        if order.account is not None:
            update = (
                self.build(order, exec_type, code=code.value, reason=reason)
                if code
                else self.build(order, exec_type)
            )
            self.send(order.account, update)

    def fill(
        self, order: VenueOrder, account: Account, lots: int, price: int, fee: int, match_id: int
    ) -> None:
        """Record and report one side of a match."""
        self._executions += 1
        exec_id = f"X{self._executions:09d}"
        execution = Execution(
            exec_id, account, order, lots=lots, price=price, commission=fee, match_id=match_id
        )
        self.executions[exec_id] = execution
        account.executions.append(execution)
        contract = self._markets[order.instrument].contract
        update = self.build(
            order,
            ExecType.TRADE,
            last_qty=contract.lots.outside(lots),
            last_px=contract.ticks.outside(price),
            exec_id=exec_id,
            commission=account.money.outside(fee),
        )
        account.reports.append(update)
        self.send(account, update)

    def bust(self, execution: Execution) -> None:
        """Report that an execution was taken back; its commission comes back as a negative one."""
        account = execution.account
        self._executions += 1
        del self.executions[execution.exec_id]
        contract = self._markets[execution.order.instrument].contract
        update = self.build(
            execution.order,
            ExecType.TRADE_CANCEL,
            last_qty=contract.lots.outside(execution.lots),
            last_px=contract.ticks.outside(execution.price),
            exec_id=f"X{self._executions:09d}",
            exec_ref_id=execution.exec_id,
            commission=account.money.outside(-execution.commission),
            code=Code.BUSTED.value,
            reason=f"execution {execution.exec_id} was taken back by the venue",
        )
        account.reports.append(update)
        self.send(account, update)

    def reject(self, account: Account, order: Order, code: Code, reason: str) -> None:
        """Report a new order as refused and remember its id, unless that id is another order's."""
        update = OrderUpdate(
            client_order_id=order.client_order_id,
            instrument=order.instrument,
            exec_type=ExecType.REJECTED,
            status=OrdStatus.REJECTED,
            side=order.side,
            qty=order.qty,
            price=order.price,
            stop_price=order.stop_price,
            code=code.value,
            reason=reason,
            account=account.id,
            type=order.type,
            tif=order.tif,
            ts_event_ns=self._dispatcher.now,
        )
        if code is not Code.DUPLICATE_ORDER_ID:
            account.rejected[order.client_order_id] = update
        self.send(account, update)

    def refuse(
        self, account: Account, order: VenueOrder, exec_type: ExecType, code: Code, reason: str
    ) -> None:
        """Report that a known order was not canceled or replaced; it stands as it did."""
        self.send(account, self.build(order, exec_type, code=code.value, reason=reason))

    def refuse_unknown(
        self, account: Account, client_order_id: str, instrument: str, exec_type: ExecType
    ) -> None:
        """Report a cancel or replace of an order that is not working here and never was."""
        rejected = account.rejected.get(client_order_id)
        code = Code.UNKNOWN_ORDER if rejected is None else Code.TOO_LATE
        reason = "no such order" if rejected is None else "the order was rejected"
        self.send(
            account,
            OrderUpdate(
                client_order_id=client_order_id,
                instrument=instrument if rejected is None else rejected.instrument,
                exec_type=exec_type,
                status=OrdStatus.REJECTED,
                side=Side.BUY if rejected is None else rejected.side,
                qty=_ZERO if rejected is None else rejected.qty,
                code=code.value,
                reason=reason,
                account=account.id,
                ts_event_ns=self._dispatcher.now,
            ),
        )
