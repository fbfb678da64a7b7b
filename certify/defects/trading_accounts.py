"""Defects in lists and sums: working orders, executions, positions, money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.trading_wrap import Collected, ports, wrap, wrap_ports
from certify.model.trading import AccountState, ExecType, OrderUpdate, Position, Side

planted = Collected()


def _positions(platform: Any, change: Callable[[Position], Position]) -> None:
    wrap_ports(platform, "positions", lambda positions: lambda: [change(p) for p in positions()])


def _accounts(platform: Any, change: Callable[[AccountState], AccountState]) -> None:
    wrap_ports(platform, "account", lambda account: lambda: change(account()))


def _fills_of(port: Any, instrument: str) -> list[OrderUpdate]:
    mine = (update for update in port.executions() if update.instrument == instrument)
    return [update for update in mine if update.exec_type is ExecType.TRADE]


@planted("position_ignores_sells", "sells are not booked: positions only grow")
def _position_ignores_sells(platform: Any) -> None:
    for port in ports(platform):

        def make(positions: Any, port: Any = port) -> Any:
            def bought(position: Position) -> Position:
                fills = [f for f in _fills_of(port, position.instrument) if f.side is Side.BUY]
                return replace(position, qty=sum((f.last_qty for f in fills), Decimal(0)))

            return lambda: [bought(position) for position in positions()]

        wrap(port, "positions", make)


@planted("position_unsigned", "short positions are shown as long")
def _position_unsigned(platform: Any) -> None:
    _positions(platform, lambda position: replace(position, qty=abs(position.qty)))


@planted("position_clipped_at_flat", "a sale beyond flat ends at zero")
def _position_clipped_at_flat(platform: Any) -> None:
    _positions(platform, lambda position: replace(position, qty=max(position.qty, Decimal(0))))


@planted("position_one_fill_late", "positions are those of before the last fill")
def _position_one_fill_late(platform: Any) -> None:
    for port in ports(platform):

        def make(positions: Any, port: Any = port) -> Any:
            def late(position: Position) -> Position:
                last = _fills_of(port, position.instrument)[-1]
                change = last.last_qty if last.side is Side.BUY else -last.last_qty
                return replace(position, qty=position.qty - change)

            return lambda: [late(position) for position in positions()]

        wrap(port, "positions", make)


@planted("positions_not_by_instrument", "positions of all instruments are shown under each of them")
def _positions_not_by_instrument(platform: Any) -> None:
    def make(positions: Any) -> Any:
        def changed() -> list[Position]:
            now = positions()
            total = sum((position.qty for position in now), Decimal(0))
            names = platform.instruments
            return [Position(name, total) for name in names] if total else now

        return changed

    wrap(platform.execution, "positions", make)


@planted("average_is_last_price", "the average price of a position is the last price traded")
def _average_is_last_price(platform: Any) -> None:
    for port in ports(platform):

        def make(positions: Any, port: Any = port) -> Any:
            def last(position: Position) -> Position:
                return replace(position, avg_px=_fills_of(port, position.instrument)[-1].last_px)

            return lambda: [last(position) for position in positions()]

        wrap(port, "positions", make)


@planted("executions_last_only", "the list of executions holds the last one only")
def _executions_last_only(platform: Any) -> None:
    wrap_ports(platform, "executions", lambda executions: lambda: executions()[-1:])


@planted("executions_doubled", "the list of executions holds each one twice")
def _executions_doubled(platform: Any) -> None:
    wrap_ports(platform, "executions", lambda executions: lambda: [u for u in executions() for _ in range(2)])


@planted("executions_without_sells", "the list of executions leaves sells out")
def _executions_without_sells(platform: Any) -> None:
    def make(executions: Any) -> Any:
        return lambda: [update for update in executions() if update.side is Side.BUY]

    wrap_ports(platform, "executions", make)


@planted("executions_price_rounded", "executions are listed with the price rounded to a tenth")
def _executions_price_rounded(platform: Any) -> None:
    def rounded(update: OrderUpdate) -> OrderUpdate:
        price = update.last_px and update.last_px.quantize(Decimal("0.1")) + Decimal("0.1")
        return replace(update, last_px=price)

    wrap_ports(platform, "executions", lambda executions: lambda: [rounded(u) for u in executions()])


@planted("open_orders_stale", "orders that have ended stay on the list of working orders")
def _open_orders_stale(platform: Any) -> None:
    def make(open_orders: Any) -> Any:
        known: dict[str, OrderUpdate] = {}

        def changed() -> list[OrderUpdate]:
            known.update({update.client_order_id: update for update in open_orders()})
            return list(known.values())

        return changed

    wrap_ports(platform, "open_orders", make)


@planted("open_orders_first_page", "only the first two working orders are listed")
def _open_orders_first_page(platform: Any) -> None:
    wrap_ports(platform, "open_orders", lambda open_orders: lambda: open_orders()[:2])


@planted("open_orders_buys_only", "sells are missing from the list of working orders")
def _open_orders_buys_only(platform: Any) -> None:
    def make(open_orders: Any) -> Any:
        return lambda: [update for update in open_orders() if update.side is Side.BUY]

    wrap_ports(platform, "open_orders", make)


@planted("open_orders_as_sent", "working orders are listed as they were first sent, without fills")
def _open_orders_as_sent(platform: Any) -> None:
    first: dict[str, OrderUpdate] = {}

    def original(update: OrderUpdate) -> OrderUpdate:
        unfilled = replace(update, cum_qty=Decimal(0), leaves_qty=update.qty, avg_px=None)
        return first.setdefault(update.client_order_id, unfilled)

    wrap_ports(platform, "open_orders", lambda open_orders: lambda: [original(u) for u in open_orders()])


@planted("cash_off_by_commission", "commissions are not taken from cash")
def _cash_off_by_commission(platform: Any) -> None:
    _accounts(platform, lambda state: replace(state, cash=state.cash + 7 * state.commissions))


@planted("cash_stale", "cash is what it was when it was first asked for")
def _cash_stale(platform: Any) -> None:
    first: dict[str, Decimal] = {}
    _accounts(platform, lambda s: replace(s, cash=first.setdefault(s.account, s.cash)))


@planted("cash_ignores_multiplicity", "cash is booked twice for each trade")
def _cash_ignores_multiplicity(platform: Any) -> None:
    first: dict[str, Decimal] = {}

    def doubled(state: AccountState) -> AccountState:
        start = first.setdefault(state.account, state.cash)
        return replace(state, cash=state.cash + state.cash - start)

    _accounts(platform, doubled)


@planted("account_commissions_doubled", "the account counts every commission twice")
def _account_commissions_doubled(platform: Any) -> None:
    _accounts(platform, lambda state: replace(state, commissions=2 * state.commissions))


DEFECTS = tuple(planted.defects)
