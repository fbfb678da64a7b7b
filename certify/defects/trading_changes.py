"""Defects in cancels and changes of orders on the way to the venue."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.trading_wrap import Collected, on_engines, on_links, wrap, wrap_ports
from certify.model.trading import ExecType, OrderType, OrderUpdate, OrdStatus

planted = Collected()


# -- cancels ---------------------------------------------------------------------------------------


@planted("cancel_ignored", "cancels are taken and never sent")
def _cancel_ignored(platform: Any) -> None:
    def change(link: Any, _listener: Any) -> None:
        link.cancel = lambda *_: None

    on_links(platform, change)


@planted("cancel_confirmed_not_sent", "a cancel is confirmed at once and never reaches the venue")
def _cancel_confirmed_not_sent(platform: Any) -> None:
    def change(link: Any, listener: Any) -> None:
        def cancel(client_order_id: str, _instrument: str) -> None:
            for update in link.open_orders():
                if update.client_order_id == client_order_id:
                    listener.on_report(_canceled(update))

        link.cancel = cancel

    on_links(platform, change)


def _canceled(update: OrderUpdate) -> OrderUpdate:
    ended = {"exec_type": ExecType.CANCELED, "status": OrdStatus.CANCELED, "leaves_qty": Decimal(0)}
    return replace(update, **ended)  # type: ignore[arg-type]


@planted("canceled_stop_still_armed", "a canceled stop is taken off the list, but the trigger is still armed")
def _canceled_stop_still_armed(platform: Any) -> None:
    def change(link: Any, listener: Any) -> None:
        send = link.cancel

        def cancel(client_order_id: str, instrument: str) -> None:
            for update in link.open_orders():
                if update.client_order_id == client_order_id and update.type is OrderType.STOP:
                    listener.on_report(_canceled(update))
                    return
            send(client_order_id, instrument)

        link.cancel = cancel

    on_links(platform, change)


@planted("cancel_all_stops_halfway", "cancel-all ends at the first order that it has canceled")
def _cancel_all_stops_halfway(platform: Any) -> None:
    def make(_cancel_all: Any) -> Any:
        def changed() -> bool:
            for update in platform.execution.open_orders()[:1]:
                platform.execution.cancel(update.client_order_id, update.instrument)
            return True

        return changed

    wrap(platform.execution, "cancel_all", make)


@planted("cancel_all_one_instrument", "cancel-all cancels the orders of the first instrument only")
def _cancel_all_one_instrument(platform: Any) -> None:
    def make(_cancel_all: Any) -> Any:
        def changed() -> bool:
            for update in platform.execution.open_orders():
                if update.instrument == next(iter(platform.instruments)):
                    platform.execution.cancel(update.client_order_id, update.instrument)
            return True

        return changed

    wrap(platform.execution, "cancel_all", make)


@planted("canceled_order_keeps_rest", "the rest of a partly filled order cannot be canceled: it goes on")
def _canceled_order_keeps_rest(platform: Any) -> None:
    def change(link: Any, listener: Any) -> None:
        send = link.cancel

        def cancel(client_order_id: str, instrument: str) -> None:
            for update in link.open_orders():
                if update.client_order_id == client_order_id and update.cum_qty:
                    listener.on_report(_canceled(update))
                    return
            send(client_order_id, instrument)

        link.cancel = cancel

    on_links(platform, change)


# -- changes ---------------------------------------------------------------------------------------


@planted("modify_only_local", "a change is confirmed and kept locally, the venue holds the old terms")
def _modify_only_local(platform: Any) -> None:
    def change(link: Any, listener: Any) -> None:
        def modify(client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
            for update in link.open_orders():
                if update.client_order_id == client_order_id:
                    now = qty or update.qty
                    terms = {"qty": now, "price": price or update.price, "leaves_qty": now - update.cum_qty}
                    listener.on_report(replace(update, exec_type=ExecType.REPLACED, **terms))

        link.modify = modify

    on_links(platform, change)


@planted("modify_ignored", "changes are taken and never sent")
def _modify_ignored(platform: Any) -> None:
    def change(link: Any, _listener: Any) -> None:
        link.modify = lambda *_: None

    on_links(platform, change)


@planted("modify_loses_qty", "a change of price and quantity changes the price only")
def _modify_loses_qty(platform: Any) -> None:
    def make(modify: Any) -> Any:
        def changed(client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
            modify(client_order_id, None if price is not None else qty, price)

        return changed

    wrap_ports(platform, "modify", make)


@planted("modify_adds_qty", "the new quantity is added to the old one")
def _modify_adds_qty(platform: Any) -> None:
    def change(link: Any, _listener: Any) -> None:
        send = link.modify

        def modify(client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
            held = {update.client_order_id: update.qty for update in link.open_orders()}
            send(client_order_id, qty and qty + held.get(client_order_id, Decimal(0)), price)

        link.modify = modify

    on_links(platform, change)


@planted("modify_qty_is_leaves", "the new quantity is taken for what is left: fills come on top")
def _modify_qty_is_leaves(platform: Any) -> None:
    def change(link: Any, _listener: Any) -> None:
        send = link.modify

        def modify(client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
            filled = {update.client_order_id: update.cum_qty for update in link.open_orders()}
            send(client_order_id, qty and qty + filled.get(client_order_id, Decimal(0)), price)

        link.modify = modify

    on_links(platform, change)


@planted("modify_rounds_price", "a change to a price off the tick is rounded instead of refused")
def _modify_rounds_price(platform: Any) -> None:
    tick = min(instrument.tick for instrument in platform.instruments.values())

    def make(modify: Any) -> Any:
        def changed(client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
            modify(client_order_id, qty, price and price.quantize(tick))

        return changed

    wrap_ports(platform, "modify", make)


@planted("modify_loses_to_fill", "a change that comes while the order trades is never answered")
def _modify_loses_to_fill(platform: Any) -> None:
    def change(engine: Any) -> None:
        send = engine.modify

        def modify(client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
            record = engine.records.get(client_order_id)
            if record is None or record.open:
                send(client_order_id, qty, price)

        engine.modify = modify

    on_engines(platform, change)


DEFECTS = tuple(planted.defects)
