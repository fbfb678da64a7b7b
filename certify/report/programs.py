"""Renders a report for programs: JSON and Prometheus."""

from __future__ import annotations

import json
from typing import Any

from certify.model import codec
from certify.report import words
from certify.report.files import RunFiles
from certify.report.views import ReportView

OPAQUE = frozenset({"histogram", "service_histogram"})
"""Fields whose text is not for people and must not be touched."""


def render_json(files: RunFiles) -> str:
    """Return result, verdict and what the certificate states as one document, account ids masked."""
    data = {
        "schema": "certify/report/1",
        "result": codec.encode(files.result, tag=False),
        "verdict": codec.encode(files.verdict, tag=False),
        "certificate": files.certificate.statement if files.certificate else None,
        "digests": dict(files.digests),
    }
    return json.dumps(_masked(data), indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return words.mask(value)
    if isinstance(value, dict):
        return {words.mask(key): item if key in OPAQUE else _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def render_prometheus(view: ReportView) -> str:
    """Return the figures of the run in the Prometheus text format."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for metric in view.metrics:
        names = [name for name, _ in metric.labels]
        if metric.name not in gauges:
            gauges[metric.name] = Gauge(metric.name, metric.help, names, registry=registry)
        gauges[metric.name].labels(*(text for _, text in metric.labels)).set(metric.value)
    return generate_latest(registry).decode()
