"""Orders of a load in the ledger: known by rule, judged by every law, forgotten when they have ended."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from certify.model.trading import ExecType, OrderUpdate, OrdStatus, Side, TimeInForce
from certify.phases.bulk import BulkOrders
from certify.phases.ledger import Ledger

ONE = Decimal(1)


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    prices = {Side.BUY: Decimal(10), Side.SELL: Decimal(9)}
    made.expect(
        BulkOrders(
            port="execution", prefix="T-L1-", count=1000, instrument="X", qty=ONE, prices=prices,
            tif=TimeInForce.IOC,
        )
    )  # fmt: skip
    return made


def new(number: int, side: Side = Side.BUY) -> OrderUpdate:
    price = Decimal(10) if side is Side.BUY else Decimal(9)
    return OrderUpdate(
        f"T-L1-{number}{side.value[0]}", "X", ExecType.NEW, OrdStatus.NEW, side, ONE, price, leaves_qty=ONE
    )


def fill(number: int, side: Side = Side.BUY) -> OrderUpdate:
    return replace(
        new(number, side), exec_type=ExecType.TRADE, status=OrdStatus.FILLED, last_qty=ONE,
        last_px=Decimal("9.5"),
        cum_qty=ONE, leaves_qty=Decimal(0), avg_px=Decimal("9.5"), exec_id=f"E{number}",
    )  # fmt: skip


def test_lawful_orders_leave_their_sum_and_nothing_else(ledger: Ledger) -> None:
    for number in range(1000):
        side = Side.BUY if number % 3 else Side.SELL
        assert ledger.take(new(number, side)) == ledger.take(fill(number, side)) == []
    assert ledger.entries == {}
    assert ledger.foreign == []
    assert ledger.bulks[0].ended_count == 1000
    assert ledger.position("execution", "X") == 666 - 334
    assert ledger.position("broker", "X") == 0


@pytest.mark.parametrize("again", [fill(1), new(1), replace(fill(1), exec_id="other")])
def test_what_follows_the_end_is_caught_though_the_order_is_forgotten(
    ledger: Ledger, again: OrderUpdate
) -> None:
    ledger.take(fill(1))
    assert [breach.law for breach in ledger.take(again)] == ["one_terminal"]


def test_a_bust_after_the_end_is_lawful_and_takes_the_fill_back(ledger: Ledger) -> None:
    ledger.take(fill(1))
    bust = replace(fill(1), exec_type=ExecType.TRADE_CANCEL, exec_id="B1", exec_ref_id="E1")
    assert ledger.take(bust) == []
    assert ledger.position("execution", "X") == 0


def test_terms_and_prices_are_held_to_the_rule(ledger: Ledger) -> None:
    assert [b.law for b in ledger.take(replace(new(1), price=Decimal(11)))] == ["terms"]
    assert [b.law for b in ledger.take(replace(fill(2), last_px=Decimal(11), avg_px=Decimal(11)))] == [
        "prices"
    ]
    assert set(ledger.entries) == {"T-L1-1B", "T-L1-2B"}  # what broke a law is kept as evidence


@pytest.mark.parametrize("name", ["T-L1-1000B", "T-L1-xB", "T-L1-5", "T-L2-5B", "T-L1-5Q"])
def test_an_order_that_was_not_planned_is_nobodys(ledger: Ledger, name: str) -> None:
    assert [b.law for b in ledger.take(replace(new(1), client_order_id=name))] == ["known"]
