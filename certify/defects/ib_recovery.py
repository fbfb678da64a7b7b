"""Defects of what a client does after an outage, and of what it does to the orders of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.api import rewrite_events
from certify.defects.ib_wrap import Collected, drop, sessions
from certify.defects.trading_wrap import on_links, wrap
from certify.model.trading import Alert, AlertKind, ExecType, Order, OrderUpdate, OrdStatus

planted = Collected()

Later = list[Callable[[], None]]


@planted("ib_fills_of_outage_lost", "after an outage nobody asks what was filled meanwhile")
def _ib_fills_of_outage_lost(platform: Any) -> None:
    for session in sessions(platform):
        session.recover_executions = lambda: None


@planted("ib_fills_of_outage_doubled", "what was filled during an outage is told twice")
def _ib_fills_of_outage_doubled(platform: Any) -> None:
    recovering: list[bool] = []

    def marks(session: Any) -> None:
        recover = session.recover_executions

        def marked() -> None:
            recovering.append(True)
            try:
                recover()
            finally:
                recovering.clear()

        session.recover_executions = marked

    def rewrite(event: Any) -> Iterator[Any]:
        yield event
        if recovering and isinstance(event, OrderUpdate) and event.exec_type is ExecType.TRADE:
            yield replace(event, exec_id=f"{event.exec_id}-R")

    for session in sessions(platform):
        marks(session)
    rewrite_events(platform, rewrite)


def _after_return(session: Any, later: Later) -> None:
    """Do what was put off once the session is back."""
    reconcile = session.reconcile

    def reconciled() -> None:
        reconcile()
        while later:
            later.pop(0)()

    session.reconcile = reconciled


@planted("ib_refused_but_sent", "an order that was refused for want of a link is sent when the link is back")
def _ib_refused_but_sent(platform: Any) -> None:
    def each(session: Any) -> None:
        submit, later = session.submit, Later()

        def both(order: Order) -> None:
            if not session.connected:
                later.append(lambda: session._link.submit(order))
            submit(order)

        session.submit = both
        _after_return(session, later)

    for session in sessions(platform):
        each(session)


@planted("ib_cancel_said_while_away", "a cancel that cannot be sent is said to be done")
def _ib_cancel_said_while_away(platform: Any) -> None:
    def each(session: Any) -> None:
        no_link = session._no_link

        def done(client_order_id: str, instrument: str, exec_type: ExecType) -> OrderUpdate:
            update: OrderUpdate = no_link(client_order_id, instrument, exec_type)
            if exec_type is ExecType.CANCEL_REJECTED:
                update = replace(
                    update,
                    exec_type=ExecType.CANCELED,
                    status=OrdStatus.CANCELED,
                    leaves_qty=Decimal(0),
                    code=None,
                )
            return update

        session._no_link = done

    for session in sessions(platform):
        each(session)


@planted("ib_change_as_second_order", "a change that cannot be sent is sent later as an order of its own")
def _ib_change_as_second_order(platform: Any) -> None:
    def each(session: Any) -> None:
        modify, later = session.modify, Later()

        def both(client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
            record = session.orders.get(client_order_id)
            if not session.connected and record is not None:
                order = replace(record.order, client_order_id=f"{client_order_id}-2", price=price)
                later.append(lambda: session._link.submit(order))
            modify(client_order_id, qty, price)

        session.modify = both
        _after_return(session, later)

    for session in sessions(platform):
        each(session)


@planted("ib_cancel_all_is_global", "to cancel everything cancels the orders of everybody")
def _ib_cancel_all_is_global(platform: Any) -> None:
    def each(link: Any, _listener: Any) -> None:
        link.cancel_all = lambda: platform.connection.post(link.socket.client.reqGlobalCancel)

    on_links(platform, each)


@planted("ib_others_trades_hidden", "what others trade on the account shows nowhere")
def _ib_others_trades_hidden(platform: Any) -> None:
    drop(platform, lambda e: isinstance(e, Alert) and e.kind == AlertKind.POSITION_BREAK.value)
    wrap(platform.execution, "positions", lambda _positions: platform.execution.book.positions)


DEFECTS = tuple(planted.defects)
