"""Renders a report as Markdown for a pull request: short enough for a comment, safe for any text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from certify import resources
from certify.report import words
from certify.report.views import ReportView

LIMIT_BYTES = 60_000
"""A comment may have 65,536 characters; some are left for what is written around it."""


class Raw(str):
    """Markdown that is meant as such and not escaped again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of a report is shown before it points to the page instead."""

    problems: int
    rows: int
    """Rows of any one table or list."""
    text: int
    """Characters of any one text."""
    passed: bool
    """Whether passed checks are listed."""


BUDGETS = (
    Budget(problems=40, rows=400, text=1000, passed=True),
    Budget(problems=25, rows=120, text=400, passed=True),
    Budget(problems=15, rows=60, text=240, passed=False),
    Budget(problems=8, rows=20, text=120, passed=False),
    Budget(problems=4, rows=8, text=60, passed=False),
)


def render_markdown(view: ReportView) -> str:
    """Return the report as GitHub-flavoured Markdown of less than 60 kB, cut where it says so."""
    for budget in BUDGETS:
        text = _rendered(view, budget)
        if len(text.encode()) < LIMIT_BYTES:
            return text
    return _cut(text)


def _cut(text: str) -> str:
    """Cut at the end of a line, the last resort; what is left open is closed."""
    kept = text.encode()[: LIMIT_BYTES - 400].decode(errors="ignore").rpartition("\n")[0]
    open_details = kept.count("<details>") - kept.count("</details>")
    return kept + "\n\n**Cut here: the whole report is in report.html.**\n" + "\n</details>\n" * open_details


def _rendered(view: ReportView, budget: Budget) -> str:
    import jinja2

    def shown(value: Any) -> Any:
        return (
            value
            if isinstance(value, Raw) or not isinstance(value, str)
            else escape(words.short(value, budget.text))
        )

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates_dir() / "report"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML: `finalize` escapes whatever is not Raw
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = lambda text: code(words.short(text, budget.text))
    environment.filters["raw"] = Raw
    environment.filters["oneline"] = lambda text: Raw(" ".join(text.split()))
    text = environment.get_template("report.md").render(report=view, budget=budget)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$^])")
_START = re.compile(r"^(\s*)([-+#=>]|\d{1,9}(?=[.)]))")


def escape(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, in one line: no markup, link or mention."""
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    text = re.sub(r"([@#])(?=\w)", "\\1\u200b", text)  # no mention, no reference to an issue
    text = text.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
    return _START.sub(lambda found: f"{found[1]}\\{found[2]}" if not found[2].isdigit() else found[0], text)


def code(text: str) -> Raw:
    """Return `text` as a code span that it cannot end, fit for a table cell."""
    text = " ".join(text.split()).replace("|", "\\|")
    if not text:
        return Raw("")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Raw(f"{fence}{pad}{text}{pad}{fence}")
