"""Whatever is placed, changed, cancelled and commanded: the books agree, and nobody is told nonsense."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from tests.client_library import ib

D = Decimal
TYPES = ("MKT", "LMT", "LMT", "LMT", "STP", "STP LMT", "MIT", "LIT", "TRAIL", "TRAIL LIMIT")
BEHAVIOURS = (
    "accept", "partial_fill", "reject", "held", "message_399", "never_acknowledge", "acknowledge_late",
    "fill_on_cancel", "cancel_unsolicited", "execution_first", "duplicate_execution", "commission_late",
    "commission_lost", "status_lost",
)  # fmt: skip
LIVE = {"PreSubmitted", "Submitted"}


def some_order(draw: random.Random, live: list[int]) -> ib.Order:
    kind = draw.choice(TYPES)
    order = ib.Order(
        action=draw.choice(["BUY", "SELL"]),
        totalQuantity=draw.choice([1, 10, 100, 250]),
        orderType=kind,
        tif=draw.choice(["DAY", "GTC", "", "IOC", "FOK"]) if kind in ("MKT", "LMT") else "DAY",
        transmit=draw.random() < 0.9,
    )
    near = round(230 + draw.uniform(-4, 4), 2)
    if kind in ("LMT", "STP LMT", "LIT"):
        order.lmtPrice = near
    if kind in ("STP", "STP LMT", "MIT", "LIT"):
        order.auxPrice = round(230 + draw.uniform(-4, 4), 2)
    if kind.startswith("TRAIL"):
        order.auxPrice = draw.choice([0.5, 1, 2])
        order.lmtPriceOffset = 0.1
    if draw.random() < 0.2:
        order.ocaGroup, order.ocaType = draw.choice("ab"), draw.choice([1, 2, 3])
    if live and draw.random() < 0.15:
        order.parentId = draw.choice(live)
    return order


def step(draw: random.Random, bench, client) -> None:
    live = [key for key, each in bench.orders().items() if each["working"] and key > 0]
    act = draw.random()
    if act < 0.4:
        client.place(some_order(draw, live))
    elif act < 0.5 and live:
        client.place(some_order(draw, []), order_id=draw.choice(live))
    elif act < 0.6 and live:
        client.cancel(draw.choice(live))
    elif act < 0.75:
        bid = round(230 + draw.uniform(-3, 3), 2)
        bench.market(f"{bid:.2f}", f"{bid + 0.01:.2f}", size=draw.choice([5, 50, 1000]))
    elif act < 0.85:
        bench.print(f"{230 + draw.uniform(-3, 3):.2f}")
    elif act < 0.93:
        bench.gateway.do("behaviour", name=draw.choice(BEHAVIOURS))
    elif act < 0.97:
        bench.pass_time(draw.choice([10, 300, 3000]))
    else:
        intervene(draw, bench)


def intervene(draw: random.Random, bench) -> None:
    standing = [each for each in bench.executions() if D(each["qty"])]
    if standing and draw.random() < 0.5:
        bench.gateway.do("bust", exec_id=draw.choice(standing)["exec_id"])
    elif standing:
        bench.gateway.do("correct", exec_id=draw.choice(standing)["exec_id"], price="230.50")
    else:
        bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="BUY", qty="3", price="229.00")


def check(bench) -> None:
    executions, orders = bench.executions(), bench.orders()
    signed = sum((D(e["qty"]) * (1 if e["side"] == "BUY" else -1) for e in executions), D(0))
    assert signed == bench.position()
    by_order: dict[int, Decimal] = {}
    for each in executions:
        by_order[each["order_id"]] = by_order.get(each["order_id"], D(0)) + D(each["qty"])
    for key, each in orders.items():
        assert D(each["filled"]) == by_order.get(key, D(0))
        assert D(each["filled"]) <= D(each["qty"])
        assert (each["status"] == "Filled") == (D(each["remaining"]) == 0) or each["status"] not in LIVE
        assert each["working"] <= (each["status"] in LIVE)
    at_venue = {each.client_order_id for each in bench.desk.exchange.session("DU1000001").open_orders()}
    claimed = {record.venue_id for record in bench.desk.ledger.orders.values() if record.venue_id}
    assert at_venue == claimed
    cash = bench.desk.exchange.session("DU1000001").account()
    assert cash.commissions == sum((D(e["commission"]) for e in executions), D(0))


@pytest.mark.parametrize("seed", range(12))
def test_the_books_agree_after_every_step(bench, client, seed):
    draw = random.Random(seed)
    for _ in range(120):
        step(draw, bench, client)
        check(bench)
        assert bench.gateway.failures == []
    told = {}
    for name, arguments in client.heard.calls:
        if name == "orderStatus":
            told.setdefault(arguments[0], []).append(arguments[1])
        if name == "error":
            assert arguments[1] != 322, arguments
    for order_id, record in bench.orders().items():
        if order_id > 0 and record["acknowledged"] and order_id in told:
            assert told[order_id][-1] == record["status"] or record["working"]


def test_numbers_beyond_every_market_are_refused(bench, client):
    for order in (
        ib.Order(action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=1e29),
        ib.Order(action="BUY", totalQuantity=1e29, orderType="LMT", lmtPrice=1),
        ib.Order(action="BUY", totalQuantity=1, orderType="TRAIL", auxPrice=1e29),
    ):
        client.place(order)
    assert [each["status"] for each in bench.orders().values()] == ["Inactive"] * 3
