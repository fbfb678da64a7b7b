"""Every tape check: its card and its judgement."""

from __future__ import annotations

from certify.model.card import CheckCard
from certify.phases.tape import cards, judge
from certify.phases.tape.judge import JudgeFunction
from certify.phases.tape.judge_sequence import judge_sequence

TAPE_CHECKS: tuple[tuple[CheckCard, JudgeFunction], ...] = (
    (cards.COMPLETENESS, judge.judge_completeness),
    (cards.SEQUENCE, judge_sequence),
    (cards.OUT_OF_ORDER, judge.judge_out_of_order),
    (cards.DUPLICATES, judge.judge_duplicates),
    (cards.CLOCKS, judge.judge_clocks),
    (cards.LATENESS, judge.judge_lateness),
    (cards.CROSSED, judge.judge_crossed),
    (cards.LOCKED, judge.judge_locked),
    (cards.ZERO_PRICES, judge.judge_zero_prices),
    (cards.ZERO_SIZES, judge.judge_zero_sizes),
    (cards.STUB_QUOTES, judge.judge_stub_quotes),
    (cards.TICK_SIZE, judge.judge_tick_size),
    (cards.STALE_INSTRUMENTS, judge.judge_stale_instruments),
    (cards.BUSTED_TRADES, judge.judge_busted_trades),
    (cards.TRADES_THROUGH_QUOTE, judge.judge_trades_through_quote),
)
"""Card and judgement, in the order of the catalogue."""
