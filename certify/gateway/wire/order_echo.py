"""The parts that openOrder and completedOrder share: the order as it was sent, filled in as a TWS does.

What a TWS writes into fields that the order does not use was seen in recordings: `?` as a stock's right,
2147483647 as display and scale sizes, OCA type 3, `None` as delta-neutral and adjusted order type, the
largest double as margin.
"""

from __future__ import annotations

from decimal import Decimal

from certify.gateway.wire.contract import WireContract, WireLeg, c11
from certify.gateway.wire.frames import UNSET_DOUBLE, UNSET_INTEGER, number
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.order_fields import PEG_BENCH_TYPES


def amount(value: Decimal | None) -> str:
    """Write an amount, "not set" as the largest double."""
    return UNSET_DOUBLE if value is None else number(value)


def price(value: Decimal | None) -> str:
    """Write a price, "not set" as 0.0, as openOrder has it."""
    return "0.0" if value is None else number(value)


def optional(value: Decimal | None) -> str:
    """Write a number, "not set" as the empty text."""
    return "" if value is None else number(value)


def flag(value: bool) -> str:
    """Write 0 or 1."""
    return "1" if value else "0"


def compile_fields(names: str) -> tuple[tuple[str, str], ...]:
    """Compile `name=fill …`: the fields of the order's texts, and what stands for an empty one."""
    return tuple((name, fill) for name, _, fill in (word.partition("=") for word in names.split()))


STRATEGY = "settling_firm short_sale_slot=0 designated_location exempt_code=-1"
RANGES = "starting_price stock_ref_price delta stock_range_lower stock_range_upper"
FA = compile_fields("fa_group fa_method fa_percentage")
OPEN_MIDDLE = compile_fields(f"{STRATEGY} auction_strategy=0 {RANGES}")
OPEN_CAPS = compile_fields("e_trade_only=0 firm_quote_only=0 nbbo_price_cap")
COMPLETED_MIDDLE = compile_fields(f"{STRATEGY} {RANGES}")
VOLATILITY = compile_fields("volatility volatility_type=0")
DELTA_NEUTRAL = compile_fields(
    "delta_neutral_con_id=0 delta_neutral_settling_firm delta_neutral_clearing_account"
    " delta_neutral_clearing_intent delta_neutral_open_close=? delta_neutral_short_sale=0"
    " delta_neutral_short_sale_slot=0 delta_neutral_designated_location"
)
COMPLETED_DELTA_NEUTRAL = compile_fields(
    "delta_neutral_con_id=0 delta_neutral_short_sale=0 delta_neutral_short_sale_slot=0"
    " delta_neutral_designated_location"
)
REFERENCE = compile_fields("continuous_update=0 reference_price_type=0")
SCALE_SIZES = compile_fields(f"scale_init_level_size={UNSET_INTEGER} scale_subs_level_size={UNSET_INTEGER}")
SCALE = compile_fields(
    "scale_price_adjust_value scale_price_adjust_interval=0 scale_profit_offset scale_auto_reset=0"
    " scale_init_position=0 scale_init_fill_qty=0 scale_random_percent=0"
)
CLEARING = compile_fields("clearing_account clearing_intent=IB not_held=0")
RANDOM = compile_fields("randomize_size=0 randomize_price=0")
PEG_BENCH = compile_fields(
    "reference_contract_id=0 is_pegged_change_amount_decrease=0 pegged_change_amount reference_change_amount"
    " reference_exchange_id"
)
CONDITIONS = compile_fields("conditions_ignore_rth=0 conditions_cancel_order=0")
ADJUSTED = compile_fields(
    f"adjusted_stop_price={UNSET_DOUBLE} adjusted_stop_limit_price={UNSET_DOUBLE}"
    f" adjusted_trailing_amount={UNSET_DOUBLE} adjustable_trailing_unit=0 soft_dollar_name soft_dollar_value"
)
PRICING = compile_fields(
    "cash_qty dont_use_auto_price_for_hedge=1 is_oms_container=0 discretionary_up_to_limit_price=0"
    " use_price_mgmt_algo=0"
)
COMPLETED_PRICING = compile_fields("cash_qty dont_use_auto_price_for_hedge=1 is_oms_container=0")
PEGS = compile_fields(
    "min_trade_qty min_compete_size compete_against_best_offset mid_offset_at_whole mid_offset_at_half"
)


def sent(order: WireOrder, names: tuple[tuple[str, str], ...]) -> list[str]:
    """Write these fields as the client sent them, its empty ones as a TWS fills them."""
    get = order.texts.get
    return [get(name) or fill for name, fill in names]


def described(contract: WireContract) -> list[str]:
    """Write the contract; a right that is not there is `?`."""
    return c11(contract, right=contract.right or "?").split("\0")


def leg_texts(leg: WireLeg) -> tuple[str, ...]:
    """Write the eight fields of a leg."""
    return (
        str(leg.con_id),
        str(leg.ratio),
        leg.action,
        leg.exchange,
        str(leg.open_close),
        str(leg.short_sale_slot),
        leg.designated_location,
        str(leg.exempt_code),
    )


def pair_texts(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    """Write a count and that many tags and values."""
    return [str(len(pairs)), *(text for pair in pairs for text in pair)]


def leg_blocks(order: WireOrder, contract: WireContract) -> list[str]:
    """Write the description of the legs (always empty), the legs, their prices and the routing."""
    legs = contract.legs or order.contract.legs
    if not legs and not order.order_leg_prices and not order.smart_routing_params:
        return ["", "0", "0", "0"]
    prices = order.order_leg_prices
    return [
        "",
        str(len(legs)),
        *(text for leg in legs for text in leg_texts(leg)),
        str(len(prices)),
        *map(optional, prices),
        *pair_texts(order.smart_routing_params),
    ]


def scale_and_hedge(order: WireOrder) -> list[str]:
    """Write the scale, its seven further fields if it has steps, and the hedge."""
    get = order.texts.get
    increment = get("scale_price_increment", "")
    texts = [*sent(order, SCALE_SIZES), increment]
    if increment and Decimal(increment) > 0:
        texts += sent(order, SCALE)
    texts.append(order.hedge_type)
    if order.hedge_type:
        texts.append(get("hedge_param", ""))
    return texts


def delta_neutral_contract(order: WireOrder) -> tuple[str, ...]:
    """Write whether there is a delta-neutral contract, and it."""
    given = order.contract.delta_neutral
    if given is None:
        return ("0",)
    return ("1", str(given.con_id), number(given.delta), number(given.price))


def algo(order: WireOrder) -> list[str]:
    """Write the algorithm and its parameters."""
    return [order.algo_strategy, *pair_texts(order.algo_params)] if order.algo_strategy else [""]


def conditions(order: WireOrder) -> list[str]:
    """Write the conditions and what they mean together."""
    texts = [str(len(order.conditions))]
    for condition in order.conditions:
        texts += (str(condition.kind), *condition.texts)
    if order.conditions:
        texts += sent(order, CONDITIONS)
    return texts


def first(order: WireOrder, contract: WireContract, total_quantity: str) -> list[str]:
    """Write what both messages begin with: the contract and the order up to its reference."""
    return [
        *described(contract),
        order.action,
        total_quantity,
        order.order_type,
        price(order.lmt_price),
        price(order.aux_price),
        order.tif or "DAY",
        order.oca_group,
        order.account,
        order.open_close,
        str(order.origin),
        order.order_ref,
    ]


def advisor(version: int, order: WireOrder) -> list[str]:
    """Write the advisor's fields up to the offset in percent."""
    texts = sent(order, FA)
    if version < 177:
        texts.append(order.texts.get("fa_profile", ""))
    texts += (order.model_code, order.good_till_date, order.texts.get("rule_80a", ""))
    texts.append(optional(order.percent_offset))
    return texts


def trail(order: WireOrder) -> list[str]:
    """Write reference and trail."""
    return [*sent(order, REFERENCE), optional(order.trail_stop_price), optional(order.trailing_percent)]


def peg_bench(order: WireOrder) -> list[str]:
    """Write the five fields of an order pegged to a benchmark, if it is one."""
    return sent(order, PEG_BENCH) if order.order_type in PEG_BENCH_TYPES else []


def display_size(order: WireOrder) -> str:
    """Write the size that is shown; all of it is "not set"."""
    return str(order.display_size or UNSET_INTEGER)


def min_qty(order: WireOrder) -> str:
    """Write the least quantity."""
    return "" if order.min_qty is None else str(order.min_qty)
