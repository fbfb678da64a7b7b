"""What the ledger takes for lawful: refused repeats, late acknowledgements, accounts left behind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Side
from certify.phases.ledger import Ledger

ORDER = Order("A", "X", Side.BUY, Decimal(2), price=Decimal(10))


def said(
    kind: ExecType, status: OrdStatus, cum: int = 0, last: int = 0, exec_id: str | None = None
) -> OrderUpdate:
    return OrderUpdate(
        client_order_id="A",
        instrument="X",
        exec_type=kind,
        status=status,
        side=Side.BUY,
        qty=Decimal(2),
        price=Decimal(10),
        last_qty=Decimal(last),
        last_px=Decimal(10) if last else None,
        cum_qty=Decimal(cum),
        leaves_qty=Decimal(0) if status.terminal else Decimal(2 - cum),
        exec_id=exec_id,
    )


NEW = said(ExecType.NEW, OrdStatus.NEW)
PART = said(ExecType.TRADE, OrdStatus.PARTIALLY_FILLED, cum=1, last=1, exec_id="1")
REST = said(ExecType.TRADE, OrdStatus.FILLED, cum=2, last=1, exec_id="2")
CANCELED = said(ExecType.CANCELED, OrdStatus.CANCELED)
REJECTED = said(ExecType.REJECTED, OrdStatus.REJECTED)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.sent("execution", ORDER)
    return ledger


def laws(ledger: Ledger, *updates: OrderUpdate) -> list[str]:
    for update in updates:
        ledger.take(update)
    return [breach.law for breach in ledger.breaches]


@pytest.mark.parametrize("before", [(NEW,), (NEW, PART), (NEW, CANCELED)])
def test_the_refusal_of_an_id_sent_again_is_not_the_end_of_the_first_order(
    ledger: Ledger, before: tuple[OrderUpdate, ...]
) -> None:
    laws(ledger, *before)
    status = ledger.entries["A"].status
    ledger.sent("execution", ORDER)
    assert laws(ledger, REJECTED) == []
    assert ledger.entries["A"].status is status
    assert ledger.entries["A"].updates[-1] is REJECTED


def test_only_one_refusal_answers_one_repeat(ledger: Ledger) -> None:
    laws(ledger, NEW)
    ledger.sent("execution", ORDER)
    assert laws(ledger, REJECTED, REJECTED) == ["transitions"]


def test_a_first_acknowledgement_may_be_overtaken_by_fills(ledger: Ledger) -> None:
    assert laws(ledger, PART, NEW, REST) == []
    assert ledger.entries["A"].status is OrdStatus.FILLED


def test_a_second_acknowledgement_after_a_fill_is_a_step_back(ledger: Ledger) -> None:
    assert "transitions" in laws(ledger, NEW, PART, NEW)


def test_an_acknowledgement_after_a_cancel_is_never_lawful(ledger: Ledger) -> None:
    assert laws(ledger, CANCELED, NEW) == ["one_terminal"]


def test_positions_count_from_zero_on_a_fresh_account(ledger: Ledger) -> None:
    laws(ledger, NEW, PART)
    ledger.leave_account("execution")
    assert ledger.position("execution", "X") == 0
    laws(ledger, REST)
    assert ledger.position("execution", "X") == 1


def test_a_fresh_system_has_left_nothing_behind(ledger: Ledger) -> None:
    laws(ledger, NEW, PART, REST)
    ledger.leave_account("execution")
    ledger.forget(["execution"])
    ledger.sent("execution", ORDER)
    laws(ledger, NEW, PART)
    assert ledger.position("execution", "X") == 1
