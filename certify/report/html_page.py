"""Renders a report as one HTML file that asks the network for nothing."""

from __future__ import annotations

from certify import resources
from certify.report import draw
from certify.report.views import ReportView

SHOWN_PROBLEMS = 12
"""How many checks are told in full at the top; every one has its row below."""


def render_html(view: ReportView) -> str:
    """Return the report as a self-contained page: no script, no request, light and dark."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates_dir() / "report"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    charts = view.load.charts if view.load else ()
    # Escaped by matplotlib itself, so it may go into the page as it is.
    drawings = {chart.id: Markup(draw.svg(chart)) for chart in charts}  # noqa: S704
    page = environment.get_template("report.html")
    return page.render(report=view, drawings=drawings, shown=SHOWN_PROBLEMS).lstrip()
