"""The index of runs and certificates: a cache of what the run directories say, in SQLite or PostgreSQL.

The evidence is the truth. An index that is lost, late or unreachable is made again from it, and no
run ever ends otherwise for its sake. Many processes and machines may write at the same time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, delete, event, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from certify.errors import CertifyError, EvidenceError, UsageError
from certify.store.index_rows import Clean, Row, RunRows, home_of, plain, rows_of, stamp_of
from certify.store.index_schema import CERTIFICATES, CHECKS, LOAD_FIGURES, RUNS, migrate
from certify.store.runs import RunStore

INDEX_VARIABLE = "CERTIFY_INDEX"
INDEX_FILE = "index.sqlite"
WAIT_S = 20
"""How long a writer waits for the others."""
CONNECT_S = 5
_LOCK = 0x63657274
"""The advisory lock of PostgreSQL under which the index is written."""


class IndexUnavailable(CertifyError):
    """The index cannot be read or written; what it would hold is in the run directories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """What an index took over from the run directories."""

    written: int = 0
    removed: int = 0
    unreadable: tuple[str, ...] = ()
    """Runs whose result is damaged, and how."""


class RunIndex:
    """One index; makes and upgrades its tables when it is opened.

    Raises:
        UsageError: the URL is wrong.
        IndexUnavailable: the database cannot be reached, or is a newer version's.
    """

    def __init__(self, url: str | URL, clean: Clean) -> None:
        """Open the index at `url`; every text goes through `clean` before it is stored."""
        self._engine = _engine(url)
        self._clean = clean
        self.shown = self._engine.url.render_as_string(hide_password=True)
        """The URL without its password."""
        with self._writing() as connection:
            migrate(connection)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def put(self, run_dir: Path, home: str) -> None:
        """Write the rows of a run, in place of what the index held of it.

        Raises:
            EvidenceError: the run is damaged or not finished.
            IndexUnavailable: the index cannot be written.
        """
        rows = rows_of(run_dir, home, self._clean)
        with self._writing() as connection:
            _replace(connection, rows)

    def catch_up(self, store: RunStore) -> CaughtUp:
        """Take over each run of a home that the index does not hold as it is now; forget what is gone.

        Raises:
            IndexUnavailable: the index cannot be read or written.
        """
        home = home_of(store.home)
        query = select(RUNS.c.directory, RUNS.c.stamp).where(RUNS.c.home == home)
        known = {row["directory"]: row["stamp"] for row in self.rows(query)}
        found = {plain(path.name): path for path in store.all()}
        written, unreadable = 0, []
        for name, path in found.items():
            stamp = stamp_of(path)
            if stamp is None or known.get(name) == stamp:
                continue
            try:
                self.put(path, home)
                written += 1
            except EvidenceError as error:
                unreadable.append(f"{name}: {error}")
        gone = sorted(set(known) - set(found))
        self._forget(home, gone)
        return CaughtUp(written=written, removed=len(gone), unreadable=tuple(unreadable))

    def rebuild(self, store: RunStore) -> CaughtUp:
        """Forget everything of a home and read it again; the rows of other homes stay.

        Raises:
            IndexUnavailable: the index cannot be read or written.
        """
        with self._writing() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.home == home_of(store.home)))
        return self.catch_up(store)

    def _forget(self, home: str, directories: Sequence[str]) -> None:
        """Remove the runs that were read from these directories; one that was moved has another by now."""
        if directories:
            here = (RUNS.c.home == home) & RUNS.c.directory.in_(directories)
            with self._writing() as connection:
                connection.execute(delete(RUNS).where(here))

    def rows(self, query: Any) -> list[Mapping[str, Any]]:
        """Return the rows that a query of `certify.store.index_schema`'s tables finds.

        Raises:
            IndexUnavailable: the index cannot be read.
        """
        with self._unavailable(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._unavailable():
            engine = self._engine.execution_options(certify_writes=True)
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
            cause = getattr(error, "orig", None) or error
            said = " ".join(str(cause).split()) or type(cause).__name__
            raise IndexUnavailable(f"index {self.shown}: {said}") from error


def index_url(home: Path, asked: str | None = None) -> str | URL:
    """Return where the index of a home is: as asked, else `CERTIFY_INDEX`, else a file in the home."""
    named = asked or os.environ.get(INDEX_VARIABLE)
    return named or URL.create("sqlite", database=str(home / INDEX_FILE))


@contextmanager
def opened_index(url: str | URL, clean: Clean) -> Iterator[RunIndex]:
    """Open an index for as long as the block lasts.

    Raises:
        UsageError: the URL is wrong.
        IndexUnavailable: it cannot be reached.
    """
    index = RunIndex(url, clean)
    try:
        yield index
    finally:
        index.close()


def discard(home: Path) -> None:
    """Delete the index file of a home, whatever is in it: it is made again from the run directories."""
    for suffix in ("", "-wal", "-shm"):
        (home / f"{INDEX_FILE}{suffix}").unlink(missing_ok=True)


def _replace(connection: Connection, rows: RunRows) -> None:
    """Write a run anew; what hangs on its row goes with it."""
    connection.execute(delete(RUNS).where(RUNS.c.key == rows.run["key"]))
    connection.execute(insert(RUNS), [rows.run])
    certificate: tuple[Row, ...] = () if rows.certificate is None else (rows.certificate,)
    for table, own in ((CHECKS, rows.checks), (LOAD_FIGURES, rows.loads), (CERTIFICATES, certificate)):
        if own:
            connection.execute(insert(table), list(own))


def _engine(url: str | URL) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("index: expected a URL such as postgresql+psycopg://host/database") from error
    makers: Mapping[str, Callable[[URL], Engine]] = {"sqlite": _sqlite, "postgresql": _postgresql}
    kind = parsed.get_backend_name()
    if kind not in makers:
        raise UsageError(f"index: expected sqlite or postgresql+psycopg, was {kind}")
    try:
        return makers[kind](parsed)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            f"index: {error}: expected postgresql+psycopg:// and certify-trading[postgresql] installed"
        ) from error


def _postgresql(url: URL) -> Engine:
    return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_S})


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_S})
    else:
        engine = create_engine("sqlite://")
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begun)
    return engine


def _connected(connection: Any, _record: object) -> None:
    """Prepare a connection to SQLite: readers beside one writer, and transactions as we say."""
    connection.isolation_level = None  # otherwise the driver begins and commits by itself
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begun(connection: Connection) -> None:
    """Take the write lock at the start of a writing transaction: taken later it could be refused."""
    writes = connection.get_execution_options().get("certify_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
