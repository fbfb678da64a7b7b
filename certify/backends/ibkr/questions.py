"""What the ledger must ask the gateway for, and what follows from the answer.

A message may never come: an order that is never acknowledged, a fill of which only the status spoke, a cancel
without an answer, an end while nobody listened. After a bounded time the gateway is asked for its open
orders and executions; what it does not list is over. Its answers come in order with everything else on the
socket, so that an order which was acknowledged before the question and is not in the answer has ended.
"""

from __future__ import annotations

from certify.backends.ibkr.held import HeldOrder
from certify.backends.ibkr.ledger import EXECUTION_WAIT_NS, Ledger, Waits
from certify.clock import NS_PER_MS, NS_PER_S

DOUBT_WAIT_NS = 300 * NS_PER_MS
"""After an error of unknown meaning the gateway is asked so soon."""
AUDIT_EVERY_NS = 10 * NS_PER_S
"""While orders are working, the gateway is asked that often whether they still are."""
ASK_AT_MOST = 2
"""So often is asked before an answer is given up."""


class Questions:
    """Decides when to ask, and draws the conclusions."""

    def __init__(self, ledger: Ledger, waits: Waits) -> None:
        """Watch over `ledger`."""
        self._ledger = ledger
        self._waits = waits
        self._asked_ns = 0

    def due(self, now: int) -> bool:
        """Report what has waited long enough, and say whether the gateway must be asked."""
        due = False
        for held in self._ledger.active():
            self._ledger.flush(held)
            due = self._is_due(held, now) or due
        audit = now - self._asked_ns >= AUDIT_EVERY_NS and any(h.acked for h in self._ledger.active())
        return due or audit

    def _is_due(self, held: HeldOrder, now: int) -> bool:
        if held.missing_ns and now - held.missing_ns >= EXECUTION_WAIT_NS:
            held.missing_ns = now
            return True
        if self._lacks_commission(held, now):
            return True
        since = held.unanswered_since_ns
        if since is None:
            return False
        wait_ns = DOUBT_WAIT_NS if held.doubt is not None else self._waits.answer_ns
        return now - since >= wait_ns * (held.asked + 1)

    def _lacks_commission(self, held: HeldOrder, now: int) -> bool:
        """Whether a fill has waited half its time for its commission; a lost report comes with the answer."""
        if not held.news or held.news[0].execution is None or held.news[0].asked:
            return False
        held.news[0].asked = now >= held.news[0].hold_until_ns - self._waits.commission_ns // 2
        return held.news[0].asked

    def asking(self, now: int) -> None:
        """Take note that the question is being sent."""
        self._asked_ns = now

    def answered(self, listed: set[int]) -> None:
        """Conclude from the order ids that are open at the broker; executions have been taken already."""
        for held in self._ledger.active():
            if self._concerned(held):
                self._conclude(held, working=held.order_id in listed)

    def _concerned(self, held: HeldOrder) -> bool:
        """Whether it was known before the question was sent."""
        since = held.unanswered_since_ns
        return max(held.sent_ns, since or 0) < self._asked_ns

    def _conclude(self, held: HeldOrder, *, working: bool) -> None:
        held.asked += 1
        if held.over:
            if held.asked >= ASK_AT_MOST:
                self._ledger.give_up(held)
        elif working:
            if held.asked >= ASK_AT_MOST and held.acked:
                self._ledger.give_up(held)
        elif held.acked and held.change is None and held.cancel_sent_ns is None:
            self._ledger.lost(held, "NOT_WORKING", "the broker does not list it as open any more")
        elif held.doubt is not None:
            self._ledger.lost(held, *held.doubt)
        elif held.asked >= ASK_AT_MOST:
            self._ledger.lost(held, "UNANSWERED", "the broker has not answered and does not list it")

    def after_login(self, listed: set[int]) -> None:
        """Conclude from the first answer after a login: nothing is under way, but unacknowledged orders."""
        for held in self._ledger.active():
            if not held.acked and not held.over:
                held.sent_ns, held.asked = self._asked_ns, 0
                continue
            if held.order_id not in listed and not held.over:
                self._ledger.lost(
                    held, "NOT_WORKING", "found to be no longer working when the link came back"
                )
            held.change = held.cancel_sent_ns = None
            held.missing_ns = 0
            self._ledger.flush(held, force=True)
