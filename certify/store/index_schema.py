"""The tables of the index, and the steps that bring an older one up to date: forward only.

A step is never changed after it was released; what changes is added as a further one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
    update,
)

from certify import clock

METADATA = MetaData()


def _run_key() -> Column[str]:
    return Column("run_key", Text, ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)


VERSIONS = Table(
    "schema_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", Text, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("directory", Text, nullable=False),
    Column("stamp", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("profile_digest", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_version", Text, nullable=False),
    Column("subject_digest", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("finished_ns", BigInteger, nullable=False),
    Column("duration_ms", Double, nullable=False),
    Column("grade", Text, nullable=False),
    Column("assurance", Text, nullable=False),
    Column("score", Double),
    Column("stop", Text, nullable=False),
    Column("partial_selection", Boolean, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("error", Integer, nullable=False),
    Column("inconclusive", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("not_applicable", Integer, nullable=False),
    Column("flaky", Integer, nullable=False),
    Column("waived", Integer, nullable=False),
    Index("runs_by_identity", "profile", "subject", "started_ns"),
    Index("runs_by_time", "started_ns"),
)
"""One row a run. `key` names it everywhere; `home` (host and path) and `directory` are where it was read
from, `stamp` tells whether its files have changed since."""

CHECKS = Table(
    "checks",
    METADATA,
    _run_key(),
    Column("id", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("took_ms", Double, nullable=False),
    Column("waived", Boolean, nullable=False),
    Column("flaky", Boolean, nullable=False),
    Column("message", Text, nullable=False),
)

LOAD_FIGURES = Table(
    "load_figures",
    METADATA,
    _run_key(),
    Column("level", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("offered_per_s", Double, nullable=False),
    Column("achieved_per_s", Double, nullable=False),
    Column("p50_ms", Double),
    Column("p99_ms", Double),
    Column("error_rate", Double, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("limited", Boolean, nullable=False),
)

CERTIFICATES = Table(
    "certificates",
    METADATA,
    _run_key(),
    Column("profile", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("issued_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Index("certificates_by_identity", "profile", "subject", "issued_ns"),
)
"""One row a certificate; its identity is profile and subject by name. `digest` is that of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the schema."""

    version: int
    tables: tuple[Table, ...]
    read_again: bool = False
    """Whether the runs that are in the index hold something that earlier versions did not take down."""


STEPS = (
    Step(version=1, tables=(RUNS, CHECKS, LOAD_FIGURES)),
    Step(version=2, tables=(CERTIFICATES,), read_again=True),
)
NEWEST = STEPS[-1].version


def version_of(connection: Connection) -> int:
    """Return the version of the tables that are there; 0 for an empty database."""
    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    return connection.execute(select(func.max(VERSIONS.c.version))).scalar() or 0


def migrate(connection: Connection, *, up_to: int = NEWEST) -> None:
    """Take every step that is missing, inside the caller's transaction.

    Raises:
        ValueError: the tables are of a newer version than this one knows.
    """
    found = version_of(connection)
    if found > NEWEST:
        raise ValueError(f"expected version {NEWEST} or older, was {found}: made by a newer certify")
    VERSIONS.create(connection, checkfirst=True)
    for step in STEPS:
        if found < step.version <= up_to:
            METADATA.create_all(connection, tables=list(step.tables), checkfirst=True)
            if step.read_again:
                connection.execute(update(RUNS).values(stamp=""))
            now = clock.iso(clock.now_ns())
            connection.execute(insert(VERSIONS).values(version=step.version, applied_at=now))
