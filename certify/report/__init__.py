"""Reports on a run, made from its directory alone: Markdown, HTML, JUnit, JSON, Prometheus.

One view of the evidence holds every sentence and figure; the renderers only set it. Rendering
twice gives the same bytes: nothing here reads a clock, a random number or the machine.
"""

from certify.report.build import view
from certify.report.files import RunFiles, load_run
from certify.report.html_page import render_html
from certify.report.junit import render_junit
from certify.report.markdown import render_markdown
from certify.report.programs import render_json, render_prometheus
from certify.report.views import ReportView
from certify.report.words import mask
from certify.report.write import FORMATS, render, write_all

__all__ = [
    "FORMATS",
    "ReportView",
    "RunFiles",
    "load_run",
    "mask",
    "render",
    "render_html",
    "render_json",
    "render_junit",
    "render_markdown",
    "render_prometheus",
    "view",
    "write_all",
]
