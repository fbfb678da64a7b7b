"""Draws charts with matplotlib: as SVG that takes the colours of the page, and as PNG."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certify.report.views import ChartView, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN = 5.4, 3.1
PNG_DPI = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of a chart. In an SVG they are markers that the page's own colours replace."""

    ink: str
    faint: str
    grid: str
    first: str
    second: str
    third: str
    limit: str
    back: str
    sheet: str
    """Behind the text of a limit, so that it can be read over a bar."""


PAPER = Palette(
    ink="#1c2430",
    faint="#5b6573",
    grid="#d9dee5",
    first="#1f5fbf",
    second="#8fb4e8",
    third="#7a4fb5",
    limit="#b3261e",
    back="#ffffff",
    sheet="#ffffff",
)
"""Colours of the PNG: dark on white."""

MARKERS = Palette(
    ink="#010101",
    faint="#010102",
    grid="#010103",
    first="#010104",
    second="#010105",
    third="#010106",
    limit="#010107",
    back="none",
    sheet="#010108",
)
"""Colours that mean nothing but their own name: replaced by `var(--chart-…)`."""

_SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "certify",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "path.simplify": True,
    "text.parse_math": False,
}


def svg(chart: ChartView) -> str:
    """Return the chart as an `<svg>` element to put into a page: same chart, same bytes."""
    raw = io.StringIO()
    none = {"Date": None, "Creator": None, "Format": None, "Type": None}
    _drawn(chart, MARKERS, lambda figure: figure.savefig(raw, format="svg", transparent=True, metadata=none))
    return _adopted(raw.getvalue(), chart.id)


def png(chart: ChartView) -> bytes:
    """Return the chart as a PNG, dark on white."""
    raw = io.BytesIO()
    metadata = {
        "Software": None,
        "Title": chart.title,
        "Description": chart.finding.encode("latin-1", "replace").decode("latin-1"),
    }
    _drawn(chart, PAPER, lambda figure: figure.savefig(raw, format="png", dpi=PNG_DPI, metadata=metadata))
    return raw.getvalue()


def _drawn(chart: ChartView, colours: Palette, save: Any) -> None:
    """Draw without any global state but the settings, which are put back."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # not the matplotlibrc of this machine
        for name, value in _SETTINGS.items():
            mpl.rcParams[name] = value  # type: ignore[index]
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained", facecolor=colours.back)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_facecolor("none")
        _PAINTERS[chart.kind](axes, chart, colours)
        _dress(figure, axes, chart, colours)
        save(figure)


def _dress(figure: Figure, axes: Axes, chart: ChartView, colours: Palette) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_ylabel(chart.axis, color=colours.faint)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axes.tick_params(colors=colours.faint, length=0)
    axes.spines["bottom"].set_color(colours.grid)
    axes.grid(visible=True, axis="y", color=colours.grid, linewidth=0.8)
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) > 1:
        figure.legend(
            loc="outside upper left",
            ncols=4,
            frameon=False,
            labelcolor=colours.ink,
            handlelength=1.4,
            borderpad=0,
        )


def _categories(axes: Axes, chart: ChartView) -> list[int]:
    places = list(range(len(chart.categories)))
    labels = [name if len(name) <= 14 else name[:13] + "…" for name in chart.categories]
    crowded = len(labels) > 6 or sum(map(len, labels)) > 56
    axes.set_xticks(places, labels, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    beside = any(line.category is None for line in chart.lines)
    axes.set_xlim(-0.6, len(places) - 0.4 + (0.24 * len(places) if beside else 0))
    return places


def _bars(axes: Axes, chart: ChartView, colours: Palette) -> None:
    places = _categories(axes, chart)
    offered, achieved = chart.series
    axes.bar(
        places,
        _numbers(offered.values),
        0.62,
        facecolor="none",
        edgecolor=colours.faint,
        linewidth=1.2,
        label="offered",
    )
    axes.bar(places, _numbers(achieved.values), 0.46, color=colours.first, label="achieved")
    highest = max(
        (*_numbers(offered.values), *_numbers(achieved.values), *(line.value for line in chart.lines), 1e-9)
    )
    for place, value in zip(places, _numbers(achieved.values), strict=True):
        over = max(value, _numbers(offered.values)[place])
        axes.annotate(
            f"{value:,.0f}" if value >= 100 else f"{value:.3g}",
            (place, over),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=colours.ink,
        )
    axes.set_ylim(0, highest * 1.14)
    _limits(axes, chart, colours)


def _numbers(values: tuple[float | None, ...]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _levels(axes: Axes, chart: ChartView, colours: Palette) -> None:
    """Draw percentiles as one column a level: a thin line from p50 to p99, a sign for each."""
    places = _categories(axes, chart)
    styles = (("o", colours.second), ("s", colours.third), ("D", colours.first))
    for series, (sign, colour) in zip(chart.series, styles, strict=True):
        axes.plot(places, _numbers(series.values), sign, color=colour, markersize=6, label=series.name)
    for place in places:
        known = [value for series in chart.series if (value := series.values[place]) is not None]
        if known:
            axes.plot([place, place], [min(known), max(known)], color=colours.faint, linewidth=1, zorder=1)
    axes.set_yscale("log")
    _plain_log(axes, chart)
    _limits(axes, chart, colours)


def _plain_log(axes: Axes, chart: ChartView) -> None:
    """Give a logarithmic axis whole decades around the values, and plain figures."""
    from matplotlib.ticker import LogLocator, NullFormatter

    values = [v for one in chart.series for v in one.values if v] + [
        line.value for line in chart.lines if line.value > 0
    ]
    low, high = min(values, default=1.0), max(values, default=1.0)
    axes.set_ylim(low / 1.6, high * 1.8)
    wide = high / low > 30
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


def _intervals(axes: Axes, chart: ChartView, colours: Palette) -> None:
    places = _categories(axes, chart)
    series = chart.series[0]
    values, low, high = _numbers(series.values), _numbers(series.low), _numbers(series.high)
    below = [max(0.0, value - bound) for value, bound in zip(values, low, strict=True)]
    above = [max(0.0, bound - value) for value, bound in zip(values, high, strict=True)]
    axes.errorbar(
        places,
        values,
        yerr=[below, above],
        fmt="o",
        color=colours.first,
        ecolor=colours.first,
        capsize=5,
        markersize=6,
    )
    top = max((*high, *values, *(line.value for line in chart.lines), 0.1))
    axes.set_ylim(-0.02 * top, top * 1.18)
    _limits(axes, chart, colours)


def _time(axes: Axes, chart: ChartView, colours: Palette) -> None:
    values = _numbers(chart.series[0].values)
    axes.plot(chart.times, values, color=colours.first, linewidth=1.6)
    axes.fill_between(chart.times, values, color=colours.first, alpha=0.12, linewidth=0)
    axes.set_ylim(0, max((*values, 1e-9)) * 1.22)
    axes.set_xlim(0, max((*chart.times, 1e-9)))
    axes.set_xlabel("seconds of load", color=colours.faint)
    top = axes.get_ylim()[1]
    many = len(chart.starts) > 6
    for start, name in zip(chart.starts, chart.categories, strict=True):
        axes.axvline(start, color=colours.grid, linewidth=1)
        if not many:
            label = name if len(name) <= 14 else name[:13] + "…"
            axes.annotate(
                label, (start, top), xytext=(3, -2), textcoords="offset points", va="top", color=colours.faint
            )


def _limits(axes: Axes, chart: ChartView, colours: Palette) -> None:
    """Draw each limit over the levels it holds for, with its text."""
    for line in chart.lines:
        if line.category is None:
            _limit(axes, line, -0.5, len(chart.categories) - 0.5, colours)
        elif line.category in chart.categories:
            place = chart.categories.index(line.category)
            _limit(axes, line, place - 0.45, place + 0.45, colours)


def _limit(axes: Axes, line: Line, first: float, last: float, colours: Palette) -> None:
    """Draw one limit; its text stands beside a line over all levels, above a line over one."""
    axes.hlines(line.value, first, last, color=colours.limit, linewidth=1.4, linestyles=(0, (5, 3)))
    beside = line.category is None
    axes.annotate(
        line.label,
        (last, line.value),
        xytext=(3, 0) if beside else (0, 4),
        textcoords="offset points",
        ha="left" if beside else "right",
        va="center" if beside else "bottom",
        color=colours.limit,
        bbox={"facecolor": colours.sheet, "edgecolor": "none", "pad": 1.0},
    )


_PAINTERS = {"bars": _bars, "levels": _levels, "intervals": _intervals, "time": _time}


def _adopted(text: str, prefix: str) -> str:
    """Return matplotlib's document as an element of a page: own ids, the page's colours, no foreign rules."""
    text = text[text.index("<svg") :].rstrip()
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r" xmlns(:xlink)?=\"[^\"]*\"", "", text)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r"(\bid=\"|href=\"#|url\(#)", rf"\g<1>{prefix}-", text)
    text = re.sub(
        r"<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>",
        r'<svg viewBox="\1" aria-hidden="true" focusable="false">',
        text,
        count=1,
    )
    for name in Palette.__slots__:
        text = text.replace(getattr(MARKERS, name), _variable(name)) if name != "back" else text
    text = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", text)
    return re.sub(r">\s+<", "><", text)


def _variable(name: str) -> str:
    return "var(--sheet)" if name == "sheet" else f"var(--chart-{name})"
