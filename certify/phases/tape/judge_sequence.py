"""Judges the sequence numbers: is anything missing?"""

from __future__ import annotations

from collections.abc import Mapping

from certify.model.ids import Outcome
from certify.model.measure import Bound, Measurement
from certify.phases.api import bounded, failed, inconclusive, not_applicable
from certify.phases.tape.judge import Judgement, by_share, together
from certify.phases.tape.parameters import count_of
from certify.phases.tape.report import Kind, TapeReport

CONTIGUOUS_FROM = 0.9
"""Share of steps of one from which numbers count as contiguous when nothing is declared: a numbering
shared with other messages has far more holes, a feed that loses every tenth message is still caught."""
ENOUGH_IN_PACKETS = 1_000
"""Steps within packets below which a share of 0.1 % could not be told from none."""


def judge_sequence(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge gaps and resets of contiguous numbers, and holes in regular runs of shared ones."""
    numbers, declared = report.sequence, report.settings.sequence
    if declared == "none":
        return not_applicable("the feed has no sequence numbers (sequence: none)")
    if not report.quotes + report.trades:
        return inconclusive("nothing to judge: no events arrived")
    if not numbers.numbered:
        return failed("expected sequence numbers, none arrived (declare `sequence: none` if there are none)")
    contiguous = declared == "contiguous" or (declared == "auto" and numbers.unit_share >= CONTIGUOUS_FROM)
    unnumbered = report.quotes + report.trades - numbers.numbered
    if declared == "auto" and contiguous and 0 < numbers.missing <= unnumbered:
        reason = f"{numbers.missing:,} numbers are missing and {unnumbered:,} events came without one"
        return not_applicable(f"{reason}: they may share the numbering; declare `sequence` to have it judged")
    rule = _contiguous(report, parameters) if contiguous else _shared(report, parameters)
    resets = _resets(report, parameters)
    if rule.outcome is Outcome.NOT_APPLICABLE and resets.outcome is Outcome.PASSED:
        return rule
    return together(rule, resets)


def _contiguous(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    numbers = report.sequence
    gap = report.finding(Kind.SEQUENCE_GAP)
    span = numbers.missing + numbers.numbered - numbers.duplicates
    text = f"{numbers.missing:,} of {span:,} numbers missing, contiguous per {numbers.scope}"
    if numbers.missing:
        text += f", in {gap.count:,} gaps; first: {gap.first}"
    measured = Measurement(name="missing", value=numbers.missing, unit="count", samples=span)
    bound = Bound(name="missing", op="<=", value=count_of(parameters, "max_missing") or 0, unit="count")
    return bounded(text, (measured,), (bound,))


def _shared(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge the holes that other message types do not explain.

    Across packets they are judged only where quotes and trades are both there: without one of them
    its numbers are the holes.
    """
    parts = []
    if report.sequence.burst_steps >= ENOUGH_IN_PACKETS:
        what = "steps within a packet leave a hole in a regular run"
        parts.append(by_share(report, parameters, Kind.BURST_HOLE, what, "max_packet_hole_share"))
    if report.quotes and report.trades:
        what = "steps leave a hole in a regular run"
        parts.append(by_share(report, parameters, Kind.SEQUENCE_HOLE, what, "max_hole_share"))
    if not parts:
        reason = "other messages share the numbers, and neither packets nor both kinds of event are recorded"
        return not_applicable(
            f"{reason}: a lost row cannot be seen; declare expected_quotes and expected_trades"
        )
    return together(*parts)


def _resets(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    numbers = report.sequence
    text = f"{numbers.resets:,} resets of the numbering"
    if numbers.resets:
        text += f"; first: {numbers.examples.get(Kind.SEQUENCE_RESET, '')}"
    measured = Measurement(name="resets", value=numbers.resets, unit="count", samples=max(numbers.steps, 1))
    bound = Bound(name="resets", op="<=", value=count_of(parameters, "max_resets") or 0, unit="count")
    return bounded(text, (measured,), (bound,))
