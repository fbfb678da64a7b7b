"""Defects in what a system says about orders: answers that are missing, wrong, doubled or late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.trading_wrap import Collected, Reports, on_reports, wrap_ports
from certify.model.trading import ExecType, OrderUpdate, OrdStatus, Side

planted = Collected()
ENDED_CODES = ("TOO_LATE",)


def _fills(platform: Any, change: Reports) -> None:
    """Change the fills that are reported."""

    def only_fills(update: OrderUpdate) -> Iterable[OrderUpdate]:
        return change(update) if update.exec_type is ExecType.TRADE else (update,)

    on_reports(platform, only_fills)


@planted("unknown_cancel_silent", "a cancel of an unknown order is not answered")
def _unknown_cancel_silent(platform: Any) -> None:
    _silent(platform, ExecType.CANCEL_REJECTED)


@planted("unknown_modify_silent", "a change of an unknown order is not answered")
def _unknown_modify_silent(platform: Any) -> None:
    _silent(platform, ExecType.REPLACE_REJECTED)


def _silent(platform: Any, kind: ExecType) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        return () if update.exec_type is kind and update.code == "UNKNOWN_ORDER" else (update,)

    on_reports(platform, change)


@planted("late_cancel_confirmed", "a cancel of an order that has ended is confirmed")
def _late_cancel_confirmed(platform: Any) -> None:
    _confirm(
        platform, ExecType.CANCEL_REJECTED, {"exec_type": ExecType.CANCELED, "status": OrdStatus.CANCELED}
    )


@planted("late_modify_confirmed", "a change of an order that has ended is confirmed")
def _late_modify_confirmed(platform: Any) -> None:
    _confirm(platform, ExecType.REPLACE_REJECTED, {"exec_type": ExecType.REPLACED, "status": OrdStatus.NEW})


def _confirm(platform: Any, refusal: ExecType, answer: dict[str, Any]) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        late = update.exec_type is refusal and update.code in ENDED_CODES
        return (replace(update, code=None, reason=None, **answer) if late else update,)

    on_reports(platform, change)


@planted("modify_below_filled_confirmed", "a quantity below what was filled is confirmed, leaves go negative")
def _modify_below_filled_confirmed(platform: Any) -> None:
    asked: dict[str, Decimal | None] = {}

    def make(modify: Any) -> Any:
        def changed(client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
            asked[client_order_id] = qty
            modify(client_order_id, qty, price)

        return changed

    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        if update.exec_type is not ExecType.REPLACE_REJECTED or update.code != "BELOW_CUM_QTY":
            return (update,)
        qty = asked[update.client_order_id] or update.qty
        terms = {"qty": qty, "leaves_qty": qty - update.cum_qty, "exec_type": ExecType.REPLACED}
        return (replace(update, **terms),)  # type: ignore[arg-type]

    wrap_ports(platform, "modify", make)
    on_reports(platform, change)


@planted("order_refusal_without_reason", "refusals say neither why nor by which rule")
def _order_refusal_without_reason(platform: Any) -> None:
    on_reports(platform, lambda update: (replace(update, code=None, reason=None),))


@planted("invalid_order_silent", "orders that fail the first check are dropped without an answer")
def _invalid_order_silent(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        codes = (
            "INVALID_QTY",
            "INVALID_PRICE",
            "MISSING_PRICE",
            "OFF_LOT",
            "OFF_TICK",
            "QTY",
            "PRICE",
            "TICK",
            "110",  # what IB says of a price off the tick
        )
        refused = update.exec_type is ExecType.REJECTED and update.code in codes
        return () if refused else (update,)

    on_reports(platform, change)


@planted("fill_reported_twice", "every fill is reported twice, with the same id")
def _fill_reported_twice(platform: Any) -> None:
    _fills(platform, lambda update: (update, update))


@planted("fill_doubled_under_new_id", "a fill is reported again under an id of its own")
def _fill_doubled_under_new_id(platform: Any) -> None:
    _fills(platform, lambda update: (update, replace(update, exec_id=f"{update.exec_id}-2")))


@planted("fill_lost", "now and then a fill is not reported")
def _fill_lost(platform: Any) -> None:
    seen: list[OrderUpdate] = []

    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        seen.append(update)
        return () if len(seen) % 3 == 2 else (update,)

    _fills(platform, change)


@planted("acknowledgement_lost", "now and then a new order is not acknowledged")
def _acknowledgement_lost(platform: Any) -> None:
    seen: list[OrderUpdate] = []

    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        if update.exec_type is ExecType.NEW:
            seen.append(update)
        return () if update.exec_type is ExecType.NEW and len(seen) % 7 == 6 else (update,)

    on_reports(platform, change)


@planted("exec_id_counted_per_order", "execution ids are counted anew for each order")
def _exec_id_counted_per_order(platform: Any) -> None:
    counts: dict[str, int] = {}

    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        number = counts[update.client_order_id] = counts.get(update.client_order_id, 0) + 1
        return (replace(update, exec_id=str(number)),)

    _fills(platform, change)


@planted("exec_id_missing", "fills carry no execution id")
def _exec_id_missing(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, exec_id=None),))


@planted("status_regresses", "after a part was filled the order is reported as NEW again")
def _status_regresses(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        if update.status is not OrdStatus.PARTIALLY_FILLED:
            return (update,)
        return (update, replace(update, exec_type=ExecType.NEW, status=OrdStatus.NEW, exec_id=None))

    _fills(platform, change)


@planted("partial_called_filled", "the first fill of an order is called the last")
def _partial_called_filled(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, status=OrdStatus.FILLED, leaves_qty=Decimal(0)),))


@planted("leaves_wrong", "leaves is the quantity of the order, whatever was filled")
def _leaves_wrong(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        return (update if update.status.terminal else replace(update, leaves_qty=update.qty),)

    _fills(platform, change)


@planted("cum_qty_not_added", "the filled quantity is that of the last fill, not the sum")
def _cum_qty_not_added(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, cum_qty=update.last_qty),))


@planted("report_after_end", "a canceled order is reported as expired too")
def _report_after_end(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        if update.exec_type is not ExecType.CANCELED:
            return (update,)
        return (update, replace(update, exec_type=ExecType.EXPIRED, status=OrdStatus.EXPIRED))

    on_reports(platform, change)


@planted("price_marked_up", "fills are reported with a mark-up of half a percent against the customer")
def _price_marked_up(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        factor = Decimal("1.005") if update.side is Side.BUY else Decimal("0.995")
        return (replace(update, last_px=(update.last_px or Decimal(0)) * factor),)

    _fills(platform, change)


@planted("average_rounded_to_units", "the average price is rounded to whole units of money")
def _average_rounded_to_units(platform: Any) -> None:
    _fills(platform, lambda u: (replace(u, avg_px=u.avg_px and u.avg_px.quantize(Decimal(1)) + 1),))


@planted("terms_forgotten", "acknowledgements carry the price rounded to whole units of money")
def _terms_forgotten(platform: Any) -> None:
    def change(update: OrderUpdate) -> Iterable[OrderUpdate]:
        new = update.exec_type is ExecType.NEW and update.price is not None
        return (
            replace(update, price=update.price and update.price.quantize(Decimal(1)) - 1) if new else update,
        )

    on_reports(platform, change)


@planted("reports_under_broker_id", "fills are reported under the broker's order id")
def _reports_under_broker_id(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, client_order_id=str(update.broker_order_id)),))


@planted("commission_missing", "fills carry no commission, nor do executions")
def _commission_missing(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, commission=None),))

    def make(executions: Any) -> Any:
        return lambda: [replace(update, commission=None) for update in executions()]

    wrap_ports(platform, "executions", make)


@planted("commission_doubled", "the commission that is reported is twice what is charged")
def _commission_doubled(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, commission=2 * (update.commission or Decimal(0))),))


@planted("commission_negative", "commissions are reported with the sign of a credit")
def _commission_negative(platform: Any) -> None:
    _fills(platform, lambda update: (replace(update, commission=-(update.commission or Decimal(0))),))


DEFECTS = tuple(planted.defects)
