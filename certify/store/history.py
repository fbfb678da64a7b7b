"""What the index is asked: the runs of a profile and subject, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from certify import clock
from certify.store.index import RunIndex
from certify.store.index_schema import CERTIFICATES, LOAD_FIGURES, RUNS

ORDERS = "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run as the history tells it."""

    id: str
    started_at: str
    profile: str
    subject: str
    subject_version: str
    grade: str
    assurance: str
    score: float | None
    stop: str
    partial_selection: bool
    passed: int
    failed: int
    error: int
    inconclusive: int
    skipped: int
    not_applicable: int
    duration_ms: float
    heaviest: str | None = None
    """The level whose p99 is told: of orders where they were measured, at the highest rate."""
    p99_ms: float | None = None
    expires_at: str | None = None
    """When the certificate of the run ends; `None`: it has none."""
    home: str = ""
    """Where its evidence was when it was indexed: host and directory."""

    @property
    def checks(self) -> int:
        """How many checks the run planned."""
        counts = (self.passed, self.failed, self.error, self.inconclusive, self.skipped, self.not_applicable)
        return sum(counts)


def past_runs(
    index: RunIndex, *, profile: str | None = None, subject: str | None = None, limit: int = 20
) -> tuple[PastRun, ...]:
    """Return the newest runs, newest first; of one profile or subject if asked.

    Raises:
        IndexUnavailable: the index cannot be read.
    """
    query: Select[Any] = select(RUNS, CERTIFICATES.c.expires_ns).outerjoin(CERTIFICATES)
    if profile is not None:
        query = query.where(RUNS.c.profile == profile)
    if subject is not None:
        query = query.where((RUNS.c.subject == subject) | (RUNS.c.subject_digest == subject))
    rows = index.rows(query.order_by(RUNS.c.started_ns.desc(), RUNS.c.id.desc()).limit(limit))
    loads = _loads(index, [row["key"] for row in rows])
    return tuple(_past(row, loads.get(row["key"], ())) for row in rows)


def _loads(index: RunIndex, keys: list[str]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in index.rows(select(LOAD_FIGURES).where(LOAD_FIGURES.c.run_key.in_(keys))) if keys else ():
        found.setdefault(row["run_key"], []).append(row)
    return found


def _past(row: Mapping[str, Any], loads: Iterable[Mapping[str, Any]]) -> PastRun:
    heaviest = max(
        (load for load in loads if load["offered_per_s"]),
        key=lambda load: (load["stream"] == ORDERS, load["offered_per_s"]),
        default=None,
    )
    same = {name: row[name] for name in PastRun.__slots__ if name in row}
    return PastRun(
        **same,
        started_at=clock.iso(row["started_ns"]),
        expires_at=None if row["expires_ns"] is None else clock.iso(row["expires_ns"]),
        heaviest=None if heaviest is None else f"{heaviest['level']} {heaviest['stream']}",
        p99_ms=None if heaviest is None else heaviest["p99_ms"],
    )
