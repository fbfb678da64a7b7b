"""The journal: what goes in comes out, what was changed is named, what was torn is cut."""

from __future__ import annotations

import hashlib
import json
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import EvidenceError
from certify.evidence.journal import (
    NO_LINE,
    JournalReader,
    JournalWriter,
    iter_journal,
    line_bytes,
    read_journal,
)
from certify.model.events import CheckFinished, Note, Observed, PhaseFinished
from certify.model.ids import ComponentId, Outcome, PhaseId, Severity
from certify.model.measure import Measurement
from certify.model.trading import ExecType, OrderUpdate, OrdStatus, Side

NOTES = [Note(at_ns=n, text=f"note {n} – ünïcode \u2028 \udcff") for n in range(1, 6)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run" / "events.jsonl"
    with JournalWriter(path) as journal:
        assert [journal.append(note) for note in NOTES] == [1, 2, 3, 4, 5]
    return path


def measured(value: float) -> CheckFinished:
    return CheckFinished(
        at_ns=1,
        id="a.b",
        title="t",
        phase=PhaseId.RISK,
        component=ComponentId.RISK,
        severity=Severity.MAJOR,
        outcome=Outcome.PASSED,
        message="",
        measurements=(Measurement(name="x", value=value, unit="ms"),),
    )


def test_what_goes_in_comes_out(path):
    reading = read_journal(path)
    assert reading.events == tuple(NOTES)
    assert not reading.torn
    assert tuple(iter_journal(path)) == tuple(NOTES)


def test_the_chain_can_be_followed_by_hand(path):
    prev = NO_LINE
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        data = json.loads(line)
        assert list(data) == ["seq", "prev", "event"]
        assert (data["seq"], data["prev"]) == (number, prev)
        prev = hashlib.sha256(line).hexdigest()
    assert read_journal(path).root_hash == prev


def test_an_event_with_an_event_inside_comes_back(tmp_path):
    update = OrderUpdate(
        client_order_id="c1",
        instrument="AAPL.NASDAQ",
        exec_type=ExecType.TRADE,
        status=OrdStatus.FILLED,
        side=Side.BUY,
        qty=Decimal("1.50"),
        last_px=Decimal("0.10"),
    )
    observed = Observed(at_ns=5, port="execution", event=update)
    with JournalWriter(tmp_path / "e.jsonl") as journal:
        journal.append(observed)
    assert read_journal(tmp_path / "e.jsonl").events == (observed,)


@given(st.lists(st.tuples(st.integers(0, 2**70), st.text(max_size=30)), max_size=8))
def test_any_text_and_any_time_come_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    notes = tuple(Note(at_ns=at, text=text) for at, text in rows)
    with JournalWriter(path) as journal:
        for note in notes:
            journal.append(note)
    assert read_journal(path).events == notes


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_figures_come_back_exactly(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    with JournalWriter(path) as journal:
        journal.append(measured(value))
    assert read_journal(path).events == (measured(value),)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_json_cannot_say_leaves_the_journal_whole(path, value):
    with JournalWriter(path) as journal:
        with pytest.raises(EvidenceError, match="expected finite numbers in CheckFinished"):
            journal.append(measured(value))
        assert journal.append(NOTES[0]) == 6
    assert read_journal(path).events == (*NOTES, NOTES[0])


def test_a_torn_line_is_left_out_and_cut_on_resume(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    reading = read_journal(path)
    assert (reading.events, reading.torn) == (tuple(NOTES[:4]), True)
    with JournalWriter(path) as journal:
        assert journal.lines == 4
        assert journal.append(NOTES[4]) == 5
    assert path.read_bytes() == whole
    assert not read_journal(path).torn


@given(st.integers(0, 600))
def test_cut_anywhere_it_goes_on(tmp_path_factory, size):
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    with JournalWriter(path) as journal:
        for note in NOTES:
            journal.append(note)
    path.write_bytes(path.read_bytes()[:size])
    kept = len(read_journal(path).events)
    with JournalWriter(path) as journal:
        for note in NOTES[kept:]:
            journal.append(note)
    assert read_journal(path).events == tuple(NOTES)


def test_a_damaged_journal_is_not_written_on(path):
    path.write_bytes(path.read_bytes().replace(b"note 2", b"note 7"))
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match=r"events\.jsonl:2: expected sha256"):
        JournalWriter(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b"note 3",
            b"note 8",
            r"events\.jsonl:3: expected sha256 .*, to which line 4 is chained, was sha256",
        ),
        (b'"seq":3', b'"seq":4', r"events\.jsonl:3: expected seq 3, was seq 4"),
        (b'"seq":1', b'"seq":0', r"events\.jsonl:1: expected seq 1, was seq 0"),
        (b"0000", b"0001", r"events\.jsonl:1: expected prev 0{64}, was prev '0001"),
        (b'{"seq":2', b'["seq":2', r"events\.jsonl:2: expected one JSON object"),
        (b'"seq":2', b'"sequ":2', r"events\.jsonl:2: expected the keys"),
        (b'"@type":"Note"', b'"@type":"Nite"', r"events\.jsonl:1: expected an event, was unknown @type"),
        (b'"at_ns":2', b'"at_ns":"2"', r"events\.jsonl:2: expected an event"),
        (b"note 2", b"note \xff", r"events\.jsonl:2: expected one JSON object"),
    ],
)
def test_what_was_changed_is_named(path, old, new, message):
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(EvidenceError, match=message):
        read_journal(path)


def test_a_line_taken_out_or_moved_is_named(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(EvidenceError, match=r"events\.jsonl:2: expected seq 2, was seq 3"):
        read_journal(path)
    path.write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(EvidenceError, match=r"events\.jsonl:1: expected seq 1, was seq 2"):
        read_journal(path)


def test_the_reader_streams(path):
    reader = JournalReader(path)
    events = iter(reader)
    assert next(events) == NOTES[0]
    assert reader.lines == 1
    path.with_name("other").write_bytes(b"")
    assert list(events) == NOTES[1:]
    assert reader.lines == 5


def test_no_journal_is_an_error_and_an_empty_one_is_empty(tmp_path):
    with pytest.raises(EvidenceError, match="expected a journal, was No such file"):
        read_journal(tmp_path / "events.jsonl")
    (tmp_path / "events.jsonl").touch()
    assert read_journal(tmp_path / "events.jsonl").root_hash == NO_LINE


def test_it_is_there_for_a_reader_at_once(tmp_path):
    with JournalWriter(tmp_path / "events.jsonl") as journal:
        journal.append(NOTES[0])
        assert read_journal(tmp_path / "events.jsonl").events == (NOTES[0],)
        journal.append(PhaseFinished(at_ns=1, phase=PhaseId.RISK, took_ms=1.0))
        assert journal.root_hash == read_journal(tmp_path / "events.jsonl").root_hash
    journal.close()


def test_many_threads_make_one_chain(tmp_path):
    path = tmp_path / "events.jsonl"
    with JournalWriter(path) as journal:
        threads = [
            threading.Thread(target=lambda: [journal.append(note) for note in NOTES * 20]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read_journal(path).events) == 400


def test_a_disk_that_refuses_leaves_whole_lines(path, monkeypatch):
    class Full:
        """A file that takes ten bytes and then no more."""

        def __init__(self, file):
            self.file, self.left = file, 10

        def write(self, data):
            if not self.left:
                raise OSError(28, "No space left on device")
            self.left = 0
            return self.file.write(bytes(data)[:10])

        def __getattr__(self, name):
            return getattr(self.file, name)

    with JournalWriter(path) as journal:
        file = journal._file
        monkeypatch.setattr(journal, "_file", Full(file))
        with pytest.raises(EvidenceError, match="No space left"):
            journal.append(NOTES[0])
        monkeypatch.setattr(journal, "_file", file)
        assert journal.append(NOTES[0]) == 6
    assert read_journal(path).events == (*NOTES, NOTES[0])


def test_a_line_is_one_line():
    assert b"\n" not in line_bytes(1, NO_LINE, Note(at_ns=1, text="two\nlines\r"))
