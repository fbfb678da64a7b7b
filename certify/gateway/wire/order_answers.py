"""Answers about orders and executions, each as framed bytes; an order is echoed as its client sent it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.gateway.wire import order_echo as echo
from certify.gateway.wire.contract import WireContract, c11
from certify.gateway.wire.frames import UNSET_DOUBLE, UNSET_INTEGER, frame, framed, joined, number
from certify.gateway.wire.market_answers import size_text
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.times import DEFAULT_ZONE, stamp

__all__ = [
    "WireExecution",
    "WireOrderState",
    "commission_report",
    "completed_order",
    "completed_orders_end",
    "exec_details",
    "exec_details_end",
    "open_order",
    "open_order_end",
    "order_bound",
    "order_status",
]

ZERO = Decimal(0)
UNSET_LONG = "9223372036854775807"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireExecution:
    """An execution; `side` is BOT or SLD, `order_id` and `client_id` are the order's (0 by hand)."""

    exec_id: str
    time_ns: int
    account: str
    exchange: str
    side: str
    shares: Decimal
    price: Decimal
    perm_id: int
    order_id: int
    client_id: int
    cum_qty: Decimal
    avg_price: Decimal
    order_ref: str = ""
    liquidation: int = 0
    ev_rule: str = ""
    ev_multiplier: Decimal | None = None
    model_code: str = ""
    last_liquidity: int = 2
    pending_price_revision: bool = False
    zone: str = DEFAULT_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class WireOrderState:
    """What IB says about an order beside the order itself; None is written as "not set"."""

    status: str
    init_margin_before: Decimal | None = None
    maint_margin_before: Decimal | None = None
    equity_with_loan_before: Decimal | None = None
    init_margin_change: Decimal | None = None
    maint_margin_change: Decimal | None = None
    equity_with_loan_change: Decimal | None = None
    init_margin_after: Decimal | None = None
    maint_margin_after: Decimal | None = None
    equity_with_loan_after: Decimal | None = None
    commission: Decimal | None = None
    min_commission: Decimal | None = None
    max_commission: Decimal | None = None
    commission_currency: str = ""
    warning_text: str = ""
    completed_time: str = ""
    completed_status: str = ""


def _open_sizes(order: WireOrder) -> list[str]:
    return [
        echo.display_size(order),
        echo.flag(order.block_order),
        echo.flag(order.sweep_to_fill),
        echo.flag(order.all_or_none),
        echo.min_qty(order),
        str(order.oca_type or 3),
        *echo.sent(order, echo.OPEN_CAPS),
        str(order.parent_id),
        str(order.trigger_method),
        *echo.sent(order, echo.VOLATILITY),
        order.texts.get("delta_neutral_order_type") or "None",
        order.texts.get("delta_neutral_aux_price", ""),
        *echo.sent(order, echo.DELTA_NEUTRAL),
    ]


def _margins(state: WireOrderState) -> list[str]:
    return [
        echo.amount(state.init_margin_before),
        echo.amount(state.maint_margin_before),
        echo.amount(state.equity_with_loan_before),
        echo.amount(state.init_margin_change),
        echo.amount(state.maint_margin_change),
        echo.amount(state.equity_with_loan_change),
        echo.amount(state.init_margin_after),
        echo.amount(state.maint_margin_after),
        echo.amount(state.equity_with_loan_after),
        echo.amount(state.commission),
        echo.amount(state.min_commission),
        echo.amount(state.max_commission),
        state.commission_currency,
        state.warning_text,
    ]


def _open_tail(version: int, order: WireOrder) -> list[str]:
    get = order.texts.get
    texts = [
        order.adjusted_order_type or "None",
        echo.amount(order.trigger_price),
        echo.amount(order.trail_stop_price),
        echo.amount(order.lmt_price_offset),
        *echo.sent(order, echo.ADJUSTED),
        "",  # the soft-dollar tier's display name, which clients do not send
        *echo.sent(order, echo.PRICING),
    ]
    if version >= 158:
        texts.append(get("duration") or UNSET_INTEGER)
    if version >= 160:
        texts.append(get("post_to_ats") or UNSET_INTEGER)
    if version >= 162:
        texts.append(echo.flag(order.auto_cancel_parent))
    if version >= 170:
        texts += echo.sent(order, echo.PEGS)
    return texts


def open_order(
    version: int,
    *,
    order: WireOrder,
    state: WireOrderState,
    client_id: int,
    perm_id: int,
    contract: WireContract | None = None,
) -> bytes:
    """Write openOrder (5); `contract` is the one that IB found for the client's description."""
    found = contract or order.contract
    quantity = size_text(version, order.total_quantity)
    return joined(
        [
            "5",
            str(order.order_id),
            *echo.first(order, found, quantity),
            str(client_id),
            str(perm_id),
            echo.flag(order.outside_rth),
            echo.flag(order.hidden),
            order.texts.get("discretionary_amt") or "0",
            order.good_after_time,
            f"{perm_id}.0/{order.account}/{quantity}",
            *echo.advisor(version, order),
            *echo.sent(order, echo.OPEN_MIDDLE),
            *_open_sizes(order),
            *echo.trail(order),
            "",  # basis points, which only exchanges of futures for physicals have
            "",
            *echo.leg_blocks(order, found),
            *echo.scale_and_hedge(order),
            order.texts.get("opt_out_smart_routing") or "0",
            *echo.sent(order, echo.CLEARING),
            *echo.delta_neutral_contract(order),
            *echo.algo(order),
            order.texts.get("solicited") or "0",
            echo.flag(order.what_if),
            state.status,
            *_margins(state),
            *echo.sent(order, echo.RANDOM),
            *echo.peg_bench(order),
            *echo.conditions(order),
            *_open_tail(version, order),
        ]
    )


def open_order_end() -> bytes:
    """Write openOrderEnd (53)."""
    return frame(53, 1)


def _completed_middle(order: WireOrder) -> list[str]:
    return [
        *echo.sent(order, echo.COMPLETED_MIDDLE),
        echo.display_size(order),
        echo.flag(order.sweep_to_fill),
        echo.flag(order.all_or_none),
        echo.min_qty(order),
        str(order.oca_type or 3),
        str(order.trigger_method),
        *echo.sent(order, echo.VOLATILITY),
        order.texts.get("delta_neutral_order_type") or "None",
        order.texts.get("delta_neutral_aux_price", ""),
        *echo.sent(order, echo.COMPLETED_DELTA_NEUTRAL),
    ]


def completed_order(
    version: int,
    *,
    order: WireOrder,
    state: WireOrderState,
    perm_id: int,
    filled_quantity: Decimal,
    contract: WireContract | None = None,
    total_quantity: Decimal | None = None,
    parent_perm_id: int | None = None,
) -> bytes:
    """Write completedOrder (101); a real TWS gives 0 as `total_quantity` of a filled order.

    The state's `completed_time` is a text such as `20250718 10:00:00 US/Eastern`, its `completed_status` one
    such as `Filled Size: 100` or `Cancelled by Trader`.
    """
    found = contract or order.contract
    quantity = order.total_quantity if total_quantity is None else total_quantity
    return joined(
        [
            "101",
            *echo.first(order, found, size_text(version, quantity)),
            str(perm_id),
            echo.flag(order.outside_rth),
            echo.flag(order.hidden),
            order.texts.get("discretionary_amt") or "0",
            order.good_after_time,
            *echo.advisor(version, order),
            *_completed_middle(order),
            *echo.trail(order),
            *echo.leg_blocks(order, found),
            *echo.scale_and_hedge(order),
            *echo.sent(order, echo.CLEARING),
            *echo.delta_neutral_contract(order),
            *echo.algo(order),
            order.texts.get("solicited") or "0",
            state.status,
            *echo.sent(order, echo.RANDOM),
            *echo.peg_bench(order),
            *echo.conditions(order),
            echo.amount(order.trail_stop_price),
            echo.amount(order.lmt_price_offset),
            *echo.sent(order, echo.COMPLETED_PRICING),
            "",  # the date of an automatic cancel
            size_text(version, filled_quantity),
            "0",  # the future that an order refers to
            echo.flag(order.auto_cancel_parent),
            "Not an insider or substantial shareholder",
            "0",  # imbalance only
            "0",  # route marketable to best bid and offer
            UNSET_LONG if parent_perm_id is None else str(parent_perm_id),
            state.completed_time,
            state.completed_status,
            *(echo.sent(order, echo.PEGS) if version >= 170 else ()),
        ]
    )


def completed_orders_end() -> bytes:
    """Write completedOrdersEnd (102), which has no field but its id."""
    return frame(102)


def order_status(  # noqa: PLR0913 - one argument per field of the message
    version: int,
    *,
    order_id: int,
    status: str,
    filled: Decimal,
    remaining: Decimal,
    avg_fill_price: Decimal,
    perm_id: int,
    client_id: int,
    parent_id: int = 0,
    last_fill_price: Decimal = ZERO,
    why_held: str = "",
    mkt_cap_price: Decimal = ZERO,
) -> bytes:
    """Write orderStatus (3); `why_held` is `locate` while shares to sell short are looked for."""
    return framed(
        f"3\0{order_id}\0{status}\0{size_text(version, filled)}\0{size_text(version, remaining)}\0"
        f"{number(avg_fill_price)}\0{perm_id}\0{parent_id}\0{number(last_fill_price)}\0{client_id}\0"
        f"{why_held}\0{number(mkt_cap_price)}\0"
    )


def exec_details(
    version: int, *, contract: WireContract, execution: WireExecution, req_id: int = -1
) -> bytes:
    """Write execDetails (11); `req_id` -1 is a live execution, else the answer to reqExecutions."""
    given = execution
    texts = [
        "11",
        str(req_id),
        str(given.order_id),
        *c11(contract).split("\0"),
        given.exec_id,
        stamp(version, given.time_ns, given.zone),
        given.account,
        given.exchange,
        given.side,
        size_text(version, given.shares),
        number(given.price),
        str(given.perm_id),
        str(given.client_id),
        str(given.liquidation),
        size_text(version, given.cum_qty),
        number(given.avg_price),
        given.order_ref,
        given.ev_rule,
        echo.optional(given.ev_multiplier),
        given.model_code,
        str(given.last_liquidity),
    ]
    if version >= 178:
        texts.append(echo.flag(given.pending_price_revision))
    return joined(texts)


def exec_details_end(*, req_id: int) -> bytes:
    """Write execDetailsEnd (55)."""
    return frame(55, 1, req_id)


def commission_report(
    *, exec_id: str, commission: Decimal, currency: str, realized_pnl: Decimal | None = None
) -> bytes:
    """Write commissionReport (59); the profit is "not set" for an execution that opens a position."""
    return frame(
        59, 1, exec_id, commission, currency, echo.amount(realized_pnl), UNSET_DOUBLE, ""
    )  # yield and its date belong to bonds


def order_bound(*, perm_id: int, client_id: int, order_id: int) -> bytes:
    """Write orderBound (100): an order made by hand belongs to client 0 from now on."""
    return frame(100, perm_id, client_id, order_id)
