"""The short way over the pipe gives back exactly what went in; what departs goes the long way."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.adapter import rows
from certify.adapter.outbox import frames_of
from certify.adapter.wire import HEADER
from certify.model.trading import ExecType, OrderUpdate, OrdStatus, Quote, Side, Trade

numbers = st.decimals(allow_nan=False, allow_infinity=False)
texts = st.one_of(st.none(), st.text(max_size=8))
updates = st.builds(
    OrderUpdate,
    client_order_id=st.text(max_size=8), instrument=st.text(max_size=8), exec_type=st.sampled_from(ExecType),
    status=st.sampled_from(OrdStatus), side=st.sampled_from(Side), qty=numbers, price=st.none() | numbers,
    last_qty=numbers, avg_px=st.none() | numbers, exec_id=texts, reason=texts,
    ts_event_ns=st.none() | st.integers(),
)  # fmt: skip
quotes = st.builds(Quote, st.text(max_size=8), numbers, numbers, st.none() | numbers, numbers, st.integers())


def through(event: object) -> object:
    row = rows.to_row(7, event)
    assert row is not None
    name, stamp, values = json.loads(rows.rows_body([row]))["rows"][0]
    assert stamp == 7
    return rows.from_row(name, values)


@given(st.one_of(updates, quotes))
def test_there_and_back(event: object) -> None:
    found = through(event)
    assert found == event
    assert type(found) is type(event)
    for field in fields(found):  # type: ignore[arg-type]
        assert type(getattr(found, field.name)) is type(getattr(event, field.name))


QUOTE = Quote("X", Decimal(1), Decimal(2), Decimal(3), Decimal(4), 5)


@pytest.mark.parametrize(
    "wrong", [{"bid": 1.5}, {"ts_event_ns": 5.0}, {"seq": True}, {"bid": "1"}, {"venue": 3}]
)
def test_what_departs_from_the_types_goes_the_long_way(wrong: dict[str, object]) -> None:
    assert rows.to_row(0, replace(QUOTE, **wrong)) is None
    assert rows.to_row(0, "no event") is None


@pytest.mark.parametrize(
    ("name", "row"), [("Nothing", []), ("Quote", [1]), ("Trade", ["X", "one", "1", 1, *[None] * 6])]
)
def test_nonsense_is_a_value_error(name: str, row: list[object]) -> None:
    with pytest.raises(ValueError, match=r"expected|unknown"):
        rows.from_row(name, row)


def test_events_share_a_frame_and_keep_their_place_among_answers() -> None:
    trade = Trade("X", Decimal(1), Decimal(1), 1)
    batch = [
        ("event", 1, QUOTE),
        ("event", 2, trade),
        ("answer", 1, None),
        ("event", 3, QUOTE),
        ("event", 4, "?"),
    ]
    bodies = [json.loads(frame[HEADER.size :]) for frame in frames_of(batch)]
    assert [len(body["rows"]) if "rows" in body else min(body) for body in bodies] == [
        2,
        "breaches",
        1,
        "breach",
    ]
