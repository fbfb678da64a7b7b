"""placeOrder: reads every field of an order, types what the gateway acts on, keeps all as text to echo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from certify.gateway.wire import order_fields as segments
from certify.gateway.wire.contract import ZERO, WireContract, WireLeg, read_contract, read_delta_neutral
from certify.gateway.wire.fields import Fields, decimal_of, integer_of
from certify.gateway.wire.frames import WireError
from certify.gateway.wire.order_fields import Texts, read_segment

__all__ = ["WireCondition", "WireOrder", "parse_place_order"]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireCondition:
    """A condition of an order: its type and texts.

    Types: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change. The first text is the
    conjunction to the next condition: `a` (and) or `o` (or).
    """

    kind: int
    texts: tuple[str, ...]

    @property
    def conjunction(self) -> str:
        """`a` or `o`: how the next condition is joined."""
        return self.texts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireOrder:
    """An order as a client places it; prices None when not set, `texts` every field as it was sent.

    The typed attributes are what the answers write; `texts` is asked for the rest only. A number that was
    sent in one of the forms of "not set" is the empty text there.
    """

    order_id: int = 0
    contract: WireContract = WireContract()
    action: str = ""
    total_quantity: Decimal = ZERO
    order_type: str = ""
    lmt_price: Decimal | None = None
    aux_price: Decimal | None = None
    tif: str = ""
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    open_close: str = ""
    origin: int = 0
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int = 0
    trigger_method: int = 0
    outside_rth: bool = False
    hidden: bool = False
    good_after_time: str = ""
    good_till_date: str = ""
    model_code: str = ""
    all_or_none: bool = False
    min_qty: int | None = None
    percent_offset: Decimal | None = None
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    hedge_type: str = ""
    what_if: bool = False
    not_held: bool = False
    algo_strategy: str = ""
    algo_params: Pairs = ()
    conditions: tuple[WireCondition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel_order: bool = False
    adjusted_order_type: str = ""
    trigger_price: Decimal | None = None
    lmt_price_offset: Decimal | None = None
    cash_qty: Decimal | None = None
    auto_cancel_parent: bool = False
    advanced_error_override: str = ""
    manual_order_time: str = ""
    order_leg_prices: tuple[Decimal | None, ...] = ()
    smart_routing_params: Pairs = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


def _pairs(fields: Fields) -> Pairs:
    return tuple((fields.text(), fields.text()) for _ in range(fields.count(2)))


def _order_legs(fields: Fields, contract: WireContract) -> WireContract:
    legs = tuple(
        WireLeg(
            con_id=fields.integer(),
            ratio=fields.integer(),
            action=fields.text(),
            exchange=fields.text(),
            open_close=fields.integer(),
            short_sale_slot=fields.integer(),
            designated_location=fields.text(),
            exempt_code=fields.integer(-1),
        )
        for _ in range(fields.count(8))
    )
    return replace(contract, legs=legs)


def _is_true(text: str) -> bool:
    return text not in {"", "0"}


def _conditions(fields: Fields, into: Texts) -> tuple[WireCondition, ...]:
    conditions = []
    for _ in range(fields.count(4)):
        kind = fields.integer()
        if kind not in segments.CONDITION_FIELDS:
            raise WireError(f"{kind} is no type of condition")
        texts: Texts = {}
        read_segment(fields, segments.CONDITION_FIELDS[kind], texts)
        conditions.append(WireCondition(kind=kind, texts=tuple(texts.values())))
    if conditions:
        read_segment(fields, segments.CONDITIONS, into)
    return tuple(conditions)


def _pegs(fields: Fields, into: Texts, exchange: str) -> None:
    if exchange == "IBKRATS":
        read_segment(fields, segments.MIN_TRADE, into)
    if into["order_type"] in {"PEG BEST", "PEGBEST"}:
        read_segment(fields, segments.PEG_BEST, into)
        if into["compete_against_best_offset"] == "Infinity":
            read_segment(fields, segments.MID_OFFSETS, into)
    elif into["order_type"] in {"PEG MID", "PEGMID"}:
        read_segment(fields, segments.MID_OFFSETS, into)


_TEXTS = (
    "action",
    "order_type",
    "tif",
    "oca_group",
    "account",
    "open_close",
    "order_ref",
    "good_after_time",
    "good_till_date",
    "model_code",
    "hedge_type",
    "algo_strategy",
    "adjusted_order_type",
)
_DECIMALS = (
    "lmt_price",
    "aux_price",
    "percent_offset",
    "trail_stop_price",
    "trailing_percent",
    "trigger_price",
    "lmt_price_offset",
    "cash_qty",
)
_INTEGERS = ("oca_type", "origin", "parent_id", "display_size", "trigger_method")
_BOOLEANS = ("block_order", "sweep_to_fill", "outside_rth", "hidden", "all_or_none", "what_if", "not_held")


def _typed(into: Texts) -> dict[str, Any]:
    """Read what the gateway acts on from the texts."""
    typed: dict[str, Any] = {name: into[name] for name in _TEXTS}
    for name in _DECIMALS:
        typed[name] = decimal_of(into[name]) if into[name] else None
    for name in _INTEGERS:
        typed[name] = integer_of(into[name])
    for name in _BOOLEANS:
        typed[name] = _is_true(into[name])
    typed["total_quantity"] = decimal_of(into["total_quantity"]) or ZERO
    if typed["order_type"] in segments.PEG_BENCH_TYPES:
        typed["order_type"] = "PEG BENCH"  # the one spelling that every client decodes the answer by
    typed["transmit"] = into["transmit"] != "0"
    typed["min_qty"] = integer_of(into["min_qty"]) if into["min_qty"] else None
    typed["auto_cancel_parent"] = _is_true(into.get("auto_cancel_parent", ""))
    typed["conditions_ignore_rth"] = _is_true(into.get("conditions_ignore_rth", ""))
    typed["conditions_cancel_order"] = _is_true(into.get("conditions_cancel_order", ""))
    typed["advanced_error_override"] = into.get("advanced_error_override", "")
    typed["manual_order_time"] = into.get("manual_order_time", "")
    return typed


def _first_half(
    fields: Fields, version: int, into: Texts, contract: WireContract
) -> tuple[WireContract, tuple[Decimal | None, ...], Pairs]:
    """Read up to the delta-neutral contract; return the contract with its legs, their prices, the routing."""
    read_segment(fields, segments.HEAD, into)
    prices: tuple[Decimal | None, ...] = ()
    params: Pairs = ()
    if contract.sec_type == "BAG":
        contract = _order_legs(fields, contract)
        prices = tuple(fields.decimal() for _ in range(fields.count()))
        params = _pairs(fields)
    read_segment(fields, segments.ADVISOR, into)
    if version < 177:
        read_segment(fields, segments.FA_PROFILE, into)
    read_segment(fields, segments.MIDDLE, into)
    if into["delta_neutral_order_type"]:
        read_segment(fields, segments.DELTA_NEUTRAL, into)
    read_segment(fields, segments.TRAIL_AND_SCALE, into)
    if (decimal_of(into["scale_price_increment"]) or ZERO) > 0:
        read_segment(fields, segments.SCALE, into)
    read_segment(fields, segments.HEDGE, into)
    if into["hedge_type"]:
        read_segment(fields, segments.HEDGE_PARAM, into)
    read_segment(fields, segments.CLEARING, into)
    return contract, prices, params


def parse_place_order(fields: Fields, version: int) -> WireOrder:
    """Read what follows the message id of placeOrder.

    Raises:
        WireError: a number is none, a condition is unknown, fields are missing or left over.
    """
    order_id = fields.request_id()
    contract = read_contract(fields)
    sec_id_type, sec_id = fields.take(2)
    if sec_id_type:
        contract = replace(contract, sec_id_type=sec_id_type, sec_id=sec_id)
    into: Texts = {}
    contract, prices, routing = _first_half(fields, version, into, contract)
    contract = read_delta_neutral(fields, contract)
    read_segment(fields, segments.ALGO_STRATEGY, into)
    algo_params = _pairs(fields) if into["algo_strategy"] else ()
    read_segment(fields, segments.FLAGS, into)
    if into["order_type"] in segments.PEG_BENCH_TYPES:
        read_segment(fields, segments.PEG_BENCH, into)
    conditions = _conditions(fields, into)
    read_segment(fields, segments.ADJUSTED, into)
    for since, segment in segments.GATED:
        if version >= since:
            read_segment(fields, segment, into)
    if version >= 170:
        _pegs(fields, into, contract.exchange)
    if not fields.at_end:
        raise WireError(f"{len(fields.rest())} fields are left over at the end of placeOrder")
    return WireOrder(
        **_typed(into),
        texts=into,
        order_id=order_id,
        contract=contract,
        order_leg_prices=prices,
        smart_routing_params=routing,
        algo_params=algo_params,
        conditions=conditions,
    )
