"""The page: one file, well formed, no request, readable by everyone, and no text breaks out."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from certify import resources

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if data.strip() and self.open and self.open[-1] not in ("style", "title"):
            self.words.append((self.open[-1], data.strip()))


@pytest.fixture
def page(pages, name) -> Page:
    return Page(pages(name))


def test_it_is_well_formed(page):
    assert (page.wrong, page.open) == ([], [])


def test_ids_are_unique_and_every_link_leads_somewhere_on_the_page(page):
    ids = Counter(attrs["id"] for _, attrs in page.tags if "id" in attrs)
    assert [one for one, times in ids.items() if times > 1] == []
    targets = {attrs["href"] for _, attrs in page.tags if attrs.get("href")}
    assert {target for target in targets if target.removeprefix("#") not in ids} == set()
    described = {one for _, attrs in page.tags for one in (attrs.get("aria-labelledby") or "").split()}
    assert described <= set(ids)


def test_it_asks_the_network_for_nothing_and_runs_nothing(page, pages, name):
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") or key == "src" for key in attrs)]
    assert "@import" not in pages(name)
    assert not re.search(r"url\((?!#)", pages(name))
    assert pages(name).count("<style>") == 1


def test_the_first_words_say_what_it_was_measured_on_and_the_grade(page, views, name):
    spoken = [text for tag, text in page.words if tag != "a"]
    assert spoken[0] == "SIMULATED"
    assert [text for tag, text in page.words if tag == "h1"] == [views[name].grade.words]


def test_tables_have_headers_with_a_scope(page):
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.tags if tag == "th")
    assert sum(tag == "table" for tag, _ in page.tags) <= sum(tag == "thead" for tag, _ in page.tags)


def test_headings_leave_no_level_out(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_hostile_text_is_text(pages, hostile_texts):
    page = Page(pages("hostile"))
    said = " ".join(text for _, text in page.words)
    assert "<script>alert(1)</script>" in said
    assert "{{ 7*7 }} {% for x in y %}" in said
    assert "</details></table><h1>owned" in said
    assert "hunter2" not in pages("hostile")


def test_every_outcome_is_shown_by_sign_and_word(pages):
    marks = re.findall(
        r'<span class="mark (\w+)"><b aria-hidden="true">(.)</b>([^<]+)</span>', pages("inconclusive")
    )
    assert {("passed", "✓", "passed"), ("inconclusive", "?", "inconclusive"), ("error", "!", "error")} <= set(
        marks
    )


def test_every_chart_has_its_drawing_finding_and_table(pages, views):
    html = pages("critical_fails")
    for chart in views["critical_fails"].load.charts:
        figure = html[html.index(f'id="chart-{chart.id}"') :].partition("</figure>")[0]
        assert "<svg" in figure
        assert f'id="finding-{chart.id}"' in figure
        assert "<table" in figure


def test_drawings_take_the_colours_of_the_page(pages):
    html = pages("critical_fails")
    drawings = re.findall(r"<svg .*?</svg>", html[html.index('class="charts"') :], flags=re.DOTALL)
    assert len(drawings) == 8
    for drawing in drawings:
        assert set(re.findall(r"#[0-9a-f]{6}\b", drawing)) == set()
        assert "var(--chart-ink)" in drawing or "var(--chart-faint)" in drawing
        assert "http" not in drawing


def themes() -> dict[str, dict[str, str]]:
    css = (resources.templates_dir() / "report" / "report.css").read_text(encoding="utf-8")
    roots = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    colours = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})\b", root)) for root in roots]
    return dict(zip(("light", "dark", "print"), colours, strict=True))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_can_be_read(theme):
    """WCAG 2.2 AA, 1.4.3: text has a contrast of at least 4.5."""
    colours = themes()[theme]
    pairs = [(ink, back) for ink in ("ink", "soft", "link") for back in ("page", "sheet", "wash")]
    pairs += [(tone, back) for tone in ("good", "bad", "warn", "odd", "mute") for back in ("page", "sheet")]
    pairs += [(tone, f"{tone}-wash") for tone in ("good", "bad", "warn", "odd", "mute")]
    pairs += [(ink, "sheet") for ink in ("chart-ink", "chart-faint", "chart-limit")]
    assert {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs
            if contrast(colours[pair[0]], colours[pair[1]]) < 4.5} == {}  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_can_be_told_from_its_ground(theme):
    """WCAG 2.2 AA, 1.4.11: graphics have a contrast of at least 3."""
    colours = themes()[theme]
    for name in ("chart-first", "chart-third", "chart-limit"):
        assert contrast(colours[name], colours["sheet"]) >= 3
