"""The monitor's figures against what the tool's own ledger knows of the same orders."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import cast

from certify.model.trading import Order, OrderType, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, passed
from certify.phases.risk.cards import CRITICAL, MAJOR, SET_MARKET, monitor_card
from certify.phases.risk.desk import RiskDesk
from certify.phases.trial import Trial

PORTS = ("trade_monitor", "risk", "execution")
NAMES = (
    "orders_submitted",
    "orders_filled",
    "orders_rejected",
    "orders_canceled",
    "fills",
    "volume",
    "open_orders",
)
REMEDY = "count from the reports of orders, each once, and not from calls or from the strategy's own view"
Figures = dict[str, Decimal]


def figures(trial: Trial) -> Figures:
    """Return the monitor's figures; one of the contract's that is missing fails the check."""
    found = cast("Figures", trial.call("trade_monitor", "metrics"))
    missing = [name for name in NAMES if name not in found]
    expect(not missing, f"expected the figures of the contract, was none of {', '.join(missing)}")
    return found


def settled(trial: Trial) -> Figures:
    """Return the figures once they stand still."""
    last: list[Figures] = [figures(trial)]

    def still() -> bool:
        trial.wait("trade_monitor", lambda: None, 0.05)
        last.append(figures(trial))
        return all(last[-1][name] == last[-2][name] for name in NAMES)

    trial.poll(still, "expected figures that stand still while nothing happens")
    return last[-1]


def moved(trial: Trial, before: Figures, expected: dict[str, Collection[Decimal | int]]) -> str:
    """Fail unless each figure has moved by (one of) what is expected; returns the movement in words."""

    def wrong() -> list[str]:
        now = figures(trial)
        return [
            f"{name}: expected {' or '.join(f'{v:+}' for v in values)}, was {now[name] - before[name]:+}"
            for name, values in expected.items()
            if now[name] - before[name] not in values
        ]

    try:
        trial.poll(lambda: not wrong(), "the figures")
    except Unmet:
        raise Unmet("; ".join(wrong()) or "the figures did not stand still") from None
    return ", ".join(f"{name} {next(iter(values)):+}" for name, values in expected.items())


@check(
    monitor_card(
        "figures_follow_orders",
        "The monitor's figures move as the orders do: sent, filled, cancelled, refused",
        CRITICAL,
        steps=(
            "note the figures",
            "fill a market order, rest and cancel an order, be refused by max_order_qty",
            "compare how far each figure has moved with what the orders' own reports say",
        ),
        passes_when="each has moved by exactly that (refused orders may or may not count as submitted)",
        remedy=REMEDY,
        ports=PORTS,
        needs=("risk.max_order_qty", "orders.market"),
        references=("MN-08", "MN-03"),
    )
)
def figures_follow_orders(trial: Trial) -> Finding:
    """Fill, cancel, be refused, compare."""
    desk = RiskDesk(trial)
    desk.deep_market()
    count = desk.lots_limit("max_order_qty", 3)
    before = settled(trial)
    orders: list[Order] = [desk.fill(Side.BUY, desk.lots(count)), desk.rest(Side.BUY)]
    desk.clear(orders[1])
    for _ in range(2):
        orders.append(desk.make(Side.BUY, count + 1))
        desk.refused(orders[-1], f"by max_order_qty {desk.lots(count)}")
    entries = [trial.ledger.entries[order.client_order_id] for order in orders]
    fills = sum(len(entry.fills) for entry in entries)
    volume = sum((entry.cum_qty for entry in entries), Decimal(0))
    words = moved(
        trial,
        before,
        {
            "orders_submitted": (4, 2),
            "orders_filled": (1,),
            "orders_rejected": (2,),
            "orders_canceled": (1,),
            "fills": (fills,),
            "volume": (volume,),
            "open_orders": (0,),
        },
    )
    return passed(f"as the ledger says: {words}")


@check(
    monitor_card(
        "figures_open_orders",
        "The monitor's number of working orders goes up and down with them",
        MAJOR,
        steps=("note the figures", "rest three orders", "compare", "cancel two of them", "compare"),
        passes_when="open_orders is three more, then one more",
        remedy=REMEDY,
        ports=PORTS,
        references=("MN-08", "RK-15"),
    )
)
def figures_open_orders(trial: Trial) -> Finding:
    """Rest three, cancel two."""
    desk = RiskDesk(trial)
    before = settled(trial)
    resting = [desk.rest(Side.BUY) for _ in range(3)]
    moved(trial, before, {"open_orders": (3,), "orders_submitted": (3,), "orders_canceled": (0,)})
    desk.clear(*resting[:2])
    words = moved(trial, before, {"open_orders": (1,), "orders_canceled": (2,), "orders_rejected": (0,)})
    return passed(f"as the ledger says: {words}")


@check(
    monitor_card(
        "figures_partial_fills",
        "An order that fills in parts counts its parts as fills, and itself as filled once",
        MAJOR,
        steps=(
            "show two lots for sale and buy three",
            "show more, so that the rest fills",
            "compare the figures with the fills that were reported",
        ),
        passes_when="fills and volume have moved by what was reported, orders_filled by one",
        remedy=REMEDY,
        ports=(*PORTS, "market_data"),
        needs=("orders.partial_fills",),
        methods=SET_MARKET,
        references=("MN-08",),
    )
)
def figures_partial_fills(trial: Trial) -> Finding:
    """Fill in two parts."""
    desk = RiskDesk(trial)
    quote = trial.set_market(ask_size=desk.lots(2))
    before = settled(trial)
    order = desk.order(Side.BUY, desk.lots(3), type=OrderType.LIMIT, price=quote.ask)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    trial.call("market_data", "inject", desk.deeper(quote))
    desk.filled(order)
    entry = trial.ledger.entries[order.client_order_id]
    words = moved(
        trial,
        before,
        {
            "fills": (len(entry.fills),),
            "volume": (entry.cum_qty,),
            "orders_filled": (1,),
            "open_orders": (0,),
        },
    )
    return passed(f"as the ledger says: {words}")


CHECKS: tuple[Check, ...] = (figures_follow_orders, figures_open_orders, figures_partial_fills)
