"""Defects in what survives a restart, a crash or a broken link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from certify.defects.trading_wrap import Collected, on_engines, on_links, on_sessions, wrap, wrap_ports
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source

planted = Collected()


@planted("forgets_orders_on_restart", "working orders of before a restart are not taken up again")
def _forgets_orders_on_restart(platform: Any) -> None:
    def change(engine: Any) -> None:
        for name in [name for name, record in engine.records.items() if record.open]:
            del engine.records[name]
        engine._open.clear()
        engine.session.orders.clear()

    on_engines(platform, change)


@planted("lists_own_session_only", "the broker lists working orders only of the session that sent them")
def _lists_own_session_only(platform: Any) -> None:
    sent: set[str] = set()

    def change(link: Any, _listener: Any) -> None:
        submit, open_orders = link.submit, link.open_orders

        def note(order: Order) -> None:
            sent.add(order.client_order_id)
            submit(order)

        link.submit = note
        link.open_orders = lambda: [u for u in open_orders() if u.client_order_id in sent]

    on_links(platform, change)


@planted("executions_lost_on_restart", "executions of before a restart are not listed any more")
def _executions_lost_on_restart(platform: Any) -> None:
    began = platform.kernel.now_ns()

    def make(executions: Any) -> Any:
        return lambda: [update for update in executions() if (update.ts_event_ns or began) >= began]

    wrap_ports(platform, "executions", make)


@planted("doubles_fills_on_restart", "every restart books the day's executions again")
def _doubles_fills_on_restart(platform: Any) -> None:
    def change(engine: Any) -> None:
        for update in engine.book.executions():
            engine.book.book(replace(update, exec_id=f"{update.exec_id}-R"))

    on_engines(platform, change)


@planted("position_flat_on_restart", "positions are counted from the start of the process")
def _position_flat_on_restart(platform: Any) -> None:
    at_start: dict[int, dict[str, Any]] = {}

    def make(positions: Any) -> Any:
        def changed() -> list[Any]:
            now = positions()
            known = at_start.setdefault(id(positions), {p.instrument: p.qty for p in now})
            return [replace(p, qty=p.qty - known.get(p.instrument, 0)) for p in now]

        return changed

    start = platform.start

    def started() -> None:
        start()
        for port in (platform.execution, platform.broker, platform.paper_trading):
            port.positions()

    wrap_ports(platform, "positions", make)
    platform.start = started


@planted("terms_of_submit_on_restart", "after a restart changed orders are held with their first terms")
def _terms_of_submit_on_restart(platform: Any) -> None:
    def change(engine: Any) -> None:
        for record in engine.records.values():
            if record.open:
                record.price = (
                    record.order.price
                    and record.order.price + platform.instruments[record.order.instrument].tick
                )

    on_engines(platform, change)


@planted("journal_written_on_stop", "state is kept in memory and written when the system is stopped in order")
def _journal_written_on_stop(platform: Any) -> None:
    journal = platform.execution._journal
    rows: list[tuple[Any, ...]] = []
    append, close = journal.append, journal.close

    def flush() -> None:
        for row in rows:
            append(*row)
        rows.clear()
        close()

    journal.append = lambda *row: rows.append(row)
    journal.close = flush


@planted("loses_fills_while_down", "after a broken link nobody asks for executions that were missed")
def _loses_fills_while_down(platform: Any) -> None:
    def change(session: Any) -> None:
        session.recover_executions = lambda: None

    on_sessions(platform, change)


@planted("doubles_fills_on_reconnect", "every reconnect reports all executions again")
def _doubles_fills_on_reconnect(platform: Any) -> None:
    def change(session: Any) -> None:
        recover = session.recover_executions

        def again() -> None:
            known = session.book.executions()
            recover()
            for update in known:
                platform.kernel.emit(update)

        session.recover_executions = again

    on_sessions(platform, change)


@planted("reconnect_marks_orders_ended", "after a broken link all working orders are taken for canceled")
def _reconnect_marks_orders_ended(platform: Any) -> None:
    def change(session: Any) -> None:
        def give_up() -> None:
            for record in list(session.orders.values()):
                session.handle(session._ended(record))

        session.refresh_orders = give_up

    on_sessions(platform, change)


@planted("submit_lost_while_down", "an order sent while the link is down is dropped without a word")
def _submit_lost_while_down(platform: Any) -> None:
    _only_connected(platform, "submit")


@planted("cancel_lost_while_down", "a cancel sent while the link is down is dropped without a word")
def _cancel_lost_while_down(platform: Any) -> None:
    _only_connected(platform, "cancel")


def _only_connected(platform: Any, name: str) -> None:
    def change(session: Any) -> None:
        def make(method: Any) -> Any:
            return lambda *args: method(*args) if session.connected else None

        wrap(session, name, make)

    on_sessions(platform, change)


@planted("submit_acknowledged_while_down", "an order sent while the link is down is acknowledged and lost")
def _submit_acknowledged_while_down(platform: Any) -> None:
    def change(session: Any) -> None:
        def make(submit: Any) -> Any:
            def changed(order: Order) -> None:
                if session.connected:
                    submit(order)
                else:
                    session.deliver(_acknowledged(order))

            return changed

        wrap(session, "submit", make)

    on_sessions(platform, change)


def _acknowledged(order: Order) -> OrderUpdate:
    return OrderUpdate(
        client_order_id=order.client_order_id,
        instrument=order.instrument,
        exec_type=ExecType.NEW,
        status=OrdStatus.NEW,
        side=order.side,
        qty=order.qty,
        price=order.price,
        leaves_qty=order.qty,
        source=Source.ENGINE,
    )


@planted("cancel_confirmed_while_down", "a cancel sent while the link is down is confirmed and lost")
def _cancel_confirmed_while_down(platform: Any) -> None:
    def change(session: Any) -> None:
        def make(cancel: Any) -> Any:
            def changed(client_order_id: str, instrument: str) -> None:
                record = session.orders.get(client_order_id)
                if session.connected or record is None:
                    cancel(client_order_id, instrument)
                else:
                    session.handle(session._ended(record))

            return changed

        wrap(session, "cancel", make)

    on_sessions(platform, change)


DEFECTS = tuple(planted.defects)
