"""The laws of order state, as questions to one report about one order: what does it break?

The states follow FIX 4.4 volume 4, order state changes, appendix D. What a healthy system may do
is let pass: fills before the acknowledgement, an acknowledgement said again or late, fills while
a change is pending, a replace that ends or reopens an order, busts at any time, a refusal by
somebody further on than the one who accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from certify.model.trading import ExecType, OrderType, OrderUpdate, OrdStatus, Side, Source
from certify.phases.entry import PENDING, REPORTS_ONLY, Entry

AVERAGE_TOLERANCE = Decimal("0.0001")
"""Relative, for average prices that a system keeps rounded (0.01 %)."""
AVERAGE_STEP = Decimal("0.00005")
"""Half of the last of four places, to which many systems round average prices."""

Found = Iterator[tuple[str, str]]
S = OrdStatus
STATUSES: dict[ExecType, tuple[OrdStatus, ...]] = {
    ExecType.NEW: (S.NEW, S.PARTIALLY_FILLED, S.FILLED),
    ExecType.TRADE: (S.PARTIALLY_FILLED, S.FILLED),
    ExecType.REPLACED: (S.NEW, S.PARTIALLY_FILLED, S.FILLED),
    ExecType.CANCELED: (S.CANCELED,),
    ExecType.REJECTED: (S.REJECTED,),
    ExecType.EXPIRED: (S.EXPIRED,),
    ExecType.TRADE_CANCEL: (S.NEW, S.PARTIALLY_FILLED, S.CANCELED),
}
"""What an order may be after each kind of report."""
WAY = (Source.RISK, Source.ENGINE, Source.BROKER, Source.VENUE)
"""Who sees an order one after the other."""


def breaches_of(entry: Entry, update: OrderUpdate) -> Found:
    """Yield (law, text) for everything that `update` breaks, given what is known of the order."""
    if update.exec_type in REPORTS_ONLY or update.exec_type in PENDING:
        return
    yield from _identity(entry, update)
    if not entry.working and not entry.reopened_by(update):
        yield from _after_end(entry, update)
    elif update.exec_type is ExecType.TRADE and update.exec_id in entry.seen_exec_ids:
        yield "exec_ids", f"the fill {update.exec_id} was reported twice"
    else:
        yield from _transition(entry, update)
        yield from _execution(entry, update)
        yield from _quantities(entry, update)
        yield from _terms(entry, update)


def _identity(entry: Entry, update: OrderUpdate) -> Found:
    sent = (entry.order.instrument, entry.order.side)
    if (update.instrument, update.side) != sent:
        yield "terms", f"expected {sent[0]} {sent[1].value}, was {update.instrument} {update.side.value}"


def _after_end(entry: Entry, update: OrderUpdate) -> Found:
    """After the end come busts, which change no more than what was filled, and a late acknowledgement."""
    if update.exec_type is ExecType.TRADE_CANCEL:
        yield from _execution(entry, update)
        yield from _quantities(entry, update)
        if update.status is not entry.status and entry.status is not None:
            yield (
                "transitions",
                f"expected {entry.status.value} to stay after a bust, was {update.status.value}",
            )
    elif update.exec_type is ExecType.TRADE and update.exec_id in entry.seen_exec_ids:
        yield "exec_ids", f"the fill {update.exec_id} was reported twice"
    elif not _late_acknowledgement(entry, update):
        was = entry.status.value if entry.status else "-"
        what = f"{update.exec_type.value} {update.status.value}"
        yield "one_terminal", f"expected nothing after {was}, was {what}"


def _late_acknowledgement(entry: Entry, update: OrderUpdate) -> bool:
    """Return whether this is the first acknowledgement, overtaken by fills, and says nothing new."""
    return (
        update.exec_type is ExecType.NEW
        and not entry.acknowledged
        and entry.status in (S.FILLED, S.CANCELED)
        and update.status is entry.status
        and (update.cum_qty, update.leaves_qty) == (entry.cum_qty, Decimal(0))
    )


def _transition(entry: Entry, update: OrderUpdate) -> Found:
    allowed = STATUSES.get(update.exec_type, ())
    if update.status not in allowed:
        words = " or ".join(status.value for status in allowed)
        yield "transitions", f"expected {words} with {update.exec_type.value}, was {update.status.value}"
    elif update.exec_type is ExecType.REJECTED:
        if entry.status is not None and not _refused_further_on(entry, update):
            yield "transitions", f"expected no reject after {entry.status.value}, was REJECTED"
    elif not update.status.terminal:
        yield from _working_status(entry, update)
    elif update.exec_type is ExecType.NEW and not entry.fills:
        yield "transitions", f"expected NEW with NEW, was {update.status.value}"


def _working_status(entry: Entry, update: OrderUpdate) -> Found:
    filled = _filled_after(entry, update)
    if filled and update.status is OrdStatus.NEW:
        yield "transitions", f"expected no NEW with {filled} filled, was {update.exec_type.value} NEW"
    elif not filled and update.status is OrdStatus.PARTIALLY_FILLED:
        yield "transitions", "expected no PARTIALLY_FILLED with nothing filled, was PARTIALLY_FILLED"
    elif filled == update.qty:
        yield "transitions", f"expected FILLED with nothing left, was {update.status.value}"


def _refused_further_on(entry: Entry, update: OrderUpdate) -> bool:
    """Return whether an order accepted here was refused by somebody whom it reached later."""
    if entry.fills or entry.accepted_by is None:
        return False
    return WAY.index(update.source) > WAY.index(entry.accepted_by)


def _execution(entry: Entry, update: OrderUpdate) -> Found:
    if update.exec_type is ExecType.TRADE_CANCEL:
        if update.exec_id is not None and update.exec_id in entry.seen_exec_ids:
            yield "exec_ids", f"expected an id of its own with a bust, was {update.exec_id} again"
        elif not entry.carried and entry.busted_by(update) is None:
            yield "exec_ids", f"expected a bust of a fill that stands, was one of {update.exec_ref_id}"
    elif update.exec_type is ExecType.TRADE:
        if not update.exec_id:
            yield "exec_ids", "expected an execution id with a fill, was none"
        if update.last_qty <= 0:
            yield "quantities", f"expected a quantity with a fill, was {update.last_qty}"
        if update.last_px is None:
            yield "prices", "expected a price with a fill, was none"
        else:
            yield from _price(entry, update, update.last_px)


def _price(entry: Entry, update: OrderUpdate, price: Decimal) -> Found:
    if entry.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and entry.price is not None:
        limits = [entry.price, *(asked for _, asked in entry.asked if asked is not None)]
        buys = entry.order.side is Side.BUY
        bound = max(limits) if buys else min(limits)
        if price > bound if buys else price < bound:
            yield "prices", f"expected no fill worse than {bound}, was {price}"
    if update.cum_qty == _filled_after(entry, update):
        yield from _average(entry, update)


def _average(entry: Entry, update: OrderUpdate) -> Found:
    fills = [*entry.fills.values(), update]
    total = sum((fill.last_qty for fill in fills), Decimal(0))
    if update.avg_px is None or not total or entry.carried or any(fill.last_px is None for fill in fills):
        return
    mean = sum((fill.last_qty * (fill.last_px or 0) for fill in fills), Decimal(0)) / total
    if abs(update.avg_px - mean) > max(abs(mean) * AVERAGE_TOLERANCE, AVERAGE_STEP):
        yield "prices", f"expected the average price {mean:f} of the fills, was {update.avg_px:f}"


def _filled_after(entry: Entry, update: OrderUpdate) -> Decimal:
    """Return what is filled by the sum of the fills once this report is taken."""
    if update.exec_type is ExecType.TRADE:
        return entry.cum_qty + max(update.last_qty, Decimal(0))
    if update.exec_type is ExecType.TRADE_CANCEL:
        busted = entry.busted_by(update)
        return entry.cum_qty - (busted.last_qty if busted else update.last_qty if entry.carried else 0)
    return entry.cum_qty


def _quantities(entry: Entry, update: OrderUpdate) -> Found:
    expected = _filled_after(entry, update)
    if update.cum_qty != expected:
        yield "quantities", f"expected {expected} filled by the sum of the fills, was {update.cum_qty}"
    elif update.cum_qty > max(update.qty, Decimal(0)):  # a refused order may ask for less than nothing
        yield "quantities", f"expected at most {update.qty} filled, was {update.cum_qty}"
    elif update.status.terminal:
        yield from _end_quantities(update)
    elif update.cum_qty + update.leaves_qty != update.qty:
        held = f"{update.cum_qty} + {update.leaves_qty}"
        yield "quantities", f"expected filled + leaves = {update.qty}, was {held}"


def _end_quantities(update: OrderUpdate) -> Found:
    if update.leaves_qty != 0:
        yield "quantities", f"expected no leaves after {update.status.value}, was {update.leaves_qty}"
    elif update.status is OrdStatus.FILLED and update.cum_qty != update.qty:
        yield "quantities", f"expected {update.qty} filled with FILLED, was {update.cum_qty}"


def _terms(entry: Entry, update: OrderUpdate) -> Found:
    if update.exec_type is ExecType.REJECTED:
        return  # what was refused is held by nobody
    if update.exec_type is ExecType.REPLACED and entry.asked:
        yield from _replaced_terms(entry, update)
        return
    qtys = {entry.qty} | {qty for qty, _ in entry.asked if qty is not None}
    prices = {entry.price} | {price for _, price in entry.asked if price is not None}
    if update.qty not in qtys:
        yield "terms", f"expected to be held with quantity {entry.qty}, was {update.qty}"
    if _limited(entry) and update.price is not None and update.price not in prices:
        yield "terms", f"expected to be held with price {entry.price}, was {update.price}"
    stop = entry.order.stop_price
    if stop is not None and update.stop_price not in (None, stop):
        yield "terms", f"expected to be held with stop price {stop}, was {update.stop_price}"


def _limited(entry: Entry) -> bool:
    return entry.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)


def _replaced_terms(entry: Entry, update: OrderUpdate) -> Found:
    expected = entry.replaced_terms()
    fitting = [price for qty, price in expected if qty == update.qty]
    if not fitting:
        words = " or ".join(sorted(str(qty) for qty, _ in expected))
        yield "terms", f"expected to be replaced by quantity {words}, was {update.qty}"
    elif _limited(entry) and update.price is not None and update.price not in fitting:
        words = " or ".join(sorted(str(price) for price in fitting))
        yield "terms", f"expected to be replaced by price {words}, was {update.price}"
