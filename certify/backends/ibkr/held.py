"""One order as the ledger holds it: what is known, and what of that has been reported."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from certify.backends.ibkr.executions import Execution
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source

ZERO = Decimal(0)
ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
    ExecType.REJECTED: OrdStatus.REJECTED,
}
"""How an order ends that is not filled."""


@dataclass(slots=True, kw_only=True)
class News:
    """Something about an order that has not been reported yet."""

    exec_type: ExecType
    source: Source = Source.VENUE
    code: str | None = None
    reason: str | None = None
    execution: Execution | None = None
    """The fill of a TRADE; what a TRADE_CANCEL takes back."""
    exec_id: str | None = None
    """The id of a TRADE_CANCEL."""
    qty: Decimal | None = None
    """The new quantity of a REPLACED."""
    price: Decimal | None = None
    reopens: bool = False
    """Whether a TRADE_CANCEL is followed by the corrected fill."""
    asked: bool = False
    """Whether the gateway was asked for what is waited for."""
    hold_until_ns: int = 0
    """Not reported before that: something that belongs to it may still come."""


@dataclass(slots=True, kw_only=True)
class Change:
    """A change that has been sent and not been answered."""

    qty: Decimal
    price: Decimal | None
    sent_ns: int


class HeldOrder:
    """What is known of one order (`known_…`, `acked`, `over`) and what has been reported (the rest)."""

    __slots__ = (
        "account", "acked", "asked", "cancel_sent_ns", "change", "cum_qty", "doubt", "ended",
        "executions", "missing_ns", "missing_qty", "news", "order", "order_id", "over", "perm_id", "presumed",
        "price", "qty", "sent_ns", "state", "status", "value",
    )  # fmt: skip

    def __init__(self, order: Order, order_id: int, account: str, now_ns: int) -> None:
        """Start as sent and not acknowledged."""
        self.order = order
        self.order_id = order_id
        self.perm_id = 0
        self.account = account
        self.sent_ns = now_ns
        self.acked = False
        self.state = ""
        """The last state that IB has named."""
        self.over = False
        """Whether it can trade no more, as far as is known."""
        self.presumed = False
        """Whether that is concluded from silence."""
        self.executions: dict[str, Execution] = {}
        """What stands, by the part of the id that corrections share."""
        self.change: Change | None = None
        self.cancel_sent_ns: int | None = None
        self.doubt: tuple[str, str] | None = None
        """Code and text of an error whose meaning is not known."""
        self.asked = 0
        """How often the gateway was asked about the question that is open."""
        self.missing_qty = ZERO
        """What IB says has been filled, while executions of it are missing."""
        self.missing_ns = 0
        self.news: deque[News] = deque()
        self.status: OrdStatus | None = None
        self.ended: OrdStatus | None = None
        """How it ended without being filled, once that has been reported."""
        self.qty = order.qty
        self.price = order.price
        self.cum_qty = ZERO
        self.value = ZERO
        """Sum of price times quantity of the fills that were reported."""

    @property
    def known_qty(self) -> Decimal:
        """Return what has been filled, reported or not."""
        return sum((each.qty for each in self.executions.values()), ZERO)

    @property
    def qty_known(self) -> Decimal:
        """Return the quantity that IB holds, as far as is known, reported or not."""
        changed = [news.qty for news in self.news if news.exec_type is ExecType.REPLACED and news.qty]
        return changed[-1] if changed else self.qty

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected or reported, but corrections."""
        return not (self.news or self.open or self.change or self.cancel_sent_ns or self.missing_ns)

    @property
    def unanswered_since_ns(self) -> int | None:
        """Return when what is unanswered was sent: the order, a change or a cancel."""
        if not self.acked and not self.over:
            return self.sent_ns
        if self.change is not None:
            return self.change.sent_ns
        return self.cancel_sent_ns

    @property
    def open(self) -> bool:
        """Whether it is working as far as has been reported."""
        return self.status is None or not self.status.terminal

    def status_after(self, news: News) -> OrdStatus | None:
        """Return where the order stands once `news` is told; fills have been counted."""
        if news.exec_type in ENDS:
            return ENDS[news.exec_type]
        if news.exec_type in (ExecType.REPLACE_REJECTED, ExecType.CANCEL_REJECTED):
            return self.status
        if self.ended is not None and not news.reopens:
            return self.ended
        if self.cum_qty >= self.qty:
            return OrdStatus.FILLED
        return OrdStatus.PARTIALLY_FILLED if self.cum_qty else OrdStatus.NEW

    def report(self, exec_type: ExecType, news: News | None = None) -> OrderUpdate:
        """Return a report of the order as it stands."""
        said = news or News(exec_type=exec_type)
        fill = said.execution
        return OrderUpdate(
            client_order_id=self.order.client_order_id,
            instrument=self.order.instrument,
            exec_type=exec_type,
            status=self.status or OrdStatus.NEW,
            side=self.order.side,
            qty=self.qty,
            price=self.price,
            stop_price=self.order.stop_price,
            last_qty=fill.qty if fill is not None else ZERO,
            last_px=fill.price if fill is not None else None,
            cum_qty=self.cum_qty,
            leaves_qty=self.qty - self.cum_qty if self.open else ZERO,
            avg_px=_average(self.value, self.cum_qty),
            source=said.source,
            code=said.code,
            reason=said.reason,
            broker_order_id=str(self.perm_id or self.order_id),
            account=self.account,
            type=self.order.type,
            tif=self.order.tif,
            ts_event_ns=fill.ts_event_ns if fill is not None else None,
        )


def _average(value: Decimal, qty: Decimal) -> Decimal | None:
    return round(value / qty, 10).normalize() + 0 if qty else None


def too_late(held: HeldOrder, exec_type: ExecType) -> News:
    """Return the refusal to change or cancel an order that is over."""
    state = (held.status or OrdStatus.NEW).value
    return News(
        exec_type=exec_type, source=Source.BROKER, code="TOO_LATE", reason=f"the order is over ({state})"
    )
