"""Frames in any pieces, and garbage of every kind: only the two errors of the wire, in bounded memory."""

from __future__ import annotations

import math
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certify.gateway.wire.fields import MAX_FIELDS, Fields, decimal_of, integer_of, is_set
from certify.gateway.wire.frames import Deframer, FrameError, WireError, escaped, frame, number
from certify.gateway.wire.requests import Request, parse_request

MIB = 1024 * 1024


@given(st.lists(st.binary(max_size=50), max_size=10), st.data())
def test_frames_come_back_whatever_pieces_they_travel_in(payloads, data):
    stream = b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)
    deframer, found, at = Deframer(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, 20))
        found += deframer.feed(stream[at : at + size])
        at += size
    assert found == payloads
    assert deframer.pending_bytes == 0


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_garbage_is_frames_or_a_frame_error(pieces):
    deframer = Deframer(max_payload=64)
    for piece in pieces:
        try:
            payloads = deframer.feed(piece)
        except FrameError:
            with pytest.raises(FrameError):
                deframer.feed(b"")
            return
        assert all(len(payload) <= 64 for payload in payloads)
        assert deframer.pending_bytes < 64 + 4


def test_a_frame_too_long_is_refused_by_its_length_alone():
    deframer = Deframer()
    with pytest.raises(FrameError, match="4294967295 bytes") as raised:
        deframer.feed(frame(49, 1) + b"\xff\xff\xff\xff" + b"x" * 1000)
    assert raised.value.complete == (b"49\x001\x00",)
    assert deframer.pending_bytes == 0


def test_the_longest_frame_is_read():
    payload = b"x" * MIB
    deframer = Deframer()
    assert deframer.feed(MIB.to_bytes(4, "big") + payload[:-1]) == []
    assert deframer.feed(payload[-1:]) == [payload]


ORDERS = st.lists(
    st.text(max_size=5) | st.sampled_from(["", "0", "1", "2147483647", "Infinite", "BAG"]), max_size=140
)


def _parsed(payload: bytes, version: int) -> Request | WireError:
    """Parse, letting only the wire's own error pass."""
    try:
        return parse_request(payload, version)
    except WireError as error:
        return error


@given(st.binary(max_size=300), st.integers(157, 178))
def test_any_bytes_are_a_request_or_a_wire_error(payload, version):
    assert isinstance(_parsed(payload, version), Request | WireError)


@given(st.integers(-2, 110), ORDERS, st.integers(157, 178))
@example(3, ["1", "9" * 100], 176)
@example(3, ["1", "-"], 176)
@example(1, ["11", "5", "0", "", "BAG", *([""] * 9), "9" * 15], 176)
@example(52, ["2", "\u0663"], 176)
def test_any_texts_are_a_request_or_a_wire_error(message_id, texts, version):
    payload = "\0".join([str(message_id), *texts, ""]).encode(errors="surrogatepass")
    outcome = _parsed(payload, version)
    assert isinstance(outcome, Request) or outcome.message_id in {message_id, 0}


@pytest.mark.parametrize("payload", [b"\0" * MIB, b"20\0" + b"1\0" * (MIB // 2), b"9" * (MIB - 1) + b"\0"])
def test_a_hostile_message_costs_no_more_than_a_few_times_its_size(payload):
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            parse_request(payload, 176)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * MIB


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_a_number_is_plain_and_exact(value):
    text = number(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert text != "-0"
    assert ("." in text) == (value != value.to_integral_value())


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (7, "7"),
        (10.0, "10"),
        (1e-7, "0.0000001"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, ""),
        (Decimal("10.00"), "10"),
        (Decimal("-0.0"), "0"),
        (Decimal("1E+3"), "1000"),
        ("café \\", "caf\\u00e9 \\"),
    ],
)
def test_fields_are_written_as_clients_read_them(field, text):
    assert frame(field) == (len(text) + 1).to_bytes(4, "big") + text.encode() + b"\0"


@given(st.text())
def test_escaping_loses_nothing_and_leaves_ascii(text):
    sent = escaped(text)
    assert sent.isascii()
    if "\\" not in text:
        back = sent.encode().decode("unicode-escape")
        assert back.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


def test_a_nul_inside_a_text_is_refused():
    with pytest.raises(WireError, match="NUL"):
        frame(4, "a\0b")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("1.7976931348623157e+308", None),
        ("1.7976931348623157E308", None),
        ("2147483647", None),
        ("9223372036854775807", None),
        ("170141183460469231731687303715884105727", None),
        ("Infinite", Decimal("Infinity")),
        ("Infinity", Decimal("Infinity")),
        ("-0.5", Decimal("-0.5")),
        ("1e-05", Decimal("0.00001")),
    ],
)
def test_numbers_are_read_in_every_client_s_way(text, value):
    assert decimal_of(text) == value
    assert is_set(text) is (value is not None)


@pytest.mark.parametrize(
    "text", ["x", "nan", "-Infinity", "1_000", "1e400", "1e-40", "1" * 65, "1\u0663", "True"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(WireError):
        decimal_of(text)


@pytest.mark.parametrize("text", ["x", "1.0", "-", "+", "1_0", " 1", "9" * 20, "\u0663", "true"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(WireError):
        integer_of(text)


def test_a_cursor_reads_texts_in_order():
    fields = Fields(frame("a", 5, "1.5", 1, "", "r", "s")[4:])
    assert (fields.text(), fields.request_id(), fields.decimal()) == ("a", 5, Decimal("1.5"))
    assert (fields.boolean(), fields.integer(9), fields.at_end) == (True, 9, False)
    assert fields.req_id == 5
    assert (fields.rest(), fields.at_end) == (["r", "s"], True)
    with pytest.raises(WireError, match="too early"):
        fields.text()


@pytest.mark.parametrize(
    ("payload", "says"),
    [(b"", "NUL"), (b"1", "NUL"), (b"\xff\0", "UTF-8"), (b"\0" * (MAX_FIELDS + 1), "fields")],
)
def test_what_is_no_list_of_texts_is_refused(payload, says):
    with pytest.raises(WireError, match=says):
        Fields(payload)


@pytest.mark.parametrize("announced", ["-1", "3", "99999999"])
def test_more_rows_than_there_are_is_refused(announced):
    fields = Fields(frame(announced, "a", "b", "c", "d")[4:])
    with pytest.raises(WireError, match="rows"):
        fields.count(2)
