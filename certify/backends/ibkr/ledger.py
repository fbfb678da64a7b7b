"""The truth about every order of one login, from every message that speaks of it.

IB says one thing in several messages, in no fixed order, twice, or not at all: a fill may come before the
order is acknowledged, `Filled` before its execution, a commission long after, an error for an order that
lives. The ledger takes each fact once, whichever message brings it first, and reports it as one
`OrderUpdate`. What it cannot know it asks for (`Questions`). It does no input or output and has no thread.

Rules:
    * executions alone make fills; `filled` of an order status only says that some are missing;
    * a TRADE waits a bounded time for its commission, and what comes after it waits behind it;
    * an order is over when IB says Cancelled or Inactive with a reason, or when it is no longer listed;
    * an error ends an order only if it refuses a new order (`codes`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from certify.backends.ibkr.codes import VENUE_CODES, Meaning, meaning
from certify.backends.ibkr.executions import Execution, base_of
from certify.backends.ibkr.held import ENDS, ZERO, Change, HeldOrder, News, too_late
from certify.clock import NS_PER_MS
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source, TimeInForce

REASON_WAIT_NS = 150 * NS_PER_MS
"""An order that ends unasked waits so long for the message that says why (202 comes after the status)."""
EXECUTION_WAIT_NS = 300 * NS_PER_MS
"""After so long the gateway is asked for executions that an order status speaks of."""
_WORKING = ("PreSubmitted", "Submitted")
_CANCELED = ("Cancelled", "ApiCancelled")
_EXPIRY_WORDS = ("expired", "end of session", "end of day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long the ledger waits before it goes on without."""

    commission_ns: int = 500 * NS_PER_MS
    answer_ns: int = 1500 * NS_PER_MS


class Ledger:
    """Every order that was sent over one login, and every execution of it."""

    def __init__(
        self, account: str, *, now_ns: Callable[[], int], say: Callable[[OrderUpdate], None], waits: Waits
    ) -> None:
        """Report with `say`; nothing is said while `muted`."""
        self.account = account
        self.muted = False
        self.orders: dict[str, HeldOrder] = {}
        """By client order id."""
        self.on_presumed_dead: Callable[[HeldOrder], None] = lambda _held: None
        """Called when an order is working that was said to be dead because nothing was heard of it."""
        self.commissions: dict[str, Decimal] = {}
        self._now_ns = now_ns
        self._say = say
        self._waits = waits
        self._by_order_id: dict[int, HeldOrder] = {}
        self._by_execution: dict[str, HeldOrder] = {}
        self._active: dict[str, HeldOrder] = {}
        self._seen: set[str] = set()
        self._reported: dict[str, OrderUpdate] = {}

    # -- what is sent --------------------------------------------------------------------------

    def sent(self, order: Order, order_id: int) -> HeldOrder:
        """Take note of a new order."""
        held = HeldOrder(order, order_id, self.account, self._now_ns())
        key = order.client_order_id
        self.orders[key] = self._active[key] = self._by_order_id[order_id] = held
        return held

    def changing(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> HeldOrder | None:
        """Take note of a change; return the order, or `None` when the change was refused here."""
        held = self.orders.get(client_order_id)
        if held is None:
            return None
        if held.over or not held.open:
            self._tell(held, too_late(held, ExecType.REPLACE_REJECTED))
            return None
        new_price = price if price is not None else held.price
        held.change = Change(qty=qty or held.qty, price=new_price, sent_ns=self._now_ns())
        held.asked = 0
        return held

    def cancelling(self, client_order_id: str) -> HeldOrder | None:
        """Take note of a cancel; return the order, or `None` when the cancel was refused here."""
        held = self.orders.get(client_order_id)
        if held is None:
            return None
        if held.over or not held.open:
            self._tell(held, too_late(held, ExecType.CANCEL_REJECTED))
            return None
        held.cancel_sent_ns = self._now_ns()
        held.asked = 0
        return held

    def adopt(self, order: Order, order_id: int) -> HeldOrder:
        """Follow an order that an earlier process sent."""
        held = self.sent(order, order_id)
        held.acked, held.status = True, OrdStatus.NEW
        return held

    # -- what comes in -------------------------------------------------------------------------

    def held(self, order_id: int, client_order_id: str = "") -> HeldOrder | None:
        """Return an order by the id of its login, else by its own."""
        return self._by_order_id.get(order_id) or self.orders.get(client_order_id)

    def on_open_order(self, held: HeldOrder, status: str, qty: Decimal, price: Decimal | None) -> None:
        """Take what an openOrder says: IB holds the order, in this form."""
        change = held.change
        if change is not None and status in _WORKING and (qty, price) == (change.qty, change.price):
            self._changed(held, change)
        self._on_state(held, status)

    def on_status(self, held: HeldOrder, status: str, filled: Decimal, remaining: Decimal) -> None:
        """Take an order status."""
        if filled > held.known_qty and filled > held.missing_qty:
            held.missing_qty, held.missing_ns = filled, self._now_ns()
        change = held.change
        resized = change is not None and change.qty != held.qty and filled + remaining == change.qty
        if change is not None and resized and status in _WORKING:
            self._changed(held, change)
        self._on_state(held, status)

    def _on_state(self, held: HeldOrder, status: str) -> None:
        held.state = status
        if held.over:
            if held.presumed and status in _WORKING:
                self.on_presumed_dead(held)
            return
        if status in _WORKING or status == "Filled":
            self._acknowledge(held)
        elif status in _CANCELED:
            self._end(held)
        self._look_if_inactive(held)

    def _look_if_inactive(self, held: HeldOrder) -> None:
        """End an inactive order that an error speaks of, whichever came first; a held one lives."""
        if held.state == "Inactive" and held.doubt is not None and not held.over:
            self._refuse(held, *held.doubt)

    def on_execution(self, held: HeldOrder, execution: Execution) -> None:
        """Take a fill, once; a correction takes back what it corrects."""
        if execution.exec_id in self._seen:
            return
        self._seen.add(execution.exec_id)
        before = held.executions.get(execution.base)
        if before is not None and before.revision > execution.revision:
            return
        self._acknowledge(held)
        stands = bool(execution.qty and execution.price)
        if before is not None:
            self._take_back(held, before, execution.exec_id, reopens=stands)
        if stands:
            self._fill(held, execution)
        if held.missing_qty <= held.known_qty:
            held.missing_ns = 0
        self.flush(held)

    def _fill(self, held: HeldOrder, execution: Execution) -> None:
        held.executions[execution.base] = execution
        self._by_execution[execution.base] = held
        if held.change is not None and held.known_qty > held.qty_known:
            self._changed(held, held.change)
        wait_ns = self._waits.commission_ns
        news = News(exec_type=ExecType.TRADE, execution=execution, hold_until_ns=self._now_ns() + wait_ns)
        self._before_the_end(held, news)
        if held.known_qty >= held.qty_known:
            held.over = True

    def _take_back(self, held: HeldOrder, execution: Execution, by: str, *, reopens: bool) -> None:
        del held.executions[execution.base]
        held.over = held.ended is not None or any(news.exec_type in ENDS for news in held.news)
        kind, exec_id = ExecType.TRADE_CANCEL, f"{by}-cancels"
        self._before_the_end(
            held, News(exec_type=kind, execution=execution, exec_id=exec_id, reopens=reopens)
        )

    def _before_the_end(self, held: HeldOrder, news: News) -> None:
        """Queue what IB reports after an end that has not been told yet: it belongs before it."""
        ends = (index for index, each in enumerate(held.news) if each.exec_type in ENDS)
        held.news.insert(next(ends, len(held.news)), news)
        self._active[held.order.client_order_id] = held

    def bust(self, exec_id: str) -> None:
        """Take back an execution that IB no longer lists."""
        held = self._by_execution.get(base_of(exec_id))
        execution = held.executions.get(base_of(exec_id)) if held is not None else None
        if held is not None and execution is not None:
            self._take_back(held, execution, exec_id, reopens=False)
            self.flush(held)

    def on_commission(self, exec_id: str, commission: Decimal) -> None:
        """Take a commission report, before or after the fill it belongs to."""
        self.commissions[exec_id] = commission
        told = self._reported.get(exec_id)
        if told is not None:
            self._reported[exec_id] = replace(told, commission=commission)
            return
        held = self._by_execution.get(base_of(exec_id))
        if held is not None:
            self.flush(held)

    def on_error(self, held: HeldOrder, code: int, text: str) -> None:
        """Take an error with the order's id; most errors do not end an order."""
        found = meaning(code)
        if found is Meaning.CANCELED:
            self._canceled(held, str(code), text)
        elif found is Meaning.NO_CANCEL:
            self._refuse_cancel(held, str(code), text)
        elif found is Meaning.NO_CHANGE:
            self._refuse_change(held, str(code), text)
        elif found is Meaning.REFUSED:
            self._refuse_last(held, str(code), text)
        elif found is Meaning.UNCLEAR and not held.over:
            held.doubt = (str(code), text)

    def _refuse_last(self, held: HeldOrder, code: str, text: str) -> None:
        """Refuse what was sent last; what is not refused lives, unless it turns out to be inactive."""
        if not held.acked and not held.over:
            self._refuse(held, code, text)
        elif held.over:
            self._explain(held, code, text)
        elif held.change is not None:
            self._refuse_change(held, code, text)
        else:
            self._refuse_cancel(held, code, text)
        if not held.over:
            held.doubt = (code, text)
            self._look_if_inactive(held)

    # -- facts ---------------------------------------------------------------------------------

    def _acknowledge(self, held: HeldOrder) -> None:
        if not held.acked:
            held.acked, held.asked, held.doubt = True, 0, None
            self._tell(held, News(exec_type=ExecType.NEW))

    def _changed(self, held: HeldOrder, change: Change) -> None:
        held.change, held.asked = None, 0
        ended = held.ended is not None or any(news.exec_type in ENDS for news in held.news)
        held.over = ended or held.known_qty >= change.qty
        self._tell(held, News(exec_type=ExecType.REPLACED, qty=change.qty, price=change.price))

    def _refuse(self, held: HeldOrder, code: str, text: str) -> None:
        """End an order that IB did not take, or took and then threw out."""
        held.over, held.cancel_sent_ns = True, None
        self._refuse_change(held, "TOO_LATE", "the order is over")
        source = Source.VENUE if code in VENUE_CODES else Source.BROKER
        kind = ExecType.CANCELED if held.acked else ExecType.REJECTED
        self._tell(held, News(exec_type=kind, source=source, code=code, reason=text))

    def _refuse_change(self, held: HeldOrder, code: str, text: str) -> None:
        if held.change is None:
            return
        held.change, held.asked = None, 0
        self._tell(
            held, News(exec_type=ExecType.REPLACE_REJECTED, source=Source.BROKER, code=code, reason=text)
        )

    def _refuse_cancel(self, held: HeldOrder, code: str, text: str) -> None:
        if held.cancel_sent_ns is None:
            return
        held.cancel_sent_ns, held.asked = None, 0
        self._tell(
            held, News(exec_type=ExecType.CANCEL_REJECTED, source=Source.BROKER, code=code, reason=text)
        )

    def _canceled(self, held: HeldOrder, code: str, text: str) -> None:
        """Take a 202: the end, or the reason for the end that an order status has just told."""
        if not held.over:
            self._end(held)
        self._explain(held, code, text)

    def _explain(self, held: HeldOrder, code: str, text: str) -> None:
        """Say why an order has ended, if its end has not been told yet."""
        for news in held.news:
            if news.exec_type in ENDS and not news.code:
                news.code, news.reason, news.hold_until_ns = code, text, 0
                if any(word in text.lower() for word in _EXPIRY_WORDS):
                    news.exec_type = ExecType.EXPIRED
        self.flush(held)

    def _end(self, held: HeldOrder) -> None:
        """End an order that IB says is cancelled; the fills that it had before are waited for."""
        asked_for = held.cancel_sent_ns is not None
        at_once = held.order.tif in (TimeInForce.IOC, TimeInForce.FOK)
        if asked_for or at_once:
            self._acknowledge(held)
        self._refuse_change(held, "TOO_LATE", "the order is over (CANCELED)")
        held.over, held.cancel_sent_ns = True, None
        now = self._now_ns()
        wait_ns = 0 if asked_for else REASON_WAIT_NS
        if held.missing_ns:
            wait_ns = 2 * self._waits.answer_ns
        kind = ExecType.CANCELED if held.acked else ExecType.REJECTED
        if not asked_for and held.order.expire_at_ns is not None and held.order.expire_at_ns <= now:
            kind = ExecType.EXPIRED
        self._tell(held, News(exec_type=kind, hold_until_ns=now + wait_ns if wait_ns else 0))

    def lost(self, held: HeldOrder, code: str, text: str) -> None:
        """End an order that IB does not know, or knows no more."""
        held.presumed = True
        self._refuse(held, code, text)

    def give_up(self, held: HeldOrder) -> None:
        """Answer a change or cancel that IB has never answered; the order is as it was."""
        text = "the order is over" if held.over else "the broker has not answered"
        code = "TOO_LATE" if held.over else "UNANSWERED"
        self._refuse_change(held, code, text)
        self._refuse_cancel(held, code, text)

    # -- reporting -----------------------------------------------------------------------------

    def _tell(self, held: HeldOrder, news: News) -> None:
        held.news.append(news)
        self.flush(held)

    def flush(self, held: HeldOrder, *, force: bool = False) -> None:
        """Report what is complete, in order; with `force` also what still waits for something."""
        now = self._now_ns()
        while held.news and (force or self._complete(held, held.news[0], now)):
            self._report(held, held.news.popleft())
        if held.settled:
            self._active.pop(held.order.client_order_id, None)

    def _complete(self, held: HeldOrder, news: News, now: int) -> bool:
        if now >= news.hold_until_ns:
            return True
        if news.exec_type is ExecType.TRADE and news.execution is not None:
            return news.execution.exec_id in self.commissions
        # An end that waits for fills has them before it in the queue.
        return bool(held.missing_qty) and held.missing_qty <= held.known_qty

    def _report(self, held: HeldOrder, news: News) -> None:
        fill = news.execution
        if news.exec_type is ExecType.TRADE and fill is not None:
            held.cum_qty += fill.qty
            held.value += fill.qty * fill.price
        elif news.exec_type is ExecType.TRADE_CANCEL and fill is not None:
            held.cum_qty -= fill.qty
            held.value -= fill.qty * fill.price
        elif news.exec_type is ExecType.REPLACED:
            held.qty, held.price = news.qty or held.qty, news.price
        held.status = held.status_after(news)
        if news.exec_type in ENDS:
            held.ended = held.status
        update = held.report(news.exec_type, news)
        if fill is not None:
            update = self._executed(update, news, fill)
        if not self.muted:
            self._say(update)

    def _executed(self, update: OrderUpdate, news: News, fill: Execution) -> OrderUpdate:
        """Add what a TRADE or TRADE_CANCEL has more, and keep it."""
        if news.exec_type is ExecType.TRADE:
            made = replace(update, exec_id=fill.exec_id, commission=self.commissions.get(fill.exec_id))
        else:
            made = replace(update, exec_id=news.exec_id, exec_ref_id=fill.exec_id)
        self._reported[made.exec_id or ""] = made
        return made

    def pending_qty(self) -> dict[str, Decimal]:
        """Return the signed quantity of fills that have not been reported yet, by instrument."""
        found: dict[str, Decimal] = {}
        for held in self._active.values():
            for news in held.news:
                if news.execution is not None:
                    sign = 1 if news.exec_type is ExecType.TRADE else -1
                    sign *= 1 if held.order.side.value == "BUY" else -1
                    name = held.order.instrument
                    found[name] = found.get(name, ZERO) + sign * news.execution.qty
        return found

    # -- answers -------------------------------------------------------------------------------

    def executions(self) -> list[OrderUpdate]:
        """Return every TRADE and TRADE_CANCEL that was reported, oldest first."""
        return list(self._reported.values())

    def open_orders(self) -> list[OrderUpdate]:
        """Return every order that is working, as far as has been reported, as STATUS."""
        return [held.report(ExecType.STATUS) for held in self._active.values() if held.status and held.open]

    def unacknowledged(self) -> list[OrderUpdate]:
        """Return every order of which nothing has been heard yet, as PENDING_NEW."""
        return [held.report(ExecType.PENDING_NEW) for held in self._active.values() if held.status is None]

    def active(self) -> list[HeldOrder]:
        """Return every order of which something is to be expected or reported."""
        return list(self._active.values())
