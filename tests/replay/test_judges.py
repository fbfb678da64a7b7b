"""Each kind of damage turns its own check red, and what is legal stays green."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.ids import Outcome
from certify.model.trading import Quote, Trade
from certify.phases.tape import TAPE_CHECKS, settings_from
from certify.phases.tape.histogram import LogHistogram
from certify.phases.tape.report import Kind
from certify.phases.tape.session import SessionClock, parse_session

S = 10**9
START = 1_767_623_400 * S


def quote(at, bid="10.00", ask="10.02", *, name="A", seq=None, size="100", recv=None, venue=None):
    bid, ask = (None if price is None else Decimal(price) for price in (bid, ask))
    size = Decimal(size)
    return Quote(
        name,
        bid,
        None if bid is None else size,
        ask,
        None if ask is None else size,
        START + at,
        recv,
        seq,
        venue,
    )


def trade(at, price="10.01", size="10", **more):
    return Trade("A", Decimal(price), Decimal(size), START + at, **more)


def numbered(count, *, step=S, **more):
    return [quote(i * step, seq=i + 1, **more) for i in range(count)]


def damaged(place, **fields):
    rows = numbered(50)
    rows[place] = replace(rows[place], **fields)
    return rows


SPOILED = {
    "zero_prices": damaged(7, bid=Decimal(0)),
    "zero_sizes": damaged(7, bid_size=Decimal(0)),
    "stub_quotes": damaged(7, bid=Decimal("0.01"), ask=Decimal(199_999)),
    "crossed": damaged(7, bid=Decimal("10.03")),
    "locked": damaged(7, bid=Decimal("10.02")),
    "tick_size": damaged(7, bid=Decimal("10.003")),
    "duplicates": [*numbered(50), numbered(50)[-1]],
    "sequence": [row for row in numbered(50) if row.seq != 20],
    "out_of_order": [*numbered(50)[:20], numbered(50)[21], numbered(50)[20], *numbered(50)[22:]],
    "clocks": [replace(row, ts_event_ns=row.ts_event_ns // 1_000_000) for row in numbered(50)],
    "lateness": [replace(row, ts_recv_ns=row.ts_event_ns + 9 * S) for row in numbered(50)],
    "completeness": [],
}


@pytest.mark.parametrize("name", SPOILED)
def test_damage_turns_its_check_red_and_no_other(audited, name):
    audit = audited(SPOILED[name], ticks={"A": Decimal("0.01")})
    assert audit.failed == {name}


def test_undamaged_rows_pass_every_check_that_applies(audited):
    rows = sorted([*numbered(2_000), trade(5)], key=lambda row: row.ts_event_ns)
    audit = audited(rows, ticks={"A": Decimal("0.01")}, expected_quotes="2000", expected_trades="1")
    assert {j.outcome for j in audit.judged.values()} == {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert audit.outcome("lateness") is Outcome.NOT_APPLICABLE


def test_a_finding_says_count_share_duration_and_first_example(audited):
    audit = audited([*damaged(7, bid=Decimal("10.03"))])
    finding = audit.report.finding(Kind.CROSSED)
    assert (finding.count, finding.population, finding.share) == (1, 50, 0.02)
    assert finding.duration_s == finding.longest_s == 1.0
    assert finding.share_of_time == pytest.approx(1 / 49)
    assert "10.03 x 100 / 10.02 x 100" in finding.first
    assert "2026-01-05T14:30:07.000000000Z" in finding.first
    assert "1 of 50 quotes" in audit.message("crossed")


def test_swapped_clocks_are_told_apart_from_lateness(audited):
    rows = [replace(row, ts_recv_ns=row.ts_event_ns - S) for row in numbered(50)]
    audit = audited(rows)
    assert audit.failed == {"clocks"}
    assert "look swapped" in audit.message("clocks")


@pytest.mark.parametrize(("factor", "unit"), [(10**9, "s"), (10**6, "ms"), (10**3, "us")])
def test_the_unit_of_a_wrong_clock_is_named(audited, factor, unit):
    audit = audited([replace(row, ts_event_ns=row.ts_event_ns // factor) for row in numbered(50)])
    assert f"they look like {unit}" in audit.message("clocks")


def test_a_reset_is_found_and_can_be_allowed(audited):
    rows = [*numbered(50), *[replace(row, ts_event_ns=row.ts_event_ns + 60 * S) for row in numbered(50)]]
    assert audited(rows).failed == {"sequence"}
    assert audited(rows, max_resets="1").failed == set()


def test_a_late_row_is_out_of_order_but_not_missing(audited):
    rows = numbered(50)
    audit = audited([*rows[:10], *rows[11:13], rows[10], *rows[13:]])
    assert audit.failed == {"out_of_order"}
    assert audit.report.sequence.missing == 0


def test_a_stale_instrument_is_found_while_others_tick(audited):
    lively = [quote(i * S // 10, name="B", seq=i + 1) for i in range(3_000)]
    mute = [quote(i * S // 10, name="A", seq=i + 1) for i in range(100)]
    audit = audited(sorted(lively + mute, key=lambda row: row.ts_event_ns))
    assert audit.failed == {"stale_instruments"}
    assert audit.report.finding(Kind.STALE).longest_s == pytest.approx(290, abs=0.1)
    assert audited(lively).failed == set()


def test_a_quiet_instrument_that_always_was_quiet_is_not_stale(audited):
    lively = [quote(i * S, name="B", seq=i + 1) for i in range(4_000)]
    quiet = [quote(i * 90 * S, name="A", seq=i + 1) for i in range(40)]
    assert audited(sorted(lively + quiet, key=lambda row: row.ts_event_ns)).failed == set()


def test_the_night_between_sessions_is_no_silence(audited):
    day = [quote(i * S, seq=i + 1) for i in range(100)]
    other = [quote(i * S, name="B", seq=i + 1) for i in range(100)]
    night = 86_400 * S
    later = [replace(row, ts_event_ns=row.ts_event_ns + night, seq=row.seq + 100) for row in (*day, *other)]
    rows = sorted([*day, *other, *later], key=lambda row: row.ts_event_ns)
    audit = audited(rows, session="09:30-16:00 America/New_York")
    assert audit.failed == set()
    assert Kind.TAPE_SILENCE not in audit.report.findings
    assert Kind.TAPE_SILENCE in audited(rows).report.findings


def test_one_sided_and_empty_books_are_legal(audited):
    rows = [quote(S, None, "10.02"), quote(2 * S, "10.00", None), quote(3 * S, None, None)]
    audit = audited(rows, sequence="none")
    assert audit.failed == set()
    assert audit.report.finding(Kind.ONE_SIDED).count == 2
    assert audit.report.finding(Kind.EMPTY_BOOK).count == 1


def test_equal_prints_without_ids_are_legal_and_with_one_id_are_not(audited):
    quotes = [quote(0)]
    assert audited([*quotes, trade(S), trade(S)], sequence="none").failed == set()
    twice = [*quotes, trade(S, trade_id="x"), trade(S, trade_id="x")]
    assert audited(twice, sequence="none").failed == {"duplicates"}


def test_venues_merged_into_one_market_are_crossed_where_each_alone_is_not(audited):
    rows = [
        quote(0, "10.00", "10.02", venue="N"),
        quote(S, "10.05", "10.07", venue="Q"),
        quote(3 * S, "10.05", "10.07", venue="N"),
    ]
    assert audited(rows, sequence="none").failed == set()
    audit = audited(rows, sequence="none", scope="nbbo")
    assert audit.failed == {"crossed"}
    assert audit.report.finding(Kind.CROSSED).duration_s == 2.0


def test_a_cancel_without_its_original_is_red(audited):
    rows = [quote(0), *[trade(i * S) for i in range(1, 2_000)]]
    told = [*rows, trade(2_000 * S, size="77", correction="8"), trade(2_001 * S, size="77", correction="10")]
    assert audited(told, sequence="none").failed == set()
    assert audited(told[:-1], sequence="none").failed == {"busted_trades"}


def test_a_trade_far_outside_the_quote_is_red(audited):
    rows = [quote(0), trade(S), trade(2 * S, "12.00")]
    audit = audited(rows, sequence="none")
    assert audit.failed == {"trades_through_quote"}
    assert "prevailing 10.00 / 10.02" in audit.message("trades_through_quote")


def test_repeated_quotes_without_numbers_are_red(audited):
    rows = [quote(i * S) for i in range(100)]
    assert audited([*rows, rows[-1]], sequence="none").failed == {"duplicates"}


def test_claimed_numbers_that_never_come_are_red(audited):
    assert audited([quote(i * S) for i in range(10)], order_scope="feed").failed == {"sequence"}


def test_every_card_has_a_defect_a_remedy_and_known_parameters():
    ids = [card.id for card, _ in TAPE_CHECKS]
    assert len(ids) == len(set(ids)) == 15
    for card, _ in TAPE_CHECKS:
        assert card.defects
        assert card.remedy
        assert all(parameter.text for parameter in card.parameters)


def test_a_parameter_wins_over_an_option_and_a_default_does_not():
    session = {"open": "09:30", "close": "16:00", "time_zone": "America/New_York"}
    settings = settings_from(
        {"scope": "nbbo", "sequence": "none", "session": session}, {"sequence": "shared"}
    )
    assert (settings.scope, settings.sequence) == ("nbbo", "shared")
    assert settings.session == parse_session("09:30-16:00 America/New_York")


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "world"},
        {"sequence": "some"},
        {"max_stale": "soon"},
        {"stub_spread": "wide"},
        {"session": "9-5"},
        {"session": "09:30-16:00 Moon/Base"},
        {"session": "25:30-16:00 UTC"},
    ],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        settings_from({}, wrong)


def test_a_session_over_midnight_holds_both_days():
    clock = SessionClock(parse_session("17:00-16:00 America/New_York"))
    assert clock.inside(START)
    assert not clock.inside(START + int(6.6 * 3600) * S)
    assert clock.inside(START + 8 * 3600 * S)
    assert clock.inside(START)


def test_percentiles_are_within_a_sixteenth():
    histogram = LogHistogram()
    for value in range(1, 10_001):
        histogram.add(value)
    assert histogram.percentile(50) == pytest.approx(5_000, rel=1 / 16)
    assert histogram.percentile(99) == pytest.approx(9_900, rel=1 / 16)
    assert histogram.percentile(100) == histogram.maximum == 10_000
