"""The ledger: no lawful life of an order breaks a law, and one illegal step breaks exactly its law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from certify.model.trading import (
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Side,
    Source,
    TimeInForce,
)
from certify.phases.bulk import BulkOrders
from certify.phases.ledger import LAWS, MOST_EVIDENCE, MOST_FOREIGN, Ledger
from tests.phases.lives import Ask, Life, Repeat, Step, lives, play

E, S = ExecType, OrdStatus
SLOW = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
JUDGED = set(E) - {E.STATUS, E.CANCEL_REJECTED, E.REPLACE_REJECTED, E.PENDING_NEW, E.PENDING_CANCEL}
JUDGED -= {E.PENDING_REPLACE, E.REJECTED}


@settings(deadline=None, max_examples=200)
@given(lives())
def test_no_lawful_life_breaks_a_law(life: tuple[Order, list[Step], Life]) -> None:
    order, steps, machine = life
    ledger = play(steps, order)
    assert ledger.breaches == []
    entry = ledger.entries[order.client_order_id]
    assert entry.cum_qty == machine.cum
    assert entry.working is not machine.status.terminal
    signed = machine.cum if order.side is Side.BUY else -machine.cum
    assert ledger.position("execution", "X") == signed


Damage = Callable[[Any, list[Step], Life], None]


def pick(draw: Any, steps: list[Step], fits: Callable[[OrderUpdate], bool]) -> int:
    """Choose a report to damage; answers to an id sent again, and what follows the end, are not judged."""
    chosen, ended = [], False
    for at, step in enumerate(steps):
        if not isinstance(step, OrderUpdate):
            continue
        repeats = at and isinstance(steps[at - 1], Repeat)
        if step.exec_type in JUDGED and not ended and not repeats and fits(step):
            chosen.append(at)
        ended = step.status.terminal if step.exec_type in JUDGED else ended
    assume(chosen)
    return draw(st.sampled_from(chosen))


def more_filled(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    steps[at] = replace(steps[at], cum_qty=steps[at].cum_qty + draw(st.sampled_from([-1, 1])))


def more_left(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    steps[at] = replace(steps[at], leaves_qty=steps[at].leaves_qty + 1)


def other_quantity(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: u.status is not S.FILLED)
    update = steps[at]
    leaves = update.leaves_qty if update.status.terminal else update.leaves_qty + 1000
    steps[at] = replace(update, qty=update.qty + 1000, leaves_qty=leaves)


def other_price(draw: Any, steps: list[Step], life: Life) -> None:
    assume(life.order.type is OrderType.LIMIT)
    at = pick(draw, steps, lambda u: True)
    steps[at] = replace(steps[at], price=Decimal("77.77"))


def other_side(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    steps[at] = replace(steps[at], side=Side.SELL if steps[at].side is Side.BUY else Side.BUY)


def other_instrument(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    steps[at] = replace(steps[at], instrument="Y")


def wrong_status(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    update = steps[at]
    working = [status for status in (S.NEW, S.PARTIALLY_FILLED) if status is not update.status]
    # a report whose quantities say that it has ended, and the other way round, would break two laws
    wrong = [S.REJECTED] if update.status.terminal else working
    steps[at] = replace(update, status=draw(st.sampled_from(wrong)))


def reject_after_new(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: not u.status.terminal)
    more = {"leaves_qty": Decimal(0), "source": Source.RISK, "exec_id": None}
    steps[at + 1 :] = [replace(steps[at], exec_type=E.REJECTED, status=S.REJECTED, **more)]


def fill_twice(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: u.exec_type is E.TRADE)
    steps.insert(draw(st.integers(at + 1, len(steps))), steps[at])
    assume(not any(isinstance(step, Repeat) for step in steps))


def fill_without_id(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: u.exec_type is E.TRADE)
    steps[at] = replace(steps[at], exec_id=None)


def bust_of_nothing(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: not u.status.terminal)
    more = {"exec_id": "B1", "exec_ref_id": draw(st.sampled_from([None, "gone"])), "avg_px": None}
    steps.insert(at + 1, replace(steps[at], exec_type=E.TRADE_CANCEL, **more))


def worse_than_limit(draw: Any, steps: list[Step], life: Life) -> None:
    assume(life.order.type is OrderType.LIMIT)
    at = pick(draw, steps, lambda u: u.exec_type is E.TRADE)
    worse = Decimal("20.00") if life.order.side is Side.BUY else Decimal("1.00")
    steps[at] = replace(steps[at], last_px=worse, avg_px=None)


def wrong_average(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: u.exec_type is E.TRADE)
    steps[at] = replace(steps[at], avg_px=(steps[at].avg_px or Decimal(50)) + Decimal("0.01"))


def no_price(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: u.exec_type is E.TRADE)
    steps[at] = replace(steps[at], last_px=None)


def unknown_id(draw: Any, steps: list[Step], life: Life) -> None:
    at = pick(draw, steps, lambda u: True)
    del steps[at + 1 :]
    steps[at] = replace(steps[at], client_order_id="nobody's")


def after_the_end(draw: Any, steps: list[Step], life: Life) -> None:
    assume(life.status.terminal and steps and isinstance(steps[-1], OrderUpdate))
    kind = draw(st.sampled_from([E.TRADE, E.CANCELED, E.EXPIRED, E.REPLACED]))
    status = draw(st.sampled_from([S.NEW, S.CANCELED, S.EXPIRED]))
    more = {"exec_id": "late", "last_qty": Decimal(1), "last_px": Decimal(10)}
    steps.append(replace(steps[-1], exec_type=kind, status=status, side=life.order.side, **more))
    assume(not (kind is E.REPLACED and any(isinstance(step, Ask) for step in steps)))


DAMAGES: list[tuple[str, Damage]] = [
    ("quantities", more_filled),
    ("quantities", more_left),
    ("terms", other_quantity),
    ("terms", other_price),
    ("terms", other_side),
    ("terms", other_instrument),
    ("transitions", wrong_status),
    ("transitions", reject_after_new),
    ("exec_ids", fill_twice),
    ("exec_ids", fill_without_id),
    ("exec_ids", bust_of_nothing),
    ("prices", worse_than_limit),
    ("prices", wrong_average),
    ("prices", no_price),
    ("known", unknown_id),
    ("one_terminal", after_the_end),
]


def test_every_law_is_tried() -> None:
    assert {law for law, _ in DAMAGES} == set(LAWS)


@pytest.mark.parametrize(("law", "damage"), DAMAGES, ids=[damage.__name__ for _, damage in DAMAGES])
@SLOW
@given(data=st.data())
def test_one_illegal_step_breaks_exactly_its_law(law: str, damage: Damage, data: st.DataObject) -> None:
    order, steps, life = data.draw(lives())
    damaged = list(steps)
    damage(data.draw, damaged, life)
    assert {breach.law for breach in play(damaged, order).breaches} == {law}


# single cases

ORDER = Order(client_order_id="A1", instrument="X", side=Side.BUY, qty=Decimal(10), price=Decimal("10.00"))


def said(exec_type: ExecType, status: OrdStatus, cum: int = 0, qty: int = 10, **more: Any) -> OrderUpdate:
    more.setdefault("leaves_qty", Decimal(0) if status.terminal else Decimal(qty - cum))
    return OrderUpdate("A1", "X", exec_type, status, Side.BUY, Decimal(qty), cum_qty=Decimal(cum), **more)


def trade(identity: str, last: int, cum: int, **more: Any) -> OrderUpdate:
    status = S.FILLED if cum == more.get("qty", 10) else S.PARTIALLY_FILLED
    more = {"last_qty": Decimal(last), "last_px": Decimal(10), "exec_id": identity, **more}
    return said(E.TRADE, status, cum, **more)


def laws(*steps: Step) -> set[str]:
    return {breach.law for breach in play(list(steps), ORDER).breaches}


def test_a_filled_order_whose_fill_is_busted_may_work_on() -> None:
    bust = said(E.TRADE_CANCEL, S.NEW, 0, exec_id="B", exec_ref_id="1", last_qty=Decimal(10))
    ledger = play([trade("1", 10, 10), bust], ORDER)
    assert [entry.order for entry in ledger.working()] == [ORDER]
    assert laws(trade("1", 10, 10), bust, trade("2", 10, 10)) == set()


def test_a_canceled_order_does_not_come_back_by_a_bust() -> None:
    bust = said(E.TRADE_CANCEL, S.NEW, 0, exec_id="B", exec_ref_id="1", last_qty=Decimal(4))
    assert laws(trade("1", 4, 4), said(E.CANCELED, S.CANCELED, 4), bust) == {"transitions"}


def test_the_sum_of_fills_is_held_at_a_bust_after_the_end_too() -> None:
    bust = said(E.TRADE_CANCEL, S.CANCELED, 4, exec_id="B", exec_ref_id="1", last_qty=Decimal(4))
    assert laws(trade("1", 4, 4), said(E.CANCELED, S.CANCELED, 4), bust) == {"quantities"}


def test_a_replace_to_what_is_filled_ends_the_order() -> None:
    filled = said(E.REPLACED, S.FILLED, 4, qty=4)
    assert laws(trade("1", 4, 4), Ask(Decimal(2), None), filled) == set()
    assert laws(trade("1", 4, 4), Ask(Decimal(2), None), replace(filled, qty=Decimal(5))) == {
        "quantities",
        "terms",
    }


def test_a_replace_that_changes_nothing_is_no_replace() -> None:
    assert laws(said(E.NEW, S.NEW), Ask(Decimal(20), None), said(E.REPLACED, S.NEW)) == {"terms"}


def test_an_answer_that_overtakes_its_sister_is_let_pass() -> None:
    first, second = Ask(Decimal(20), None), Ask(None, Decimal(11))
    answers = said(E.REPLACE_REJECTED, S.NEW), said(E.REPLACED, S.NEW, price=Decimal(11))
    assert laws(said(E.NEW, S.NEW), first, second, *answers) == set()


def test_who_accepted_an_order_may_not_refuse_it() -> None:
    accepted = said(E.NEW, S.NEW, source=Source.ENGINE)
    assert laws(accepted, said(E.REJECTED, S.REJECTED, source=Source.VENUE)) == set()
    assert laws(accepted, said(E.REJECTED, S.REJECTED, source=Source.ENGINE)) == {"transitions"}
    assert laws(said(E.PENDING_NEW, S.NEW), said(E.REJECTED, S.REJECTED, source=Source.RISK)) == set()


def test_the_refusal_of_an_id_sent_again_may_come_before_the_first_answer() -> None:
    steps = [Repeat(), said(E.REJECTED, S.REJECTED), said(E.NEW, S.NEW), trade("1", 10, 10)]
    assert laws(*steps) == set()


@pytest.mark.parametrize("price", ["0.0123", "1.23", "123.45"])
def test_an_average_rounded_to_four_places_is_right(price: str) -> None:
    order = replace(ORDER, price=Decimal(1000))
    fills = [trade("1", 1, 1, last_px=Decimal(price)), trade("2", 2, 3, last_px=Decimal(price) * 2)]
    mean = (Decimal(price) * 5) / 3
    fills[1] = replace(fills[1], avg_px=round(mean, 4))
    assert play(fills, order).breaches == []


def test_an_execution_id_is_one_orders_only() -> None:
    ledger = play([trade("1", 10, 10)], ORDER)
    other = replace(ORDER, client_order_id="A2")
    play([replace(trade("1", 10, 10), client_order_id="A2")], other, ledger)
    assert [(breach.law, breach.client_order_id) for breach in ledger.breaches] == [("exec_ids", "A2")]
    ledger.forget(["execution"])
    ledger.breaches.clear()
    assert play([trade("1", 10, 10)], ORDER, ledger).breaches == []


# memory

BULK = {"port": "execution", "instrument": "X", "qty": Decimal(10), "tif": TimeInForce.DAY, "prefix": "L-"}
PRICES = {Side.BUY: Decimal(10), Side.SELL: Decimal(9)}


def test_a_long_load_leaves_little_behind() -> None:
    ledger = Ledger()
    ledger.expect(BulkOrders(count=5000, prices=PRICES, **BULK))
    for number in range(5000):
        name = f"L-{number}B"
        lawful = number % 5
        fill = trade(f"F{number}", 10, 10 if lawful else 9)
        ledger.take(replace(said(E.NEW, S.NEW), client_order_id=name))
        ledger.take(replace(fill, client_order_id=name, status=S.FILLED))
        ledger.take(replace(said(E.NEW, S.NEW), client_order_id=f"stranger-{number}"))
    assert len(ledger.entries) == MOST_EVIDENCE
    assert len(ledger.foreign) <= MOST_FOREIGN
    assert ledger.position("execution", "X") == 50_000
    assert sum(breach.law == "quantities" for breach in ledger.breaches) == 1000


def test_an_order_of_a_load_may_work_on_after_a_bust() -> None:
    ledger = Ledger()
    ledger.expect(BulkOrders(count=5, prices=PRICES, **BULK))
    bust = said(E.TRADE_CANCEL, S.PARTIALLY_FILLED, 4, exec_id="B", exec_ref_id="2", last_qty=Decimal(6))
    life = [trade("1", 4, 4), trade("2", 6, 10), bust]
    for update in life:
        ledger.take(replace(update, client_order_id="L-1B"))
    assert ledger.position("execution", "X") == 4
    assert len(ledger.working()) == 1
    ledger.take(replace(trade("3", 6, 10), client_order_id="L-1B"))
    assert (ledger.position("execution", "X"), ledger.breaches, ledger.entries) == (10, [], {})
