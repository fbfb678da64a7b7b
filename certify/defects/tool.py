"""Defects of the tool itself: evidence that gets lost, edited or made up. Planted on the launched bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certify import clock
from certify.defects.api import Defect, defect
from certify.evidence import artifacts
from certify.evidence.files import JOURNAL_FILE
from certify.model.events import CheckFinished, CheckStarted, Event
from certify.model.ids import Outcome
from certify.model.measure import Bound, Measurement

VICTIM = "certify.evidence_writable"
"""The check whose outcome is tampered with."""


def rewrite_journal(bench: Any, rewrite: Callable[[Event], Event | None]) -> None:
    """Let `rewrite` say what is written for each event of a run."""
    publish = bench.publisher.publish

    def rewritten(event: Event) -> None:
        changed = rewrite(event)
        if changed is not None:
            publish(changed)

    bench.publisher.publish = rewritten


def _victim(event: Event) -> bool:
    return isinstance(event, CheckFinished) and event.id == VICTIM


@defect("outcome_lost", "The outcome of a check never reaches the journal.", where="tool")
def outcome_lost(bench: Any) -> None:
    """Drop one outcome."""
    rewrite_journal(bench, lambda event: None if _victim(event) else event)


def _on_disk(bench: Any, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    """Edit the journal on disk once the victim's outcome is in it."""
    publisher = bench.publisher
    attach, publish = publisher.attach, publisher.publish
    paths: list[Any] = []

    def attached(journal: Any, first: Event) -> None:
        paths.append(journal.path)
        attach(journal, first)

    def edited(event: Event) -> None:
        publish(event)
        if _victim(event):
            path = paths[0]
            path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))

    publisher.attach, publisher.publish = attached, edited


@defect("journal_line_changed", f"Somebody edits a line of {JOURNAL_FILE}.", where="tool")
def journal_line_changed(bench: Any) -> None:
    """Turn an outcome around."""
    _on_disk(bench, lambda lines: [line.replace(b'"passed"', b'"failed"') for line in lines])


@defect("journal_line_lost", f"A line of {JOURNAL_FILE} gets lost.", where="tool")
def journal_line_lost(bench: Any) -> None:
    """Take out the second line."""
    _on_disk(bench, lambda lines: lines[:1] + lines[2:])


def _finished(change: Callable[[CheckFinished], CheckFinished]) -> Callable[[Any], None]:
    def plant(bench: Any) -> None:
        def rewrite(event: Event) -> Event:
            return change(event) if isinstance(event, CheckFinished) and _victim(event) else event

        rewrite_journal(bench, rewrite)

    return plant


def _prettified(event: CheckFinished) -> CheckFinished:
    """Call it passed, though its own figure breaks its limit."""
    return replace(
        event,
        outcome=Outcome.PASSED,
        measurements=(Measurement(name="free_space", value=1.0, unit="MB"),),
        limits=(Bound(name="free_space", op=">=", value=200.0, unit="GB"),),
    )


def _constant(event: CheckFinished) -> CheckFinished:
    return replace(event, measurements=(Measurement(name="free_space", value=1e6, unit="MB", samples=0),))


@defect("journal_times_reversed", "The clock of the machine goes back during a check.", where="tool")
def journal_times_reversed(bench: Any) -> None:
    """Stamp the beginning after the end."""

    def rewrite(event: Event) -> Event:
        if isinstance(event, CheckStarted) and event.id == VICTIM:
            return replace(event, at_ns=event.at_ns + 3600 * clock.NS_PER_S)
        return event

    rewrite_journal(bench, rewrite)


@defect("artifact_bytes_lost", "The disk keeps fewer bytes than were written.", where="tool")
def artifact_bytes_lost(bench: Any) -> None:
    """Cut the last byte of everything that is stored."""
    from certify.phases.framework import ground

    store = artifacts.store_artifact

    def short(run_dir: Any, name: str, data: bytes) -> Any:
        return store(run_dir, name, data[:-1])

    _replace_for(bench, ground, "store_artifact", short)


@defect("clock_goes_back", "The monotonic clock of the machine goes back.", where="tool")
def clock_goes_back(bench: Any) -> None:
    """Count down instead of up while the check looks."""
    from certify.phases.framework import ground

    class Backwards:
        NS_PER_MS = clock.NS_PER_MS
        now = clock.monotonic_ns()

        def monotonic_ns(self) -> int:
            self.now -= clock.NS_PER_MS
            return self.now

        def sleep_s(self, seconds: float) -> None:
            """Do not wait."""

    _replace_for(bench, ground, "clock", Backwards())


@defect("harness_slow", "The harness itself takes 20 ms for each order.", where="tool")
def harness_slow(bench: Any) -> None:
    """Put a slow system in the place of the one that does nothing."""
    from certify.phases.performance import null

    _replace_for(bench, null, "ADAPTER", "certify.defects.slow_null:create")


def _replace_for(bench: Any, module: Any, name: str, value: Any) -> None:
    """Replace a name of a module for as long as the bench is open."""
    before, close = getattr(module, name), bench.close
    setattr(module, name, value)

    def closed(*args: Any, **kwargs: Any) -> None:
        setattr(module, name, before)
        close(*args, **kwargs)

    bench.close = closed


DEFECTS: tuple[Defect, ...] = (
    outcome_lost,
    journal_line_changed,
    journal_line_lost,
    Defect(
        "percentile_prettified", "A figure is called good against its limit.", _finished(_prettified), "tool"
    ),
    Defect(
        "figure_without_samples",
        "A figure is a constant, with no sample behind it.",
        _finished(_constant),
        "tool",
    ),
    journal_times_reversed,
    artifact_bytes_lost,
    clock_goes_back,
    harness_slow,
)
