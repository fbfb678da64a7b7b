"""The table of codes: texts that can be written, and what they mean for an order."""

from __future__ import annotations

import string

import pytest

from certify.gateway.wire.codes import CODES, CodeKind, Severity, code_text, order_meaning


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_text_can_be_written_with_and_without_its_parts(code):
    known = CODES[code]
    places = [name for _, name, _, _ in string.Formatter().parse(known.text) if name]
    assert known.code == code
    assert "{" not in known.render()
    written = known.render(**{name: f"<{name}>" for name in places})
    assert all(f"<{name}>" in written for name in places)
    assert known.text.isascii()


def test_what_is_said_replaces_what_is_usual():
    assert code_text(2103) == "Market data farm connection is broken:usfarm"
    assert code_text(2103, farm="eufarm") == "Market data farm connection is broken:eufarm"
    assert code_text(201, reason="{no} money") == "Order rejected - reason:{no} money"
    assert code_text(202) == "Order Canceled - reason:"
    assert code_text(100, received=108).endswith("max=50 rec=108")
    assert code_text(777777, reason="as told") == "as told"


@pytest.mark.parametrize(
    "code", [399, 404, 2109, 2137, 2161, 10311, 10349, 104, 105, 161, 10148, 10147, 10167, 777777]
)
def test_what_clients_take_for_an_end_is_none(code):
    assert order_meaning(code) is CodeKind.ORDER_LIVES


@pytest.mark.parametrize("code", [103, 110, 200, 201, 321, 329, 434, 10268])
def test_a_refusal_is_one(code):
    assert order_meaning(code) is CodeKind.ORDER_REJECT


def test_only_a_cancel_is_an_end():
    assert [code for code in CODES if order_meaning(code) is CodeKind.ORDER_DEAD] == [202]


@pytest.mark.parametrize("code", [2103, 2104, 2105, 2106, 2107, 2108, 2119, 2157, 2158])
def test_farms_are_notices(code):
    assert CODES[code].kind is CodeKind.NOTICE
    assert (CODES[code].severity is Severity.WARNING) == ("broken" in CODES[code].text)


def test_the_link_s_codes_are_told_apart():
    assert {
        code for code in (100, 326, 504, 1100, 1101, 1102, 1300) if CODES[code].kind is CodeKind.CONNECTION
    } == {
        100,
        326,
        504,
        1100,
        1101,
        1102,
        1300,
    }
