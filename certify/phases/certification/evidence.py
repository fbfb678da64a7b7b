"""Is the evidence whole: every planned check answered, the journal unbroken, its figures consistent?"""

from __future__ import annotations

from typing import Any

from certify.errors import EvidenceError
from certify.evidence.consistency import contradictions
from certify.evidence.files import JOURNAL_FILE
from certify.evidence.journal import read_journal
from certify.model.card import CheckCard
from certify.model.events import CheckFinished, CheckStarted, Event, LoadFinished
from certify.model.fold import fold
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.measure import Measurement
from certify.phases.api import Check, Finding, Unmet, check, expect, not_applicable, passed
from certify.phases.trial import Trial


def _card(name: str, title: str, severity: Severity, **more: Any) -> CheckCard:
    return CheckCard(
        id=f"certify.{name}",
        title=title,
        phase=PhaseId.CERTIFICATION,
        component=ComponentId.CERTIFY,
        severity=severity,
        **more,
    )


def journal(trial: Trial) -> tuple[Event, ...]:
    """Return the journal so far; damage fails the check."""
    try:
        return tuple(read_journal(trial.shared.run_dir / JOURNAL_FILE).events)
    except EvidenceError as error:
        raise Unmet(f"expected an unbroken journal, was {error}") from error


@check(
    _card(
        "journal_intact",
        "The journal is an unbroken chain: no line changed, missing or out of place",
        Severity.CRITICAL,
        steps=("read the journal from its first line", "recompute the hash of every line"),
        passes_when="each line names the hash of the line before it",
        remedy="nothing but this tool may write into a run directory while it runs",
        references=("DC-08", "law 9: nothing is lost"),
        defects=("journal_line_changed", "journal_line_lost"),
    )
)
def journal_intact(trial: Trial) -> Finding:
    """Read everything back."""
    events = journal(trial)
    return passed(
        f"{len(events)} lines, each bound to the one before",
        Measurement(name="journal_lines", value=len(events), unit="count"),
    )


@check(
    _card(
        "plan_answered",
        "Every check of the plan up to here has exactly one outcome",
        Severity.CRITICAL,
        steps=("read the outcomes from the journal", "compare them with the plan"),
        passes_when="none is missing, none is there twice, none is unknown",
        remedy="look for the check without an outcome in the journal; run again",
        references=("DC-02", "in-toto: all tests were in fact run", "law 4: silence is failure"),
        defects=("outcome_lost",),
    )
)
def plan_answered(trial: Trial) -> Finding:
    """Compare plan and journal."""
    done = [event.id for event in journal(trial) if isinstance(event, CheckFinished)]
    wanted = []
    for planned in trial.plan.checks:
        if planned.id == trial.planned.id:
            break
        wanted.append(planned.id)
    missing = sorted(set(wanted) - set(done))
    expect(not missing, f"expected an outcome of every check, was none of {', '.join(missing)}")
    twice = sorted({name for name in done if done.count(name) > 1})
    expect(not twice, f"expected one outcome of each check, was more of {', '.join(twice)}")
    return passed(f"{len(done)} of {len(trial.plan.checks)} checks answered so far")


@check(
    _card(
        "figures_consistent",
        "Outcomes agree with their own measurements, and percentiles with their histograms",
        Severity.CRITICAL,
        steps=("fold the journal to a result", "compare outcomes, limits, percentiles and counts"),
        passes_when="no figure contradicts another",
        remedy="a contradiction is a fault of this tool: report it with the run directory",
        references=("DC-01", "law 1: every number has samples behind it"),
        defects=("percentile_prettified",),
    )
)
def figures_consistent(trial: Trial) -> Finding:
    """Fold and compare."""
    events = journal(trial)
    found = contradictions(fold(events))
    expect(not found, f"expected consistent figures, was: {'; '.join(found[:3])}")
    loads = sum(isinstance(event, LoadFinished) for event in events)
    return passed(f"no contradiction; {loads} load results agree with their histograms")


@check(
    _card(
        "samples_behind_figures",
        "Every measurement names at least one sample",
        Severity.CRITICAL,
        steps=("read every measurement from the journal", "look at its number of samples"),
        passes_when="none has fewer than one sample",
        remedy="a figure without samples is a constant: find where it is made",
        references=("law 1: every number has samples behind it", "hollow certificate T3"),
        defects=("figure_without_samples",),
    )
)
def samples_behind_figures(trial: Trial) -> Finding:
    """Look at every figure."""
    events = journal(trial)
    figures = [(e.id, m) for e in events if isinstance(e, CheckFinished) for m in e.measurements]
    bare = [f"{name} {figure.name}" for name, figure in figures if figure.samples < 1]
    expect(not bare, f"expected samples behind every figure, was none behind {', '.join(bare[:5])}")
    if not figures:
        return not_applicable("nothing was measured in this selection")
    return passed(f"{len(figures)} figures, each with samples")


@check(
    _card(
        "checks_timed",
        "The journal says when each check began and ended, in that order",
        Severity.MAJOR,
        steps=("pair the beginning and the end of each check", "compare their times"),
        passes_when="each that ran has a beginning before its end",
        remedy="look at the clock of the machine: it went back during the run",
        references=("DC-06", "rts6.17.3"),
        defects=("journal_times_reversed",),
    )
)
def checks_timed(trial: Trial) -> Finding:
    """Pair beginnings and ends."""
    began: dict[str, int] = {}
    pairs = 0
    for event in journal(trial):
        if isinstance(event, CheckStarted):
            began[event.id] = event.at_ns
        elif isinstance(event, CheckFinished) and event.id in began:
            pairs += 1
            late = event.at_ns >= began[event.id]
            expect(late, f"{event.id}: expected its end after its beginning, was before")
    return passed(f"{pairs} checks have a beginning and an end")


CHECKS: tuple[Check, ...] = (
    journal_intact,
    plan_answered,
    figures_consistent,
    samples_behind_figures,
    checks_timed,
)
