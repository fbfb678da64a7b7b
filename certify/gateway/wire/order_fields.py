"""The fields of placeOrder in their order: segments that are there always, and those that others announce."""

from __future__ import annotations

from collections.abc import Callable

from certify.gateway.wire.fields import INFINITY, Fields, decimal_of, integer_of
from certify.gateway.wire.frames import WireError

Texts = dict[str, str]
Check = Callable[[str], str] | None
Segment = tuple[tuple[str, Check], ...]

_NOT_SET = -(2**63)


def _integer(text: str) -> str:
    value = integer_of(text, _NOT_SET)
    return "" if value == _NOT_SET else text


def _decimal(text: str) -> str:
    value = decimal_of(text)
    if value is None:
        return ""
    if value == INFINITY:
        raise WireError("infinity is not allowed here")
    return text


def _offset(text: str) -> str:
    return "Infinity" if decimal_of(text) == INFINITY else _decimal(text)


_CHECKS: dict[str, Check] = {"": None, "i": _integer, "d": _decimal, "b": _integer, "o": _offset}
_PLAIN = frozenset({"", "0", "1"})


def _segment(names: str) -> Segment:
    """Compile `name:kind …`; kinds: none text, i whole number, d number, o number or infinity, b boolean."""
    return tuple((name, _CHECKS[kind]) for name, _, kind in (word.partition(":") for word in names.split()))


HEAD = _segment(
    "action total_quantity:d order_type lmt_price:d aux_price:d tif oca_group account open_close origin:i"
    " order_ref transmit:b parent_id:i block_order:b sweep_to_fill:b display_size:i trigger_method:i"
    " outside_rth:b hidden:b"
)
ADVISOR = _segment(
    "shares_allocation discretionary_amt:d good_after_time good_till_date fa_group fa_method fa_percentage"
)
FA_PROFILE = _segment("fa_profile")
MIDDLE = _segment(
    "model_code short_sale_slot:i designated_location exempt_code:i oca_type:i rule_80a settling_firm"
    " all_or_none:b min_qty:i percent_offset:d e_trade_only:b firm_quote_only:b nbbo_price_cap:d"
    " auction_strategy:i starting_price:d stock_ref_price:d delta:d stock_range_lower:d stock_range_upper:d"
    " override_percentage_constraints:b volatility:d volatility_type:i delta_neutral_order_type"
    " delta_neutral_aux_price:d"
)
DELTA_NEUTRAL = _segment(
    "delta_neutral_con_id:i delta_neutral_settling_firm delta_neutral_clearing_account"
    " delta_neutral_clearing_intent delta_neutral_open_close delta_neutral_short_sale:b"
    " delta_neutral_short_sale_slot:i delta_neutral_designated_location"
)
TRAIL_AND_SCALE = _segment(
    "continuous_update:b reference_price_type:i trail_stop_price:d trailing_percent:d scale_init_level_size:i"
    " scale_subs_level_size:i scale_price_increment:d"
)
SCALE = _segment(
    "scale_price_adjust_value:d scale_price_adjust_interval:i scale_profit_offset:d scale_auto_reset:b"
    " scale_init_position:i scale_init_fill_qty:i scale_random_percent:b"
)
HEDGE = _segment("scale_table active_start_time active_stop_time hedge_type")
HEDGE_PARAM = _segment("hedge_param")
CLEARING = _segment("opt_out_smart_routing:b clearing_account clearing_intent not_held:b")
ALGO_STRATEGY = _segment("algo_strategy")
FLAGS = _segment("algo_id what_if:b order_misc_options solicited:b randomize_size:b randomize_price:b")
PEG_BENCH = _segment(
    "reference_contract_id:i is_pegged_change_amount_decrease:b pegged_change_amount:d"
    " reference_change_amount:d reference_exchange_id"
)
CONDITIONS = _segment("conditions_ignore_rth:b conditions_cancel_order:b")
ADJUSTED = _segment(
    "adjusted_order_type trigger_price:d lmt_price_offset:d adjusted_stop_price:d adjusted_stop_limit_price:d"
    " adjusted_trailing_amount:d adjustable_trailing_unit:i ext_operator soft_dollar_name soft_dollar_value"
    " cash_qty:d mifid2_decision_maker mifid2_decision_algo mifid2_execution_trader mifid2_execution_algo"
    " dont_use_auto_price_for_hedge:b is_oms_container:b discretionary_up_to_limit_price:b"
    " use_price_mgmt_algo:b"
)
GATED = (
    (158, _segment("duration:i")),
    (160, _segment("post_to_ats:i")),
    (162, _segment("auto_cancel_parent:b")),
    (166, _segment("advanced_error_override")),
    (169, _segment("manual_order_time")),
)
MIN_TRADE = _segment("min_trade_qty:i")
PEG_BEST = _segment("min_compete_size:i compete_against_best_offset:o")
MID_OFFSETS = _segment("mid_offset_at_whole:d mid_offset_at_half:d")

CONDITION_FIELDS = {
    1: _segment("conjunction is_more:b price:d con_id:i exchange trigger_method:i"),
    3: _segment("conjunction is_more:b time"),
    4: _segment("conjunction is_more:b percent:i"),
    5: _segment("conjunction sec_type exchange symbol"),
    6: _segment("conjunction is_more:b volume:i con_id:i exchange"),
    7: _segment("conjunction is_more:b change:d con_id:i exchange"),
}
"""After a condition's type: price, time, margin, execution, volume, percent change."""

PEG_BENCH_TYPES = frozenset({"PEG BENCH", "PEGBENCH"})


def read_segment(fields: Fields, segment: Segment, into: Texts) -> None:
    """Read a segment's texts; a number in a form of "not set" becomes the empty text.

    Raises:
        WireError: a number is none, or the message ends.
    """
    texts = fields.take(len(segment))
    for (name, check), text in zip(segment, texts, strict=True):
        if check is None or text in _PLAIN:
            into[name] = text
        else:
            into[name] = _checked(name, check, text)


def _checked(name: str, check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except WireError as error:
        raise WireError(f"{name}: {error}") from None
