"""From the figures of a tape to outcomes: one pure function per check."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from certify.model.ids import Outcome
from certify.model.measure import Bound, Measurement
from certify.phases.api import Finding, bounded, failed, inconclusive, not_applicable
from certify.phases.tape.parameters import count_of, ms_of, share_of, written
from certify.phases.tape.report import Kind, TapeFinding, TapeReport
from certify.phases.tape.units import one_of

Judgement = Finding
"""Outcome, message, measurements and limits: what a check function returns."""
JudgeFunction = Callable[[TapeReport, Mapping[str, str]], Judgement]

ENOUGH_FOR_P99 = 1_000
"""Samples below which the 99th percentile is no more than the few largest values."""


def said(finding: TapeFinding, what: str) -> str:
    """Return count, share, duration and first example of a finding as a sentence part."""
    text = f"{finding.count:,} of {finding.population:,} {what} ({finding.share:.3%})"
    if finding.duration_s is not None and finding.count:
        text += f", {finding.duration_s:,.3f} s in all, {finding.longest_s or 0:,.3f} s at most"
    if finding.share_of_time is not None:
        text += f", {finding.share_of_time:.2%} of the time"
    return text + (f"; first: {finding.first}" if finding.first else "")


def figures(finding: TapeFinding, name: str) -> tuple[Measurement, ...]:
    """Return share, count and, where it lasts, longest duration of a finding as measurements."""
    size = finding.population
    found = [
        Measurement(name=f"{name}_share", value=100 * finding.share, unit="%", samples=size),
        Measurement(name=name, value=finding.count, unit="count", samples=size),
    ]
    if finding.longest_s is not None:
        samples = max(finding.count, 1)
        found.append(Measurement(name=f"{name}_longest", value=finding.longest_s, unit="s", samples=samples))
    if finding.share_of_time is not None:
        of_time = 100 * finding.share_of_time
        found.append(Measurement(name=f"{name}_share_of_time", value=of_time, unit="%", samples=size))
    return tuple(found)


def by_share(
    report: TapeReport, parameters: Mapping[str, str], kind: Kind, what: str, limit: str, name: str = ""
) -> Judgement:
    """Return passed when the share of `kind` keeps the percentage parameter `limit`."""
    finding = report.finding(kind)
    if not finding.population:
        return inconclusive(f"nothing to judge: no {what.split(maxsplit=1)[0]} arrived")
    name = name or kind.value
    bound = Bound(name=f"{name}_share", op="<=", value=share_of(parameters, limit), unit="%")
    return bounded(said(finding, what), figures(finding, name), (bound,))


def together(*parts: Judgement) -> Judgement:
    """Return one judgement of several: failed when one is, else inconclusive when one is, else passed."""
    order = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED, Outcome.NOT_APPLICABLE)
    outcome = min((part.outcome for part in parts), key=order.index)
    return Judgement(
        outcome=outcome,
        message=". ".join(part.message for part in sorted(parts, key=lambda part: order.index(part.outcome))),
        measurements=tuple(m for part in parts for m in part.measurements),
        limits=tuple(limit for part in parts for limit in part.limits),
    )


def judge_completeness(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge the number of rows against the number that the recording is said to hold."""
    expected = {name: count_of(parameters, f"expected_{name}") for name in ("quotes", "trades")}
    found = {"quotes": report.quotes, "trades": report.trades}
    measured = tuple(
        Measurement(name=name, value=n, unit="count", samples=n) for name, n in found.items() if n
    )
    if not measured:
        return failed("expected quotes or trades, none arrived")
    if all(value is None for value in expected.values()):
        text = f"{report.quotes:,} quotes and {report.trades:,} trades; no expected number is declared"
        return not_applicable(text)
    bounds = tuple(
        Bound(name=name, op="==", value=value, unit="count")
        for name, value in expected.items()
        if value is not None
    )
    return bounded(f"{report.quotes:,} quotes and {report.trades:,} trades arrived", measured, bounds)


def judge_out_of_order(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge the order of arrival: by sequence numbers, or else by event times."""
    by_event = report.finding(Kind.EVENT_BEFORE_PREVIOUS)
    if report.sequence.numbered:
        finding = report.finding(Kind.SEQUENCE_INVERSION)
        bound = Bound(name="sequence_inversion", op="<=", value=0, unit="count")
        measured = figures(finding, "sequence_inversion") + figures(by_event, "event_before_previous")
        text = said(finding, "numbered events after a higher number")
        return bounded(f"{text}. Stamped before the event before: {by_event.count:,}", measured, (bound,))
    scope = one_of(written(parameters, "order_scope"), ("instrument", "feed"), "order_scope")
    kind = Kind.EVENT_BEFORE_PREVIOUS if scope == "feed" else Kind.EVENT_BEFORE_PREVIOUS_OF_INSTRUMENT
    what = f"events stamped before the one before them in their {scope}"
    return by_share(report, parameters, kind, what, "max_out_of_order_share", "event_before_previous")


def judge_duplicates(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge events with a number or id seen before, and unnumbered quotes said twice."""
    parts = []
    if report.sequence.numbered:
        what = "numbered events with a number seen before"
        parts.append(by_share(report, parameters, Kind.DUPLICATE_SEQUENCE, what, "max_duplicate_share"))
    elif report.quotes:
        what = "quotes equal to one of the same time"
        parts.append(by_share(report, parameters, Kind.REPEATED_QUOTE, what, "max_repeat_share"))
    if report.trades:
        what = "trades with an id seen before"
        parts.append(by_share(report, parameters, Kind.DUPLICATE_TRADE_ID, what, "max_duplicate_share"))
        equal = report.finding(Kind.EQUAL_PRINT)
        if equal.count:
            text = said(equal, "trades without an id equal to one of the same time (legal)")
            parts.append(
                Judgement(outcome=Outcome.PASSED, message=text, measurements=figures(equal, "equal_print"))
            )
    return together(*parts) if parts else inconclusive("nothing to judge: no events arrived")


def judge_clocks(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge which clock is which: plausible nanoseconds, and received not before it happened."""
    wild = report.finding(Kind.IMPLAUSIBLE_TIME)
    bound = Bound(name="implausible_time", op="<=", value=0, unit="count")
    if not wild.population:
        return inconclusive("nothing to judge: no events arrived")
    text = said(wild, "event times outside 1980 to 2100")
    if wild.count and report.time_unit != "ns":
        text += f"; they look like {report.time_unit}, not ns"
    parts = [bounded(text, figures(wild, "implausible_time"), (bound,))]
    if report.lateness.samples:
        early = report.finding(Kind.RECV_BEFORE_EVENT)
        what = "events received before they happened"
        if early.share > 0.5:
            what += " (event and receive time look swapped)"
        limit = "max_recv_before_event_share"
        parts.append(by_share(report, parameters, Kind.RECV_BEFORE_EVENT, what, limit))
    return together(*parts)


def judge_lateness(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge the delay between event and receipt; the maximum where there are too few for a percentile."""
    late = report.lateness
    if not late.samples:
        return not_applicable("the events carry no receive time of their own")
    few = late.samples < ENOUGH_FOR_P99
    name, value = ("lateness_max", late.max_ms) if few else ("lateness_p99", late.p99_ms)
    n = late.samples
    measured = [Measurement(name=name, value=value, unit="ms", samples=n)]
    measured.append(Measurement(name="lateness_p50", value=late.p50_ms, unit="ms", samples=n))
    if not few:
        measured.append(Measurement(name="lateness_max", value=late.max_ms, unit="ms", samples=n))
    behind = report.finding(Kind.EVENT_BEFORE_PREVIOUS)
    text = f"receive minus event time: p50 {late.p50_ms:,.1f} ms, p99 {late.p99_ms:,.1f} ms"
    text += f", max {late.max_ms:,.1f} ms"
    text += f"; {said(behind, 'events stamped before the one before them')}"
    bound = Bound(name=name, op="<=", value=ms_of(parameters, "max_lateness_p99"), unit="ms")
    return bounded(text, tuple(measured), (bound,))


def judge_crossed(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge quotes that leave bid above ask."""
    return by_share(report, parameters, Kind.CROSSED, "quotes leave the book crossed", "max_crossed_share")


def judge_locked(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge quotes that leave bid equal to ask."""
    return by_share(report, parameters, Kind.LOCKED, "quotes leave the book locked", "max_locked_share")


def judge_zero_prices(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge prices of zero, and prices or sizes below: an absent side is none, never 0."""
    return together(
        by_share(report, parameters, Kind.ZERO_PRICE, "events with a price of zero", "max_zero_share"),
        by_share(report, parameters, Kind.NEGATIVE, "events with a negative price or size", "max_zero_share"),
    )


def judge_zero_sizes(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge sizes of zero."""
    return by_share(report, parameters, Kind.ZERO_SIZE, "events with a size of zero", "max_zero_size_share")


def judge_stub_quotes(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge placeholder quotes, far wider than any market."""
    spread = f"{float(report.settings.stub_spread):.0%}"
    what = f"quotes wider than {spread} of their mid, or with a placeholder price"
    return by_share(report, parameters, Kind.STUB_QUOTE, what, "max_stub_share")


def judge_tick_size(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge quotes against the price grid, where it is known; trades may print between ticks."""
    if report.quotes and not report.on_grid:
        return not_applicable("the profile names none of these instruments with its tick")
    return by_share(report, parameters, Kind.OFF_TICK, "quotes off the price grid", "max_off_tick_share")


def judge_stale_instruments(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge active instruments that fell silent while others ticked, and expected ones that never ticked."""
    limit = report.settings.max_stale_ns / 1e9
    what = f"instruments: times that one fell silent for more than {limit:g} s while others ticked"
    stale = by_share(report, parameters, Kind.STALE, what, "max_stale_share")
    silence = report.finding(Kind.TAPE_SILENCE)
    if silence.count:
        more = f"the whole feed was silent {silence.count:,} times, {silence.longest_s or 0:,.1f} s at most"
        stale = together(stale, Judgement(outcome=Outcome.PASSED, message=f"{more}; first: {silence.first}"))
    if not report.settings.expected:
        return stale
    dark = report.finding(Kind.DARK)
    bound = Bound(name="dark", op="<=", value=0, unit="count")
    return together(stale, bounded(said(dark, "instruments never ticked"), figures(dark, "dark"), (bound,)))


def judge_busted_trades(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge how many trades were taken back, and that each bust is told in full."""
    what = "trades cancelled or marked as errors"
    busted = by_share(report, parameters, Kind.BUSTED, what, "max_busted_share")
    if busted.outcome is Outcome.INCONCLUSIVE:
        return busted
    loose = report.finding(Kind.UNMATCHED_CANCEL)
    bound = Bound(name="unmatched_cancel", op="<=", value=0, unit="count")
    told = bounded(said(loose, "trades taken back in part"), figures(loose, "unmatched_cancel"), (bound,))
    volume = f"volume {report.volume} without {report.busted_volume} that was taken back"
    return together(busted, told, Judgement(outcome=Outcome.PASSED, message=volume))


def judge_trades_through_quote(report: TapeReport, parameters: Mapping[str, str]) -> Judgement:
    """Judge trades far outside the prevailing quote."""
    if report.trades and not report.quotes:
        return not_applicable("there are no quotes to hold trades against")
    tolerance = f"{float(report.settings.outside_tolerance):.0%}"
    what = f"trades more than {tolerance} outside the prevailing quote"
    return by_share(report, parameters, Kind.TRADE_OUTSIDE, what, "max_outside_share")
