"""Runs as their directories hold them, small, made in milliseconds; and a PostgreSQL server of one's own."""

from __future__ import annotations

import base64
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certify import clock
from certify.evidence.files import write_bytes, write_json
from certify.model.ids import Assurance, ComponentId, Grade, Outcome, PhaseId, Severity, StopReason
from certify.model.judgement import Verdict
from certify.model.results import (
    CheckResult,
    LoadResult,
    Percentiles,
    PhaseResult,
    ProfileRef,
    RunResult,
    Scope,
    Subject,
)
from certify.store.runs import RunStore

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
DAY_NS = 86_400 * clock.NS_PER_S
SHA = "sha256:" + "ab" * 32


def check(name: str, outcome: Outcome = Outcome.PASSED, **changes: Any) -> CheckResult:
    made = CheckResult(
        id=name,
        title=name.replace(".", " "),
        phase=PhaseId.TRADING,
        component=ComponentId.EXECUTION,
        severity=Severity.MAJOR,
        outcome=outcome,
        message=f"{name} was looked at",
        took_ms=12.5,
    )
    return replace(made, **changes)


def load_figures(level: str = "heavy", stream: str = "orders", p99: float | None = 40.0, **changes: Any):
    made = LoadResult(
        level=level,
        stream=stream,
        offered_per_s=100.0,
        achieved_per_s=99.5,
        duration_s=10.0,
        sent=1000,
        completed=1000,
        errors=0,
        error_rate=0.0,
        error_rate_interval=(0.0, 0.004),
        latency_ms=Percentiles(p50=4.0, p99=p99, samples=1000),
    )
    return replace(made, **changes)


def result_of(day: int = 0, checks: Sequence[CheckResult] | None = None, **changes: Any) -> RunResult:
    at_ns = START_NS + day * DAY_NS
    profile = changes.pop("profile", "staging")
    subject = changes.pop("subject", "acme")
    own = tuple(checks) if checks is not None else (check("orders.rest"), check("orders.fill"))
    made = RunResult(
        run_id=f"{clock.utc(at_ns):%Y%m%dT%H%M%SZ}-{profile}-{day:04x}",
        profile=ProfileRef(name=profile, digest=SHA),
        plan_digest=SHA,
        subject=Subject(name=subject, version=f"1.0.{day}", digest=SHA),
        assurance=Assurance.SIMULATED,
        stop=StopReason.COMPLETED,
        started_at=clock.iso(at_ns),
        finished_at=clock.iso(at_ns + clock.NS_PER_S),
        started_at_ns=at_ns,
        finished_at_ns=at_ns + clock.NS_PER_S,
        seed=1,
        scope=Scope(components={"execution": "mock"}),
        phases=(PhaseResult(id=PhaseId.TRADING, outcome=Outcome.PASSED, score=100.0, checks=own),),
        load=(load_figures(),),
        environment={"python": "3.11"},
        systems={"mock": "reference 1"},
        tool_version="0.1.0",
    )
    return replace(made, **changes)


def verdict_of(result: RunResult, grade: Grade = Grade.CERTIFIED, score: float | None = 98.5) -> Verdict:
    return Verdict(run_id=result.run_id, grade=grade, assurance=result.assurance, score=score)


def certificate_bytes(issued_ns: int, days: int) -> bytes:
    said = {"valid_from": clock.iso(issued_ns), "expires_at": clock.iso(issued_ns + days * DAY_NS)}
    payload = base64.b64encode(json.dumps({"predicate": said}).encode()).decode()
    return json.dumps({"payload": payload, "payloadType": "x", "signatures": []}).encode()


def write_run(store: RunStore, result: RunResult, *, valid_days: int | None = None, **verdict: Any) -> Path:
    run_dir = store.runs_dir / result.run_id
    write_bytes(run_dir / "plan.json", b"{}\n")
    write_json(run_dir / "result.json", result)
    write_json(run_dir / "verdict.json", verdict_of(result, **verdict))
    if valid_days is not None:
        write_bytes(run_dir / "certificate.json", certificate_bytes(result.finished_at_ns, valid_days))
    return run_dir


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """An empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return RunStore(home)


def _server_programs() -> tuple[str, str] | None:
    """Find `initdb` and `postgres`, on the path or where Debian's package puts them."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, debian)])
    found = shutil.which("initdb", path=places), shutil.which("postgres", path=places)
    return found if found[0] and found[1] else None  # type: ignore[return-value]


class Server:
    """A PostgreSQL server on a socket in a directory of its own; run as another user where we are root."""

    def __init__(self, initdb: str, postgres: str) -> None:
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses root
            other = pwd.getpwnam("postgres")
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        # A socket's path is at most some hundred bytes: pytest's own directory may be too long.
        self.place = Path(tempfile.mkdtemp(prefix="certify-pg-"))
        if self._as:
            os.chown(self.place, self._as["user"], self._as["group"])
        data = str(self.place / "data")
        options = ("-U", "certify", "-A", "trust", "--no-sync", "--encoding", "UTF8", "--no-locale")
        subprocess.run(
            [initdb, "-D", data, *options], check=True, capture_output=True, cwd=self.place, **self._as
        )
        settings = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40")
        with (self.place / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [postgres, "-D", data, "-k", str(self.place), *settings],
                cwd=self.place,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._as,
            )

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://certify@/{database}?host={self.place}"

    def wait(self) -> None:
        import psycopg

        end = clock.monotonic_ns() + 30 * clock.NS_PER_S
        while True:
            try:
                psycopg.connect(host=str(self.place), user="certify", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.place / "log").read_text()
                assert clock.monotonic_ns() < end, "the server did not come up"
                clock.sleep_s(0.05)

    def database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        import psycopg

        where = {"host": str(self.place), "user": "certify", "dbname": "postgres", "autocommit": True}
        with psycopg.connect(**where) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.place, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server, stopped at the end; skipped, with the reason, where there is none."""
    programs = _server_programs()
    if programs is None:
        pytest.skip("no initdb and postgres here: install Debian's package `postgresql`")
    pytest.importorskip("psycopg", reason="psycopg is not installed: certify-trading[postgresql]")
    if os.geteuid() == 0 and not any(user.pw_name == "postgres" for user in pwd.getpwall()):
        pytest.skip("PostgreSQL refuses root, and there is no user `postgres` to run it as")
    server = Server(*programs)
    try:
        server.wait()
        yield server
    finally:
        server.stop()
