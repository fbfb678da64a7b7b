"""What is encoded is decoded to the same value, and nothing else is taken for one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.model import codec, trading
from certify.model.events import EVENT_TYPES, Observed
from certify.model.trading import OrderUpdate
from tests.laws.conftest import QuickRun

KNOWN = codec.registry(*EVENT_TYPES)
VALUES = [
    item
    for item in vars(trading).values()
    if isinstance(item, type) and hasattr(item, "__dataclass_fields__")
]
numbers = st.decimals(allow_nan=False, allow_infinity=False)
texts = st.text()
st.register_type_strategy(Decimal, numbers)


@given(st.one_of([st.from_type(kind) for kind in VALUES]))
def test_every_value_of_the_vocabulary_comes_back_exactly(value: Any) -> None:
    data = json.loads(json.dumps(codec.encode(value)))
    again = codec.decode(type(value), data)
    assert again == value
    assert repr(again) == repr(value)  # 1.0 is not 1.00, and 1 is not True
    untagged = json.loads(json.dumps(codec.encode(value, tag=False)))
    assert codec.encode(codec.decode(type(value), untagged)) == data


def test_every_event_of_a_real_run_comes_back(quick: QuickRun) -> None:
    assert any(isinstance(event, Observed) for event in quick.journal)
    for event in quick.journal:
        assert codec.decode_tagged(KNOWN, codec.encode(event)) == event


GOOD = codec.encode(
    OrderUpdate("a", "X", trading.ExecType.NEW, trading.OrdStatus.NEW, trading.Side.BUY, Decimal(1))
)


@pytest.mark.parametrize(
    "damage",
    [
        {"unknown": 1},
        {"@type": "Quote"},
        {"side": "SIDEWAYS"},
        {"side": ["BUY"]},
        {"qty": "many"},
        {"qty": None},
        {"client_order_id": 7},
        {"client_order_id": None},
        {"ts_event_ns": "1"},
        {"ts_event_ns": True},
    ],
    ids=str,
)
def test_what_is_no_encoded_value_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|not a valid"):
        codec.decode(OrderUpdate, {**GOOD, **damage})
    untagged = {key: value for key, value in {**GOOD, **damage}.items() if key != "@type"}
    if "@type" not in damage:
        with pytest.raises(ValueError, match=r"expected|not a valid"):
            codec.decode(OrderUpdate, untagged)


def test_a_field_that_is_missing_has_its_default_or_is_refused() -> None:
    short = {
        key: GOOD[key] for key in ("client_order_id", "instrument", "exec_type", "status", "side", "qty")
    }
    assert codec.decode(OrderUpdate, short) == codec.decode(OrderUpdate, GOOD)
    for key in short:
        with pytest.raises(ValueError, match="expected"):
            codec.decode(OrderUpdate, {name: value for name, value in short.items() if name != key})


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be put on the wire: object"):
        codec.encode({"a": [object()]})
