"""The index holds what the run directories say, whoever writes it, and is made again from them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, select

from certify.errors import EvidenceError, UsageError
from certify.model.ids import Grade, Outcome
from certify.report.words import legible, mask
from certify.store import index_schema as schema
from certify.store.index import IndexUnavailable, RunIndex, discard, index_url, opened_index
from certify.store.index_rows import home_of, key_of, rows_of

from .conftest import DAY_NS, START_NS, check, load_figures, result_of, write_run

ROOT = Path(__file__).parents[2]
WRITERS = 8


def count(index: RunIndex, table) -> int:
    return index.rows(select(func.count().label("n")).select_from(table))[0]["n"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """An empty index of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'index.sqlite'}"
    return request.getfixturevalue("postgres").database(tmp_path.name)


def test_a_run_is_taken_over_with_everything_that_is_asked_of_it(url, store) -> None:
    checks = [
        check("a.good"),
        check("b.bad", Outcome.FAILED, message="expected 1, was 2", took_ms=7.0),
        check("c.late", Outcome.SKIPPED, waived=True),
    ]
    loads = (load_figures("light", p99=None), load_figures("heavy", p99=41.5))
    result = result_of(checks=checks, load=loads)
    write_run(store, result, grade=Grade.CONDITIONAL, score=88.25, valid_days=30)
    with opened_index(url, str) as index:
        assert index.catch_up(store).written == 1
        (run,) = index.rows(select(schema.RUNS))
        assert (run["id"], run["profile"], run["subject"]) == (result.run_id, "staging", "acme")
        assert (run["grade"], run["assurance"], run["score"]) == ("CONDITIONAL", "simulated", 88.25)
        assert (run["passed"], run["failed"], run["skipped"], run["waived"]) == (1, 1, 1, 1)
        assert (run["started_ns"], run["duration_ms"], run["stop"]) == (START_NS, 1000.0, "completed")
        found = {row["id"]: row for row in index.rows(select(schema.CHECKS))}
        assert found["b.bad"]["message"] == "expected 1, was 2"
        assert (found["b.bad"]["outcome"], found["b.bad"]["took_ms"]) == ("failed", 7.0)
        figures = {row["level"]: row["p99_ms"] for row in index.rows(select(schema.LOAD_FIGURES))}
        assert figures == {"light": None, "heavy": 41.5}
        (certificate,) = index.rows(select(schema.CERTIFICATES))
        assert certificate["expires_ns"] - certificate["issued_ns"] == 30 * DAY_NS


def test_catching_up_reads_only_what_changed_and_forgets_what_is_gone(url, store) -> None:
    first, second = (write_run(store, result_of(day)) for day in (0, 1))
    with opened_index(url, str) as index:
        assert index.catch_up(store).written == 2
        assert index.catch_up(store).written == 0
        write_run(store, result_of(1, [check("z", Outcome.FAILED)]), grade=Grade.NOT_CERTIFIED)
        assert index.catch_up(store).written == 1
        assert count(index, schema.CHECKS) == 3
        shutil.rmtree(first)
        assert index.catch_up(store).removed == 1
        assert [row["directory"] for row in index.rows(select(schema.RUNS))] == [second.name]
        assert count(index, schema.CHECKS) == 1


def test_a_directory_with_another_name_is_the_same_run(url, store) -> None:
    run_dir = write_run(store, result_of())
    with opened_index(url, str) as index:
        index.catch_up(store)
        run_dir.rename(store.runs_dir / "renamed")
        index.catch_up(store)
        assert [row["directory"] for row in index.rows(select(schema.RUNS))] == ["renamed"]


def test_a_run_without_an_end_is_left_for_later_and_a_damaged_one_is_said(url, store) -> None:
    (store.runs_dir / "running").mkdir(parents=True)
    (store.runs_dir / "running" / "plan.json").write_bytes(b"{}")
    damaged = write_run(store, result_of())
    (damaged / "result.json").write_bytes(b"{")
    with opened_index(url, str) as index:
        done = index.catch_up(store)
        assert (done.written, len(done.unreadable)) == (0, 1)
        assert done.unreadable[0].startswith(f"{damaged.name}: result.json")
        with pytest.raises(EvidenceError):
            index.put(damaged, "here")


def test_rebuilding_forgets_what_no_evidence_shows_and_leaves_other_homes(url, store) -> None:
    write_run(store, result_of())
    with opened_index(url, str) as index:
        index.catch_up(store)
        real = index.rows(select(schema.RUNS))[0]
        with index._writing() as connection:
            made_up = {**real, "id": "made up", "grade": "CERTIFIED"}
            connection.execute(insert(schema.RUNS).values({**made_up, "key": "1", "stamp": real["stamp"]}))
            connection.execute(insert(schema.RUNS).values({**made_up, "key": "2", "home": "other:/home"}))
        index.rebuild(store)
        assert sorted(row["home"] for row in index.rows(select(schema.RUNS))) == sorted(
            [home_of(store.home), "other:/home"]
        )


def test_what_systems_say_is_stored_masked_and_legible(url, store) -> None:
    said = "account DU1234567 token=hunter2 \x00\x1b[2J \ud800 'x'; DROP TABLE runs; --"
    write_run(store, result_of(checks=[check("a", Outcome.FAILED, message=said)], subject="a\x00b"))
    with opened_index(url, lambda text: legible(mask(text))) as index:
        index.catch_up(store)
        (row,) = index.rows(select(schema.CHECKS))
        assert "hunter2" not in row["message"]
        assert "DU1234567" not in row["message"]
        assert "DROP TABLE runs; --" in row["message"]
        assert index.rows(select(schema.RUNS))[0]["subject"] == "a\\x00b"


@pytest.mark.parametrize("version", range(1, schema.NEWEST + 1))
def test_every_earlier_version_is_brought_up_to_date_with_its_rows(url, store, version) -> None:
    result = result_of()
    run_dir = write_run(store, result, valid_days=30)
    rows = rows_of(run_dir, home_of(store.home), str)
    engine = create_engine(url)
    with engine.begin() as connection:
        schema.migrate(connection, up_to=version)
        assert schema.version_of(connection) == version
        connection.execute(insert(schema.RUNS), [rows.run, {**rows.run, "key": "else", "home": "other:/x"}])
        connection.execute(insert(schema.CHECKS), list(rows.checks))
    engine.dispose()
    with opened_index(url, str) as index:
        assert count(index, schema.RUNS) == 2
        assert count(index, schema.CHECKS) == 2
        index.catch_up(store)
        assert count(index, schema.RUNS) == 2
        if version < 2:  # what version 1 did not take down was read again
            assert count(index, schema.CERTIFICATES) == 1
        versions = index.rows(select(schema.VERSIONS.c.version).order_by(schema.VERSIONS.c.version))
        assert [row["version"] for row in versions] == list(range(1, schema.NEWEST + 1))


def test_an_index_of_a_newer_version_is_left_alone(url) -> None:
    with opened_index(url, str) as index, index._writing() as connection:
        connection.execute(insert(schema.VERSIONS).values(version=99, applied_at="later"))
    with pytest.raises(IndexUnavailable, match="newer certify"):
        RunIndex(url, str)


def test_many_processes_write_at_once_and_no_row_is_lost(url, store) -> None:
    for number in range(WRITERS * 5):
        write_run(store, result_of(number))
    command = [sys.executable, str(ROOT / "tests" / "store" / "writer.py"), url, str(store.home)]
    writers = [
        subprocess.Popen(
            [*command, str(first), str(WRITERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for first in range(WRITERS)
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * WRITERS
    for writer in writers:  # all at once, on an index that nobody has made yet
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.communicate(timeout=90)[1] for writer in writers] == [""] * WRITERS
    with opened_index(url, str) as index:
        assert count(index, schema.RUNS) == WRITERS * 5
        assert count(index, schema.CHECKS) == 2 * WRITERS * 5
        assert count(index, schema.LOAD_FIGURES) == WRITERS * 5


def test_two_runs_with_one_id_are_two_rows() -> None:
    first, second = result_of(), result_of(started_at_ns=START_NS + 1)
    assert first.run_id == second.run_id
    assert key_of(first) != key_of(second)


@pytest.mark.parametrize(
    ("url", "told"),
    [("nonsense", "expected a URL"), ("mysql://host/db", "was mysql"), ("postgresql+none://h/d", "psycopg")],
)
def test_a_url_that_is_none_of_ours_is_a_mistake_of_the_user(url, told) -> None:
    with pytest.raises(UsageError, match=told):
        RunIndex(url, str)


def test_what_cannot_be_reached_is_told_without_the_password(tmp_path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(IndexUnavailable) as told:
        RunIndex(f"postgresql+psycopg://me:hunter2@/db?host={tmp_path}", str)
    assert "hunter2" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_index_is_told_and_can_be_thrown_away(store) -> None:
    url = index_url(store.home)
    (store.home / "index.sqlite").write_bytes(b"not a database, " * 1000)
    with pytest.raises(IndexUnavailable, match="not a database"):
        RunIndex(url, str)
    discard(store.home)
    with opened_index(url, str) as index:
        assert count(index, schema.RUNS) == 0


def test_an_index_is_where_it_is_asked_for(tmp_path, monkeypatch) -> None:
    assert str(index_url(tmp_path)) == f"sqlite:///{tmp_path}/index.sqlite"
    monkeypatch.setenv("CERTIFY_INDEX", "postgresql+psycopg://db/certify")
    assert index_url(tmp_path) == "postgresql+psycopg://db/certify"
    assert index_url(tmp_path, "sqlite:///x") == "sqlite:///x"


def test_a_reader_is_not_stopped_by_a_writer(store) -> None:
    url = index_url(store.home)
    with opened_index(url, str) as index, index._writing() as connection:
        connection.execute(insert(schema.VERSIONS).values(version=50, applied_at="not yet"))
        reader = sqlite3.connect(store.home / "index.sqlite", timeout=0)
        assert reader.execute("select max(version) from schema_versions").fetchone() == (schema.NEWEST,)
        reader.close()
