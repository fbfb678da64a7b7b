"""Renders a run directory in a format, or writes every report into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from certify.errors import UsageError
from certify.evidence.files import write_bytes
from certify.model.card import CheckCard
from certify.report.build import view
from certify.report.files import load_run
from certify.report.html_page import render_html
from certify.report.junit import render_junit
from certify.report.markdown import render_markdown
from certify.report.programs import render_json, render_prometheus
from certify.report.views import ReportView

Render = Callable[[ReportView], str]

RENDERERS: Mapping[str, Render] = {
    "markdown": render_markdown,
    "html": render_html,
    "junit": render_junit,
    "prometheus": render_prometheus,
}

FILES: Mapping[str, str] = {
    "markdown": "report.md",
    "html": "report.html",
    "junit": "junit.xml",
    "prometheus": "metrics.prom",
}
"""Format → its file in the run directory; JSON is rendered on request only."""

FORMATS = (*RENDERERS, "json")

CHARTS_DIR = "charts"


def render(run_dir: Path, format: str, cards: Mapping[str, CheckCard]) -> str:  # noqa: A002 - the option's name
    """Return the report on a run directory in one of `FORMATS`.

    Raises:
        UsageError: there is no such format.
        EvidenceError: the directory is not that of a finished run, or is damaged.
    """
    if format not in FORMATS:
        raise UsageError(f"expected a format of {', '.join(FORMATS)}, was {format!r}")
    files = load_run(run_dir)
    return render_json(files) if format == "json" else RENDERERS[format](view(files, cards))


def write_all(run_dir: Path, cards: Mapping[str, CheckCard]) -> list[Path]:
    """Write every report and the charts as PNG into the run directory; return what was written.

    Each file is written whole and renamed: a reader never sees half of one.
    """
    from certify.report import draw

    shown = view(load_run(run_dir), cards)
    written = [_put(run_dir / FILES[name], make(shown).encode()) for name, make in RENDERERS.items()]
    charts = shown.load.charts if shown.load else ()
    return written + [_put(run_dir / CHARTS_DIR / f"{chart.id}.png", draw.png(chart)) for chart in charts]


def _put(path: Path, content: bytes) -> Path:
    write_bytes(path, content)
    return path
