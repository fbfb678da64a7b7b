"""Order ids, permIds and execution ids."""

from __future__ import annotations

import re

import pytest

from certify.gateway.orders.numbers import Numbers, correction_id, same_execution
from certify.gateway.orders.refusals import ib_code, words
from certify.venue import Code


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    def drawn(seed: int) -> list[object]:
        numbers = Numbers(seed)
        return [
            numbers.next_perm_id(),
            numbers.next_exec_id(),
            numbers.next_perm_id(),
            numbers.next_exec_id(),
        ]

    assert drawn(1) == drawn(1)
    assert not set(drawn(1)) & set(drawn(2))


def test_a_perm_id_fits_a_signed_32_bit_integer_and_is_never_given_twice():
    numbers = Numbers(7)
    given = [numbers.next_perm_id() for _ in range(1000)]
    assert len(set(given)) == 1000
    assert all(0 < perm_id < 2**31 for perm_id in given)


def test_execution_ids_have_ibs_form_and_a_correction_differs_after_the_last_period_only():
    exec_id = Numbers(3).next_exec_id()
    assert re.fullmatch(r"[0-9a-f]{8}\.[0-9a-f]{8}\.01\.01", exec_id)
    corrected = correction_id(exec_id)
    assert corrected == exec_id[:-2] + "02"
    assert correction_id(corrected).endswith(".03")
    assert same_execution(exec_id, corrected)
    assert not same_execution(exec_id, Numbers(4).next_exec_id())


def test_the_next_order_id_is_above_every_one_that_this_client_used():
    numbers = Numbers()
    assert numbers.next_order_id(1) == 1
    numbers.use(1, 40)
    numbers.use(1, 12)
    assert numbers.next_order_id(1) == 41
    assert numbers.used(1, 12)
    assert numbers.used(1, 30)
    assert not numbers.used(1, 41)
    assert numbers.next_order_id(2) == 1


def test_orders_entered_by_hand_have_ids_below_zero_and_leave_the_others_alone():
    numbers = Numbers()
    assert [numbers.next_manual_order_id(0) for _ in range(3)] == [-1, -2, -3]
    assert numbers.next_order_id(0) == 1


@pytest.mark.parametrize("code", list(Code))
def test_every_code_of_the_venue_has_words_of_its_own(code):
    text = words(code.value, "because ≥ 3")
    assert text.isascii()
    assert text.startswith(words(code.value))
    assert sum(words(other.value) == words(code.value) for other in Code) == 1
    assert ib_code(code.value) in {103, 110, 200, 201}
