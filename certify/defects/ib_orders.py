"""Defects of what a client makes of the gateway's words on orders that are no fills."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from certify.clock import NS_PER_S
from certify.defects.ib_wrap import Collected, change_reports, drop_reports, on_ledgers
from certify.defects.trading_wrap import on_links, on_sent, wrap
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source

planted = Collected()

WARNINGS = (399, 2109, 2137, 2161, 10311, 10349)
CANCEL_ANSWERS = (161, 10148)
CHANGE_ANSWERS = (104, 105, 110, 321, 329)
IMPATIENCE_NS = NS_PER_S


def _from_outside(update: OrderUpdate) -> bool:
    return update.source in (Source.VENUE, Source.BROKER)


@planted("ib_reject_called_cancel", "an order that IB rejects is said to be canceled")
def _ib_reject_called_cancel(platform: Any) -> None:
    def change(update: OrderUpdate) -> OrderUpdate:
        if update.exec_type is ExecType.REJECTED and _from_outside(update):
            return replace(update, exec_type=ExecType.CANCELED, status=OrdStatus.CANCELED)
        return update

    change_reports(platform, change)


@planted("ib_reasons_dropped", "refusals are passed on without IB's code and text")
def _ib_reasons_dropped(platform: Any) -> None:
    def change(update: OrderUpdate) -> OrderUpdate:
        refused = (ExecType.REJECTED, ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED)
        return replace(update, code=None, reason=None) if update.exec_type in refused else update

    change_reports(platform, change)


@planted("ib_110_leaves_limbo", "an order refused with 110 is never said to be over")
def _ib_110_leaves_limbo(platform: Any) -> None:
    drop_reports(platform, lambda u: u.exec_type is ExecType.REJECTED and u.code == "110")


def _ends(codes: Collection[int]) -> Callable[[Any], None]:
    """Return a defect that takes these codes for the end of the order that they are about."""

    def change(ledger: Any) -> None:
        on_error = ledger.on_error

        def mistaken(held: Any, code: int, text: str) -> None:
            if code in codes and held.acked and not held.over:
                ledger.lost(held, str(code), text)
            else:
                on_error(held, code, text)

        ledger.on_error = mistaken

    return lambda platform: on_ledgers(platform, change)


@planted("ib_warnings_end_orders", "a warning about an order is taken for its end")
def _ib_warnings_end_orders(platform: Any) -> None:
    _ends(WARNINGS)(platform)


@planted("ib_cancel_answers_end_orders", "a cancel that IB refuses is taken for the end of the order")
def _ib_cancel_answers_end_orders(platform: Any) -> None:
    _ends(CANCEL_ANSWERS)(platform)


@planted("ib_change_answers_end_orders", "a change that IB refuses is taken for the end of the order")
def _ib_change_answers_end_orders(platform: Any) -> None:
    _ends(CHANGE_ANSWERS)(platform)


@planted("ib_held_is_dead", "an order that is held while shares are located is taken for dead")
def _ib_held_is_dead(platform: Any) -> None:
    def change(ledger: Any) -> None:
        on_error = ledger.on_error

        def mistaken(held: Any, code: int, text: str) -> None:
            if code == 404:
                ledger.lost(held, str(code), text)
            else:
                on_error(held, code, text)

        ledger.on_error = mistaken

    on_ledgers(platform, change)


@planted("ib_messages_are_rejects", "an order that is answered with a message (399) is taken for rejected")
def _ib_messages_are_rejects(platform: Any) -> None:
    def change(ledger: Any) -> None:
        on_error = ledger.on_error

        def mistaken(held: Any, code: int, text: str) -> None:
            if code == 399 and not held.over:
                ledger.lost(held, str(code), text)
            else:
                on_error(held, code, text)

        ledger.on_error = mistaken

    on_ledgers(platform, change)


@planted("ib_refused_change_taken", "a change that IB refuses is said to have been made")
def _ib_refused_change_taken(platform: Any) -> None:
    asked: dict[str, Any] = {}

    def change(update: OrderUpdate) -> OrderUpdate:
        if update.exec_type is not ExecType.REPLACE_REJECTED:
            return update
        qty, price = asked.get(update.client_order_id, (None, None))
        return replace(
            update, exec_type=ExecType.REPLACED, qty=qty or update.qty, price=price or update.price
        )

    def noted(modify: Any) -> Any:
        def also(client_order_id: str, qty: Any = None, price: Any = None) -> None:
            asked[client_order_id] = (qty, price)
            modify(client_order_id, qty, price)

        return also

    change_reports(platform, change)
    for port in (platform.broker, platform.execution):
        wrap(port, "modify", noted)


@planted("ib_unanswered_sent_again", "an order is sent a second time when no answer has come")
def _ib_unanswered_sent_again(platform: Any) -> None:
    def each(link: Any, _listener: Any) -> None:
        due: dict[str, tuple[int, Order]] = {}
        submit, ledger = link.submit, link.desk.ledger

        def noted(order: Order) -> None:
            due[order.client_order_id] = (platform.kernel.now_ns() + IMPATIENCE_NS, order)
            submit(order)

        def again(advance: Any) -> Any:
            def also() -> None:
                advance()
                for name, (at_ns, order) in list(due.items()):
                    held = ledger.orders.get(name)
                    if held is not None and held.acked:
                        del due[name]
                    elif platform.kernel.now_ns() >= at_ns:
                        del due[name]
                        platform.connection.post(link.desk.submit, order)

            return also

        link.submit = noted
        wrap(platform.connection, "advance", again)

    on_links(platform, each)


@planted("ib_unanswered_unsaid", "an order that is never acknowledged is never spoken of")
def _ib_unanswered_unsaid(platform: Any) -> None:
    drop_reports(platform, lambda u: u.code in ("UNANSWERED", "NOT_WORKING"))


@planted("ib_impatient", "an order that is not acknowledged within a second is said to be rejected")
def _ib_impatient(platform: Any) -> None:
    def change(ledger: Any) -> None:
        def impatient(advance: Any) -> Any:
            def also() -> None:
                advance()
                for held in list(ledger.orders.values()):
                    late = platform.kernel.now_ns() - held.sent_ns > IMPATIENCE_NS
                    if late and not held.acked and not held.over:
                        ledger.lost(held, "TIMEOUT", "no answer")

            return also

        wrap(platform.connection, "advance", impatient)

    on_ledgers(platform, change)


@planted("ib_cancel_wins", "an order is said to be canceled as soon as its cancel has been sent")
def _ib_cancel_wins(platform: Any) -> None:
    def each(link: Any, _listener: Any) -> None:
        cancel, ledger = link.cancel, link.desk.ledger

        def hasty(client_order_id: str, instrument: str) -> None:
            cancel(client_order_id, instrument)
            held = ledger.orders.get(client_order_id)
            if held is not None and not held.over:
                ledger.lost(held, "202", "cancel sent")

        link.cancel = hasty

    on_links(platform, each)


@planted("ib_unsolicited_cancel_unsaid", "a cancel that nobody asked for is never said")
def _ib_unsolicited_cancel_unsaid(platform: Any) -> None:
    asked: set[str] = set()

    def noted(cancel: Any) -> Any:
        def also(client_order_id: str, instrument: str) -> None:
            asked.add(client_order_id)
            cancel(client_order_id, instrument)

        return also

    for port in (platform.broker, platform.execution):
        wrap(port, "cancel", noted)
    drop_reports(platform, lambda u: u.exec_type is ExecType.CANCELED and u.client_order_id not in asked)


@planted("ib_order_lost_after_reject", "the order after one that IB rejected is never sent")
def _ib_order_lost_after_reject(platform: Any) -> None:
    rejected: list[str] = []

    def note(update: OrderUpdate) -> OrderUpdate:
        if update.exec_type is ExecType.REJECTED and _from_outside(update):
            rejected.append(update.client_order_id)
        return update

    def send(order: Order) -> Order | None:
        if rejected:
            rejected.clear()
            return None
        return order

    change_reports(platform, note)
    on_sent(platform, send)


DEFECTS = tuple(planted.defects)
