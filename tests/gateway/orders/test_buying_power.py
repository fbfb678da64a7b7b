"""An account can order what its equity bears, by the figures of what-if and account values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.client_library import ib


@pytest.fixture
def deep(bench):
    """A market with enough for everything, at 230 to buy and a cent less to sell."""
    bench.market("229.99", "230.00", size=1_000_000)
    return bench


def reasons(client):
    return [arguments[2] for arguments in client.all("error") if arguments[1] == 201]


def test_more_than_the_equity_bears_is_refused_before_it_works(deep, client):
    order_id = client.place(ib.MarketOrder("BUY", 8_700))  # 2,001,000, half of it initial margin
    assert reasons(client) == [
        "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR "
        "EQUITY WITH LOAN VALUE [1000000.00 USD] MUST EXCEED THE INITIAL MARGIN [1000500.00 USD]"
    ]
    assert client.take() == ["open 1 Inactive", "status 1 Inactive 0/8700", "error 1 201"]
    assert deep.orders()[order_id]["status"] == "Inactive"
    assert deep.position() == 0


def test_as_much_as_the_equity_bears_trades(deep, client):
    order_id = client.place(ib.MarketOrder("BUY", 8_690))
    assert client.statuses(order_id)[-1] == "Filled"


@pytest.mark.parametrize(("qty", "refused"), [(8_700, True), (8_600, False)])
def test_what_if_says_before_what_an_order_is_answered_then(deep, client, qty, refused):
    client.place(ib.LimitOrder("BUY", qty, 230, whatIf=True))
    [answer] = client.all("openOrder")
    assert (Decimal(answer[3].initMarginAfter) > Decimal(answer[3].equityWithLoanBefore)) is refused
    client.place(ib.LimitOrder("BUY", qty, 230))
    assert bool(reasons(client)) is refused


def test_a_limit_is_what_counts_and_not_the_market(deep, client):
    client.place(ib.LimitOrder("BUY", 10_000, 150))
    assert reasons(client) == []
    client.place(ib.LimitOrder("BUY", 10_000, 201))
    assert len(reasons(client)) == 1


def test_what_reduces_a_position_passes_though_the_equity_is_gone(deep, client):
    client.place(ib.MarketOrder("BUY", 8_600))
    deep.market("100.00", "100.01", size=1_000_000)  # more is lost than there was
    client.heard.calls.clear()
    client.place(ib.MarketOrder("BUY", 1))
    assert len(reasons(client)) == 1
    sold = client.place(ib.MarketOrder("SELL", 8_000))
    assert client.statuses(sold)[-1] == "Filled"
    assert deep.position() == 600


def test_a_reversal_needs_what_the_new_position_needs(deep, client):
    client.place(ib.MarketOrder("BUY", 8_000))
    client.place(ib.MarketOrder("SELL", 16_000))
    assert reasons(client) == []
    client.place(ib.MarketOrder("BUY", 17_000))
    assert len(reasons(client)) == 1


def test_a_refused_change_leaves_the_order_as_it_was(deep, client):
    order = ib.LimitOrder("BUY", 5_000, 200)
    order_id = client.place(order)
    client.heard.calls.clear()
    order.totalQuantity = 11_000
    client.place(order, order_id=order_id)
    assert client.take() == ["error 1 201", "open 1 Submitted", "status 1 Submitted 0/5000"]
    order.totalQuantity = 6_000
    client.place(order, order_id=order_id)
    assert client.statuses(order_id) == ["Submitted"]
    assert deep.orders()[order_id]["qty"] == "6000"


def test_a_change_that_needs_less_passes_though_the_equity_is_gone(deep, client):
    client.place(ib.MarketOrder("BUY", 8_000))
    order = ib.LimitOrder("BUY", 600, 200)
    order_id = client.place(order)
    deep.market("150.00", "220.00", size=1_000_000)
    order.totalQuantity = 500
    client.place(order, order_id=order_id)
    assert reasons(client) == []
    assert deep.orders()[order_id]["qty"] == "500"
    order.lmtPrice = 201
    client.place(order, order_id=order_id)
    assert len(reasons(client)) == 1
    assert deep.orders()[order_id]["price"] == "200"


def test_the_children_of_a_bracket_count_with_their_parent(deep, client):
    client.place(ib.LimitOrder("BUY", 8_000, 200, transmit=False), order_id=1)
    client.place(ib.LimitOrder("SELL", 8_000, 260, parentId=1, transmit=False), order_id=2)
    client.place(ib.StopOrder("SELL", 8_000, 180, parentId=1), order_id=3)
    assert reasons(client) == []
    client.place(ib.LimitOrder("SELL", 8_000, 280, parentId=1), order_id=2)
    assert (reasons(client), deep.orders()[2]["price"]) == ([], "280")
    wanted = ["Submitted", "PreSubmitted", "PreSubmitted"]
    assert [each["status"] for each in deep.orders().values()] == wanted


def test_a_bracket_whose_parent_is_refused_ends(deep, client):
    client.place(ib.LimitOrder("BUY", 80_000, 200, transmit=False), order_id=1)
    client.place(ib.LimitOrder("SELL", 80_000, 260, parentId=1, transmit=False), order_id=2)
    client.place(ib.StopOrder("SELL", 80_000, 180, parentId=1), order_id=3)
    assert len(reasons(client)) == 1
    assert [each["status"] for each in deep.orders().values()] == ["Inactive", "Cancelled", "Cancelled"]


def test_an_account_with_little_money_buys_little(deep, client):
    deep.gateway.do("open_account", account="DU5", cash="1000")
    client.place(ib.MarketOrder("BUY", 9, account="DU5"))
    client.place(ib.MarketOrder("BUY", 8, account="DU5"))
    assert len(reasons(client)) == 1
    assert deep.position("DU5") == 8
