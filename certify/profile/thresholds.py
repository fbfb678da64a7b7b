"""Thresholds: `[level.]stream.metric op value`, as `heavy.orders.latency.p99 < 50ms`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from certify.model.measure import OPERATORS
from certify.profile.kinds import Kind
from certify.profile.model import Threshold
from certify.profile.near import shown, unknown
from certify.profile.yaml import Mark, Scalar

STREAMS = ("market_data", "orders")
_DISTRIBUTIONS = ("latency", "service")
_PERCENTILES = ("p50", "p90", "p99", "p99_9", "max")
METRICS: dict[str, str] = {
    **{f"{name}.{percentile}": "ms" for name in _DISTRIBUTIONS for percentile in _PERCENTILES},
    "error_rate": "%",
    "achieved": "1/s",
    "throughput": "1/s",
    "rss": "MB",
    "cpu": "%",
}
"""Metric of a load result → the unit that its threshold is held in."""

_FACTORS: dict[str, dict[str, Decimal]] = {
    "ms": {"us": Decimal("0.001"), "ms": Decimal(1), "s": Decimal(1000)},
    "%": {"%": Decimal(1)},
    "1/s": {"/s": Decimal(1), "/m": 1 / Decimal(60)},
    "MB": {"MB": Decimal(1), "GB": Decimal(1000)},
}
_EXAMPLES = {"ms": "50ms", "%": "2%", "1/s": "500/s", "MB": "512MB"}
_SHAPE = re.compile(r"\s*(?P<path>[^\s<>=!]+)\s*(?P<op>[<>=!]+)\s*(?P<value>\S+)\s*")
_VALUE = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,15})?)(?P<unit>[A-Za-z%/]*)")
_FORM = "a threshold such as 'orders.latency.p99 < 50ms'"


def parse_threshold(text: str, mark: Mark) -> Threshold:
    """Return the threshold that `text` says.

    Raises:
        ProfileError: at `mark`, for an unknown stream, metric or operator or a value in another unit.
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise mark.error(f"expected {_FORM}, was {shown(text)}")
    level, stream, metric = _path(found["path"], mark)
    if found["op"] not in OPERATORS:
        raise mark.error(f"unknown operator {shown(found['op'])}: expected one of {' '.join(OPERATORS)}")
    unit = METRICS[metric]
    value = _value(found["value"], metric, unit, mark)
    return Threshold(
        text=" ".join(text.split()),
        level=level,
        stream=stream,
        metric=metric,
        op=found["op"],
        value=value,
        unit=unit,
    )


def _path(path: str, mark: Mark) -> tuple[str | None, str, str]:
    """Return level, stream and metric."""
    first, _, rest = path.partition(".")
    if first in STREAMS:
        return None, first, _metric(rest, mark)
    stream, _, metric = rest.partition(".")
    if stream in STREAMS:
        return first, stream, _metric(metric, mark)
    if rest in METRICS or not stream:
        raise mark.error(unknown("stream", first, STREAMS))
    raise mark.error(unknown("stream", stream, STREAMS))


def _metric(name: str, mark: Mark) -> str:
    if name not in METRICS:
        raise mark.error(unknown("metric", name, METRICS))
    return name


def _value(text: str, metric: str, unit: str, mark: Mark) -> float:
    found = _VALUE.fullmatch(text)
    if found is None or found["unit"] not in _FACTORS[unit]:
        raise mark.error(f"{metric}: expected a value such as {_EXAMPLES[unit]}, was {shown(text)}")
    return float(Decimal(found["number"]) * _FACTORS[unit][found["unit"]])


def _parse(scalar: Scalar) -> Threshold | None:
    return parse_threshold(scalar.value, scalar.mark) if isinstance(scalar.value, str) else None


_JSON: dict[str, Any] = {
    "type": "string",
    "pattern": r"^\s*([A-Za-z][A-Za-z0-9_-]*\.)?(market_data|orders)\."
    + f"({'|'.join(re.escape(metric) for metric in METRICS)})"
    + r"\s*(<=|>=|==|<|>)\s*[0-9]+(\.[0-9]+)?(us|ms|s|%|/s|/m|MB|GB)\s*$",
}
THRESHOLD = Kind(expected=_FORM, parse=_parse, json=_JSON)
