"""Markdown: fits a comment, starts with what matters, and no text breaks out of its place."""

from __future__ import annotations

import html
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from certify import report
from certify.report.markdown import LIMIT_BYTES, code, escape

CODE = r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)"

OURS = {
    "## Why",
    "## Conditions",
    "## What failed, and what to do",
    "## What could not be measured",
    "## What was not tested",
    "## Scores",
    "## Phases and components",
    "## Load",
    "## Waivers",
    "## Details",
    "## How to check this report",
}


def test_it_fits_a_comment(views, name):
    assert 500 < len(report.render_markdown(views[name]).encode()) < LIMIT_BYTES


def test_the_first_line_says_what_it_is(views):
    first = report.render_markdown(views["critical_fails"]).splitlines()[0]
    assert first == "# SIMULATED · ✖ NOT CERTIFIED: acme-trading 2026.1.4+g4be1c0d"


def test_only_our_headings_are_headings(views, name):
    text = report.render_markdown(views[name])
    headings = [line for line in text.splitlines() if re.match(r"#{1,6} ", line)]
    assert headings[0].startswith("# SIMULATED")
    assert {line for line in headings[1:] if line.startswith("## ")} <= OURS
    assert [line for line in headings[1:] if not line.startswith(("## ", "#### "))] == []


def test_no_markup_of_a_stranger_is_left(views):
    text = report.render_markdown(views["hostile"])
    outside_code = re.sub(CODE, "", text)
    tags = set(re.findall(r"</?[a-z!][^>\s]*", outside_code))
    assert tags <= {"<details", "</details", "<summary", "</summary"}
    assert not re.search(r"(?<!\\)\]\(|@everyone|#12|http://|www\.evil", outside_code)


def test_details_are_closed(views, name):
    text = re.sub(CODE, "", report.render_markdown(views[name]))
    assert text.count("<details>") == text.count("</details>")


def test_every_row_has_the_cells_of_its_table(views, name):
    lines = report.render_markdown(views[name]).splitlines()
    for above, rule in pairwise(lines):
        if re.fullmatch(r"\|( -+:? \|)+", rule):
            columns = cells(rule)
            assert cells(above) == columns
            for row in lines[lines.index(above) + 2 :]:
                if not row.startswith("|"):
                    break
                assert cells(row) == columns, row


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1


def test_what_was_cut_is_said(views):
    text = report.render_markdown(views["many"])
    assert re.search(r"… and \d+ more failed checks in report.html", text)


@given(st.text())
def test_escaped_text_has_no_live_markup(text):
    shown = escape(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]|~]", shown)
    assert not re.match(r"[-+#>=]", shown)


@given(st.text(alphabet="`| ab\\\n"))
def test_a_code_span_cannot_be_ended_from_inside(text):
    span = code(text)
    if span:
        fence = re.match(r"`+", span).group()
        inner = span[len(fence) : -len(fence)]
        assert span.endswith(fence)
        assert fence not in re.findall(r"`+", inner)
        assert not re.search(r"(?<!\\)\|", inner)


@given(st.text())
def test_escaped_text_reads_as_it_was(text):
    """Undo what a Markdown renderer undoes, and the breaks that nobody sees."""
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escape(text.replace("\u200b", "")))
    assert html.unescape(shown).replace("\u200b", "") == " ".join(text.replace("\u200b", "").split())
