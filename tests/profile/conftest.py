from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from certify.profile.vocabulary import Vocabulary

Write = Callable[..., Path]

KNOWN = Vocabulary(
    checks={
        "orders.cancel_unknown": {"within": "5s"},
        "market_data.fresh": {"max_stale": "2s", "share": "1%"},
    },
    parameters={
        "trading.execution": {"within": "5s"},
        "integration.market_data": {
            "max_stale": "2s",
            "share": "1%",
            "count": "20",
            "ratio": "0.5",
            "mode": "fast",
        },
    },
)

FULL = """
version: 1
name: full
subject: {name: acme, version: "1.2", paths: [src]}
backend: mock
options: {order_latency_ms: 5}
components:
  paper_trading: null
  broker: {backend: ibkr, host: 127.0.0.1, port: 4002, client_id: 71, account: DU1}
  risk: {options: {extra: [1, {a: b}]}}
instruments:
  - {id: AAPL.NASDAQ, tick: "0.01", lot: 1}
mode: quick
seed: 7
safety: {max_order_qty: 5, max_order_notional: "250.50", max_orders: 10, max_messages_per_s: 45}
phases:
  framework: {}
  trading: null
  integration: {market_data: {max_stale: 3s, ratio: 0.25}}
  performance:
    loads:
      - {name: light, market_data: 60/m, orders: 5/s, duration: 500ms, warmup: 100ms, arrival: poisson}
    thresholds: [light.orders.latency.p99 < 50ms, "orders.error_rate < 2%"]
  risk:
    limits: {max_order_qty: 500, max_order_rate: 50/s, price_band: 5%, max_daily_loss: "2500.50"}
policy:
  validity: 60d
  min_assurance: paper
  min_phase_score: {performance: 70}
  checks: {orders.cancel_unknown: {severity: minor, skip: not yet, parameters: {within: 9s}}}
  waivers:
    - {check: orders.cancel_unknown, reason: known, approved_by: Ann, expires: 2026-06-01}
hooks: {failed: mail ops}
notify: https://example.org/hook
ping: https://example.org/ping
"""


@pytest.fixture
def full() -> str:
    """Return a profile that uses every key."""
    return FULL


@pytest.fixture
def known() -> Vocabulary:
    return KNOWN


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's directory and return its path relative to it."""

    def write(text: str | bytes, name: str = "profiles/p.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
