"""The ledger against recorded and invented sequences of messages; no library, no sockets, no time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certify.backends.ibkr.codes import Meaning, meaning
from certify.backends.ibkr.executions import Execution
from certify.backends.ibkr.ledger import Ledger, Waits
from certify.backends.ibkr.questions import AUDIT_EVERY_NS, Questions
from certify.clock import NS_PER_MS
from certify.gateway.wire.codes import CODES, CodeKind
from certify.model.trading import ExecType, Order, OrderType, OrdStatus, Side, Source, TimeInForce
from certify.reference.orders import OrderRecord

COMMISSION_NS, ANSWER_NS = 500 * NS_PER_MS, 1000 * NS_PER_MS


class Desk:
    """A ledger, a clock that stands still, and what was said."""

    def __init__(self) -> None:
        self.now = 1_000_000_000_000
        self.said = []
        waits = Waits(commission_ns=COMMISSION_NS, answer_ns=ANSWER_NS)
        self.ledger = Ledger("DU1", now_ns=lambda: self.now, say=self.said.append, waits=waits)
        self.questions = Questions(self.ledger, waits)
        self.questions.asking(self.now - 1)
        self.orders = 0

    def order(self, qty=10, price="99.00", **more):
        self.orders += 1
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        order = Order(
            f"o{self.orders}",
            "AAPL.NASDAQ",
            Side.BUY,
            Decimal(qty),
            kind,
            None if price is None else Decimal(price),
            **more,
        )
        return self.ledger.sent(order, self.orders)

    def working(self, **more):
        held = self.order(**more)
        self.open(held, "Submitted")
        return held

    def open(self, held, status, qty=None, price=None):
        price = held.price if price is None else Decimal(price)
        self.ledger.on_open_order(held, status, held.qty if qty is None else Decimal(qty), price)

    def status(self, held, status, filled=0, remaining=0):
        self.ledger.on_status(held, status, Decimal(filled), Decimal(remaining))

    def fill(self, held, qty=10, price="99.00", exec_id="0000e0d5.6553a1b2.01.01", commission="1"):
        execution = Execution(
            exec_id=exec_id,
            order_id=held.order_id,
            perm_id=77,
            order_ref=held.order.client_order_id,
            account="DU1",
            side=Side.BUY,
            qty=Decimal(qty),
            price=Decimal(price),
            cum_qty=Decimal(0),
            ts_event_ns=0,
        )
        self.ledger.on_execution(held, execution)
        if commission is not None:
            self.ledger.on_commission(exec_id, Decimal(commission))

    def error(self, held, code, text="text"):
        self.ledger.on_error(held, code, text)

    def wait(self, ns):
        """Let time pass; return whether the gateway would be asked."""
        self.now += ns
        return self.questions.due(self.now)

    def answer(self, *listed):
        """Ask, and be told that these orders are open."""
        self.questions.asking(self.now)
        self.now += 1
        self.questions.answered({held.order_id for held in listed})

    @property
    def kinds(self):
        return [update.exec_type.value for update in self.said]

    @property
    def last(self):
        return self.said[-1]


@pytest.fixture
def desk():
    return Desk()


# -- recorded sequences ----------------------------------------------------------------------------


def test_market_order_of_a_real_tws(desk):
    held = desk.order(price=None)
    desk.open(held, "PreSubmitted")
    desk.status(held, "PreSubmitted", 0, 10)
    desk.fill(held, commission=None)
    desk.open(held, "Filled")
    desk.status(held, "Filled", 10, 0)
    desk.open(held, "Filled")
    assert desk.kinds == ["NEW"]
    desk.ledger.on_commission("0000e0d5.6553a1b2.01.01", Decimal("0.35"))
    assert desk.kinds == ["NEW", "TRADE"]
    assert (desk.last.status, desk.last.commission, desk.last.leaves_qty) == (
        OrdStatus.FILLED,
        Decimal("0.35"),
        0,
    )


def test_cancel_of_a_real_tws(desk):
    held = desk.working()
    desk.ledger.cancelling("o1")
    desk.status(held, "Cancelled", 0, 10)
    desk.error(held, 202, "Order Canceled - reason:")
    assert desk.kinds == ["NEW", "CANCELED"]
    assert desk.last.leaves_qty == 0


def test_fill_before_everything_else(desk):
    held = desk.order()
    desk.fill(held)
    desk.open(held, "Submitted")
    desk.status(held, "Filled", 10, 0)
    assert desk.kinds == ["NEW", "TRADE"]


def test_filled_before_its_execution(desk):
    held = desk.working()
    desk.status(held, "Filled", 10, 0)
    assert desk.kinds == ["NEW"]
    desk.fill(held)
    assert desk.kinds == ["NEW", "TRADE"]
    assert desk.last.status is OrdStatus.FILLED


def test_filled_without_its_execution_is_asked_for(desk):
    held = desk.working()
    desk.status(held, "Filled", 10, 0)
    assert not desk.wait(100 * NS_PER_MS)
    assert desk.wait(300 * NS_PER_MS)
    desk.fill(held)
    assert desk.kinds == ["NEW", "TRADE"]


def test_commission_before_its_fill(desk):
    held = desk.working()
    desk.ledger.on_commission("0000e0d5.6553a1b2.01.01", Decimal(2))
    desk.fill(held, commission=None)
    assert desk.last.commission == 2


def test_commission_is_waited_for_and_asked_for_but_not_for_ever(desk):
    held = desk.working()
    desk.fill(held, commission=None)
    assert not desk.wait(COMMISSION_NS // 4)
    assert desk.wait(COMMISSION_NS // 4)
    assert desk.kinds == ["NEW"]
    desk.wait(COMMISSION_NS // 2)
    assert desk.kinds == ["NEW", "TRADE"]
    assert desk.last.commission is None
    desk.ledger.on_commission("0000e0d5.6553a1b2.01.01", Decimal(2))
    assert desk.ledger.executions()[0].commission == 2
    assert desk.kinds == ["NEW", "TRADE"]


def test_what_follows_a_fill_waits_behind_it(desk):
    held = desk.working()
    desk.fill(held, 4, commission=None)
    desk.ledger.cancelling("o1")
    desk.status(held, "Cancelled", 4, 6)
    assert desk.kinds == ["NEW"]
    desk.ledger.on_commission("0000e0d5.6553a1b2.01.01", Decimal(1))
    assert desk.kinds == ["NEW", "TRADE", "CANCELED"]
    assert (desk.last.cum_qty, desk.last.leaves_qty) == (4, 0)


def test_duplicates_are_said_once(desk):
    held = desk.working()
    for _ in range(3):
        desk.open(held, "Submitted")
        desk.status(held, "Submitted", 0, 10)
        desk.fill(held, 3)
    assert desk.kinds == ["NEW", "TRADE"]
    assert desk.last.cum_qty == 3


def test_late_fill_of_a_cancelled_order_comes_before_its_end(desk):
    held = desk.working()
    desk.ledger.cancelling("o1")
    desk.status(held, "Cancelled", 4, 6)
    assert desk.kinds == ["NEW"]
    desk.fill(held, 4)
    assert desk.kinds == ["NEW", "TRADE", "CANCELED"]


def test_correction_takes_the_place_of_what_it_corrects(desk):
    held = desk.working()
    desk.fill(held)
    desk.fill(held, price="99.10", exec_id="0000e0d5.6553a1b2.01.02")
    assert desk.kinds == ["NEW", "TRADE", "TRADE_CANCEL", "TRADE"]
    cancel, again = desk.said[2:]
    assert cancel.exec_ref_id == "0000e0d5.6553a1b2.01.01"
    assert (again.cum_qty, again.avg_px, again.status) == (10, Decimal("99.1"), OrdStatus.FILLED)
    assert len({update.exec_id for update in desk.ledger.executions()}) == 3
    desk.fill(held, exec_id="0000e0d5.6553a1b2.01.01")
    assert len(desk.said) == 4


def test_correction_after_a_cancel_leaves_the_order_cancelled(desk):
    held = desk.working()
    desk.fill(held, 4)
    desk.ledger.cancelling("o1")
    desk.status(held, "Cancelled", 4, 6)
    desk.fill(held, 4, price="99.10", exec_id="0000e0d5.6553a1b2.01.02")
    assert desk.last.status is OrdStatus.CANCELED
    record = OrderRecord(held.order)
    for update in desk.said:
        assert record.legal(update)
        record.apply(update)


def test_bust_is_a_correction_to_nothing(desk):
    held = desk.working()
    desk.fill(held, 4)
    desk.fill(held, 0, exec_id="0000e0d5.6553a1b2.01.02")
    assert desk.kinds == ["NEW", "TRADE", "TRADE_CANCEL"]
    assert (desk.last.cum_qty, desk.last.leaves_qty, desk.last.status) == (0, 10, OrdStatus.NEW)


# -- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [103, 110, 200, 201, 203, 321, 329, 382, 434, 436, 478, 10268])
def test_errors_that_refuse_a_new_order(desk, code):
    held = desk.order()
    desk.error(held, code)
    desk.status(held, "Inactive", 0, 10)
    assert desk.kinds == ["REJECTED"]
    assert desk.last.code == str(code)
    assert desk.last.source is (Source.VENUE if code == 201 else Source.BROKER)


@pytest.mark.parametrize(
    "code", [104, 105, 110, 135, 161, 321, 329, 399, 404, 10147, 10148, 10311, 10349, 2109]
)
def test_errors_that_do_not_end_a_live_order(desk, code):
    held = desk.working()
    desk.error(held, code)
    assert desk.kinds == ["NEW"]
    assert held.open
    assert not held.over


@pytest.mark.parametrize("code", [104, 105, 110, 201, 321, 329])
def test_errors_that_refuse_a_change(desk, code):
    held = desk.working()
    desk.ledger.changing("o1", Decimal(20), None)
    desk.error(held, code)
    assert desk.kinds == ["NEW", "REPLACE_REJECTED"]
    assert (desk.last.code, desk.last.qty, desk.last.status) == (str(code), 10, OrdStatus.NEW)


@pytest.mark.parametrize("code", [135, 136, 161, 10147, 10148])
def test_errors_that_refuse_a_cancel(desk, code):
    held = desk.working()
    desk.ledger.cancelling("o1")
    desk.error(held, code)
    assert desk.kinds == ["NEW", "CANCEL_REJECTED"]
    assert held.open


def test_fill_that_wins_against_a_cancel(desk):
    held = desk.working()
    desk.ledger.cancelling("o1")
    desk.error(held, 10148, "can not be cancelled, state: Filled.")
    desk.fill(held)
    assert desk.kinds == ["NEW", "CANCEL_REJECTED", "TRADE"]


def test_inactive_alone_is_no_end(desk):
    held = desk.working()
    desk.status(held, "Inactive", 0, 10)
    desk.status(held, "Submitted", 0, 10)
    assert desk.kinds == ["NEW"]


@pytest.mark.parametrize("error_first", [True, False])
def test_live_order_that_an_exchange_throws_out(desk, error_first):
    held = desk.working()
    if error_first:
        desk.error(held, 201, "Order rejected - reason:halted")
    desk.status(held, "Inactive", 0, 10)
    if not error_first:
        desk.error(held, 201, "Order rejected - reason:halted")
    assert desk.kinds == ["NEW", "CANCELED"]
    assert (desk.last.code, desk.last.source) == ("201", Source.VENUE)


def test_unasked_cancel_waits_for_its_reason(desk):
    held = desk.working()
    desk.status(held, "Cancelled", 0, 10)
    assert desk.kinds == ["NEW"]
    desk.error(held, 202, "Order Canceled - reason:margin")
    assert desk.last.reason == "Order Canceled - reason:margin"
    other = desk.working()
    desk.status(other, "Cancelled", 0, 10)
    desk.wait(200 * NS_PER_MS)
    assert desk.last.exec_type is ExecType.CANCELED


def test_order_that_ends_by_its_time_has_expired(desk):
    held = desk.working(tif=TimeInForce.GTD, expire_at_ns=desk.now + 1)
    desk.now += 5
    desk.status(held, "Cancelled", 0, 10)
    desk.error(held, 202, "Order Canceled - reason:")
    assert desk.last.exec_type is ExecType.EXPIRED


def test_immediate_order_was_accepted_before_it_was_canceled(desk):
    held = desk.order(tif=TimeInForce.IOC)
    desk.status(held, "Cancelled", 0, 10)
    desk.error(held, 202)
    assert desk.kinds == ["NEW", "CANCELED"]


def test_every_code_of_the_gateway_means_the_same_here():
    expected = {
        CodeKind.ORDER_REJECT: {Meaning.REFUSED},
        CodeKind.ORDER_DEAD: {Meaning.CANCELED},
        CodeKind.ORDER_LIVES: {Meaning.NOTICE, Meaning.NO_CANCEL, Meaning.NO_CHANGE},
        CodeKind.NOTICE: {Meaning.NOTICE},
    }
    wrong = {
        code: meaning(code)
        for code, said in CODES.items()
        if said.kind in expected and code and meaning(code) not in expected[said.kind]
    }
    assert wrong == {}


# -- changes -----------------------------------------------------------------------------------------


def test_change_is_taken_when_ib_shows_it(desk):
    held = desk.working()
    desk.ledger.changing("o1", Decimal(20), Decimal("99.50"))
    desk.open(held, "Submitted")
    assert desk.kinds == ["NEW"]
    desk.open(held, "Submitted", 20, "99.50")
    assert desk.kinds == ["NEW", "REPLACED"]
    assert (desk.last.qty, desk.last.price, desk.last.leaves_qty) == (20, Decimal("99.50"), 20)


def test_change_of_quantity_shows_in_the_status_too(desk):
    held = desk.working()
    desk.ledger.changing("o1", Decimal(20), None)
    desk.status(held, "Submitted", 0, 20)
    assert desk.kinds == ["NEW", "REPLACED"]


def test_fill_beyond_the_old_quantity_proves_the_change(desk):
    held = desk.working()
    desk.ledger.changing("o1", Decimal(20), None)
    desk.fill(held, 15)
    assert desk.kinds == ["NEW", "REPLACED", "TRADE"]
    assert desk.last.leaves_qty == 5


def test_order_that_is_over_is_not_changed_or_cancelled(desk):
    held = desk.working()
    desk.fill(held)
    assert desk.ledger.changing("o1", Decimal(20), None) is None
    assert desk.ledger.cancelling("o1") is None
    assert desk.kinds == ["NEW", "TRADE", "REPLACE_REJECTED", "CANCEL_REJECTED"]
    assert {update.status for update in desk.said[2:]} == {OrdStatus.FILLED}
    assert held.settled


# -- asking ------------------------------------------------------------------------------------------


def test_new_order_without_an_answer_is_asked_for_twice_and_then_dead(desk):
    desk.order()
    assert not desk.wait(ANSWER_NS // 2)
    assert desk.wait(ANSWER_NS // 2)
    desk.answer()
    assert desk.kinds == []
    assert desk.wait(ANSWER_NS)
    desk.answer()
    assert desk.kinds == ["REJECTED"]
    assert desk.last.code == "UNANSWERED"


def test_new_order_that_is_listed_is_waited_for(desk):
    held = desk.order()
    for _ in range(5):
        desk.wait(ANSWER_NS)
        desk.answer(held)
    assert desk.kinds == []
    desk.open(held, "Submitted")
    assert desk.kinds == ["NEW"]


def test_error_of_unknown_meaning_is_cleared_up_by_asking(desk):
    dead, alive = desk.order(), desk.working()
    desk.error(dead, 98765, "strange")
    desk.error(alive, 98765, "strange")
    assert desk.kinds == ["NEW"]
    assert desk.wait(300 * NS_PER_MS)
    desk.answer(alive)
    assert desk.kinds == ["NEW", "REJECTED"]
    assert (desk.last.code, desk.last.reason) == ("98765", "strange")


@pytest.mark.parametrize("kind", ["REPLACE_REJECTED", "CANCEL_REJECTED"])
def test_change_and_cancel_without_an_answer_are_given_up(desk, kind):
    held = desk.working()
    if kind == "REPLACE_REJECTED":
        desk.ledger.changing("o1", Decimal(20), None)
    else:
        desk.ledger.cancelling("o1")
    for _ in range(2):
        assert desk.wait(ANSWER_NS)
        desk.answer(held)
    assert desk.kinds == ["NEW", kind]
    assert desk.last.code == "UNANSWERED"


def test_order_that_is_listed_no_more_has_ended(desk):
    desk.working()
    assert desk.wait(AUDIT_EVERY_NS)
    desk.answer()
    assert desk.kinds == ["NEW", "CANCELED"]
    assert desk.last.code == "NOT_WORKING"


def test_order_sent_after_the_question_is_not_concluded_about(desk):
    desk.questions.asking(desk.now)
    desk.now += 1
    desk.working()
    desk.questions.answered(set())
    assert desk.kinds == ["NEW"]


def test_nothing_is_said_while_muted_but_kept(desk):
    desk.ledger.muted = True
    held = desk.working()
    desk.fill(held, 4)
    assert desk.said == []
    assert [update.last_qty for update in desk.ledger.executions()] == [4]
    assert [update.cum_qty for update in desk.ledger.open_orders()] == [4]


def test_unreported_fills_are_known_to_be_on_their_way(desk):
    held = desk.working()
    desk.fill(held, 4, commission=None)
    assert desk.ledger.pending_qty() == {"AAPL.NASDAQ": 4}
    desk.wait(COMMISSION_NS)
    assert desk.ledger.pending_qty() == {}


def test_nothing_piles_up(desk):
    for _ in range(100):
        desk.fill(desk.working(), exec_id=f"a.{desk.orders}.01.01")
    assert desk.ledger.active() == []


# -- any order of messages ---------------------------------------------------------------------------

MESSAGES = {
    "presubmitted": lambda desk, held: stand(desk, held, "PreSubmitted"),
    "submitted": lambda desk, held: stand(desk, held, "Submitted"),
    "filled": lambda desk, held: stand(desk, held, "Filled"),
    "cancelled": lambda desk, held: stand(desk, held, "Cancelled"),
    "inactive": lambda desk, held: stand(desk, held, "Inactive"),
    "fill 3": lambda desk, held: desk.fill(held, 3, exec_id="a.3.01", commission=None),
    "fill 7": lambda desk, held: desk.fill(held, 7, exec_id="a.7.01", commission=None),
    "commission": lambda desk, held: desk.ledger.on_commission("a.3.01", Decimal(1)),
    "correct": lambda desk, held: desk.fill(held, 3, "98.00", exec_id="a.3.02", commission=None),
    "bust": lambda desk, held: desk.fill(held, 0, exec_id="a.7.02", commission=None),
    "refused 110": lambda desk, held: desk.error(held, 110),
    "refused 201": lambda desk, held: desk.error(held, 201),
    "cancelled 202": lambda desk, held: desk.error(held, 202),
    "notice": lambda desk, held: desk.error(held, 399),
    "no cancel": lambda desk, held: desk.error(held, 10148),
    "no change": lambda desk, held: desk.error(held, 104),
    "change": lambda desk, held: desk.ledger.changing("o1", Decimal(12), None),
    "changed": lambda desk, held: desk.open(held, "Submitted", 12),
    "cancel": lambda desk, held: desk.ledger.cancelling("o1"),
    "wait": lambda desk, held: desk.wait(ANSWER_NS),
    "listed": lambda desk, held: desk.answer(held),
    "gone": lambda desk, held: desk.answer(),
}


def stand(desk, held, status):
    desk.status(held, status, held.known_qty, held.qty - held.known_qty)


@given(st.lists(st.sampled_from(sorted(MESSAGES)), max_size=15))
@example(["cancelled", "fill 7", "bust", "cancel"])  # the end was known, and not told yet
@example(["cancelled", "fill 3", "correct"])
@example(["change", "correct", "changed", "fill 7"])  # all of the old quantity, not of the new one
def test_reports_always_add_up(messages):
    desk = Desk()
    held = desk.order()
    for message in messages:
        MESSAGES[message](desk, held)
    for _ in range(4):
        desk.wait(ANSWER_NS)
        desk.answer()
    cum, ids = Decimal(0), []
    for update in desk.said:
        if update.exec_type in (ExecType.TRADE, ExecType.TRADE_CANCEL):
            cum += update.last_qty if update.exec_type is ExecType.TRADE else -update.last_qty
            ids.append(update.exec_id)
        assert update.cum_qty == cum
        assert update.leaves_qty == (0 if update.status.terminal else update.qty - cum)
        assert (update.status is OrdStatus.FILLED) <= (cum >= update.qty)
    assert len(ids) == len(set(ids))
    assert desk.kinds.count("NEW") <= 1
    assert sum(kind in ("CANCELED", "EXPIRED", "REJECTED") for kind in desk.kinds) <= 1
    assert cum == held.known_qty
    assert not held.open
