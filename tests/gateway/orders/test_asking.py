"""What is found by asking, by whom, over reconnects, lost connections and days."""

from __future__ import annotations

import pytest

from certify.errors import UsageError
from tests.client_library import ib


def test_open_orders_are_the_callers_and_all_open_orders_are_everybodys(bench, client):
    other = bench.client(2)
    client.place(ib.LimitOrder("BUY", 1, 200))
    other.place(ib.LimitOrder("BUY", 2, 201))
    other.place(ib.LimitOrder("BUY", 3, 202))
    client.take()
    client.ask("reqOpenOrders")
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/1", "openOrderEnd"]
    client.ask("reqAllOpenOrders")
    assert [a[2].clientId for a in client.all("openOrder")] == [1, 2, 2]
    assert [a[7] for a in client.all("orderStatus")] == [0, 0, 0]


def test_only_the_client_that_placed_an_order_may_cancel_or_change_it(bench, client):
    other = bench.client(2)
    client.place(ib.LimitOrder("BUY", 1, 200), order_id=5)
    other.cancel(5)
    assert other.take() == ["error 5 10147"]
    other.place(ib.LimitOrder("BUY", 1, 300), order_id=5)
    assert [each["client_id"] for each in bench.gateway.do("orders")] == [1, 2]


def test_a_global_cancel_is_for_everybody(bench, client):
    other = bench.client(2)
    client.place(ib.LimitOrder("BUY", 1, 200))
    client.place(ib.LimitOrder("BUY", 1, 200, transmit=False))
    other.place(ib.LimitOrder("BUY", 2, 201))
    bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="BUY", qty="1", price="200")
    other.ask("reqGlobalCancel")
    assert {each["status"] for each in bench.gateway.do("orders")} == {"Cancelled"}
    assert client.take()[-3:] == ["open 2 Cancelled", "status 2 Cancelled 0/1", "error 2 202"]


def test_orders_go_on_without_their_client_and_are_found_after_a_reconnect(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 229.5))
    client.place(ib.LimitOrder("BUY", 20, 229.4))
    perm_id = bench.orders()[1]["perm_id"]
    bench.gateway.leave(client.session)
    bench.market("229.45", "229.50")
    again = bench.client(1)
    assert again.next_id == 3
    again.ask("reqOpenOrders")
    assert again.take() == ["open 2 Submitted", "status 2 Submitted 0/20", "openOrderEnd"]
    again.ask("reqCompletedOrders", False)
    ((_, order, state),) = again.all("completedOrder")
    assert (order.permId, order.totalQuantity, order.filledQuantity) == (perm_id, 0, 10)
    assert (state.status, state.completedStatus) == ("Filled", "Filled Size: 10")
    again.ask("reqExecutions", 7, ib.ExecutionFilter())
    assert again.all("execDetails")[0][0] == 7
    assert again.all("execDetails")[0][2].permId == perm_id
    again.cancel(2)
    assert bench.orders()[2]["status"] == "Cancelled"


def test_completed_orders_say_how_they_ended_and_may_leave_out_those_by_hand(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.cancel(1)
    bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="BUY", qty="1")
    client.take()
    client.ask("reqCompletedOrders", True)
    ((_, order, state),) = client.all("completedOrder")
    assert (state.status, state.completedStatus) == ("Cancelled", "Cancelled by Trader")
    assert order.totalQuantity == 10
    client.take()
    client.ask("reqCompletedOrders", False)
    assert client.take() == ["completed Cancelled", "completed Filled", "completedOrdersEnd"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ib.ExecutionFilter(), 3),
        (ib.ExecutionFilter(clientId=2), 1),
        (ib.ExecutionFilter(symbol="MSFT"), 1),
        (ib.ExecutionFilter(symbol="GOOG"), 0),
        (ib.ExecutionFilter(side="SELL"), 1),
        (ib.ExecutionFilter(side="BUY"), 2),
        (ib.ExecutionFilter(secType="OPT"), 0),
        (ib.ExecutionFilter(exchange="NASDAQ"), 3),
        (ib.ExecutionFilter(exchange="NYSE"), 0),
        (ib.ExecutionFilter(acctCode="DU1000001"), 3),
        (ib.ExecutionFilter(acctCode="DU2"), 0),
        (ib.ExecutionFilter(time="20200101 00:00:00"), 3),
        (ib.ExecutionFilter(time="20990101-00:00:00"), 0),
    ],
)
def test_executions_are_filtered_as_asked(bench, client, wanted, found):
    other = bench.client(2)
    bench.market("419.99", "420.00", instrument="MSFT.NASDAQ")
    client.place(ib.MarketOrder("BUY", 1))
    client.place(ib.MarketOrder("SELL", 1))
    other.place(ib.MarketOrder("BUY", 1), contract=ib.Stock("MSFT", "SMART", "USD"))
    client.take()
    client.ask("reqExecutions", 3, wanted)
    told = client.take()
    assert len([each for each in told if each.startswith("exec ")]) == found
    assert told[-1] == "execDetailsEnd"


def test_ids_are_above_every_one_that_the_client_used(bench, client):
    client.place(ib.LimitOrder("BUY", 1, 200), order_id=41)
    client.ask("reqIds", 1)
    assert client.all("nextValidId")[0][0] == 42
    assert bench.client(8).next_id == 1


def test_ids_begin_where_the_settings_say(make_bench):
    bench = make_bench(first_order_id=1000)
    assert bench.client(3).next_id == 1000


# -- orders of others


def test_an_order_entered_by_hand_has_client_zero_and_an_id_below_zero(bench, client):
    made = bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="BUY", qty="5", price="200")
    assert made["order_id"] == -1
    assert client.take() == []
    client.ask("reqAllOpenOrders")
    assert client.take() == ["open -1 Submitted", "status -1 Submitted 0/5", "openOrderEnd"]
    client.cancel(-1)
    assert client.take() == ["error -1 10147"]


def test_client_zero_hears_of_orders_by_hand_once_it_asks_to(bench):
    zero = bench.client(0)
    bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="BUY", qty="5", price="200")
    assert zero.take() == []
    zero.ask("reqAutoOpenOrders", True)
    bench.gateway.do("manual_order", instrument="AAPL.NASDAQ", side="SELL", qty="5", price="240")
    assert [each for each in zero.take() if each.startswith(("open", "status"))] == [
        "open -2 Submitted", "status -2 Submitted 0/5",
    ]  # fmt: skip
    zero.cancel(-1)
    assert zero.take() == ["status -1 Cancelled 0/5", "error -1 202"]
    zero.ask("reqAutoOpenOrders", False)
    bench.market("240.00", "240.10")
    assert zero.take() == []


def test_others_may_not_bind_orders(bench, client):
    client.ask("reqAutoOpenOrders", True)
    assert client.take() == ["error -1 321"]


def test_another_clients_order_needs_no_connection(bench, client):
    made = bench.gateway.do(
        "foreign_order", instrument="AAPL.NASDAQ", side="SELL", qty="5", price="240", client_id=77
    )
    assert made == {"perm_id": made["perm_id"], "order_id": 1, "client_id": 77}
    assert client.take() == []
    other = bench.client(77)
    assert other.next_id == 2
    bench.market("240.00", "240.10")
    assert other.take()[0] == "exec 1 SLD 5@240"
    with pytest.raises(UsageError):
        bench.gateway.do("foreign_order", instrument="AAPL.NASDAQ", side="SELL", qty="0", client_id=77)


def test_with_two_accounts_an_order_must_name_one(bench, client):
    bench.gateway.do("open_account", account="DU1000002")
    client.take()
    client.place(ib.MarketOrder("BUY", 1))
    client.place(ib.MarketOrder("BUY", 2, account="DU1000002"))
    assert client.take()[0] == "error 1 436"
    assert bench.position("DU1000002") == 2
    assert bench.position("DU1000001") == 0


# -- IB out of reach


def test_what_happens_while_ib_is_lost_is_found_only_by_asking_after(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 229.5))
    client.take()
    bench.gateway.do("connectivity", state="lost")
    client.take()
    bench.market("229.40", "229.50")
    client.place(ib.MarketOrder("BUY", 1))
    client.cancel(1)
    assert client.take() == []
    client.ask("reqExecutions", 4, ib.ExecutionFilter())
    assert client.take() == ["execDetailsEnd"]
    assert bench.orders()[1]["status"] == "Filled"
    bench.gateway.do("connectivity", state="restored")
    assert client.take() == [
        "error -1 1102", "open 2 PreSubmitted", "status 2 PreSubmitted 0/1", "exec 2 BOT 1@229.5",
        "open 2 Filled", "status 2 Filled 1/0", "open 2 Filled", "commission", "error 1 10148",
    ]  # fmt: skip
    client.ask("reqExecutions", 4, ib.ExecutionFilter())
    assert len(client.all("execDetails")) == 2


# -- days


def test_a_new_day_ends_day_orders_and_forgets_the_day_before(bench, client):
    client.place(ib.LimitOrder("BUY", 1, 200))
    client.place(ib.LimitOrder("BUY", 2, 200, tif="GTC"))
    client.place(ib.MarketOrder("BUY", 3))
    bench.gateway.do("behaviour", name="accept")
    client.place(ib.MarketOrder("BUY", 4))
    client.take()
    bench.gateway.do("new_day")
    assert client.take() == [
        "status 1 Cancelled 0/1", "error 1 202", "status 4 Cancelled 0/4", "error 4 202",
    ]  # fmt: skip
    assert [each["qty"] for each in bench.gateway.do("orders")] == ["2"]
    assert bench.executions() == []
    client.ask("reqCompletedOrders", False)
    client.ask("reqExecutions", 4, ib.ExecutionFilter())
    assert client.take() == ["completedOrdersEnd", "execDetailsEnd"]
    assert bench.gateway.next_valid_id(1) == 5
    client.place(ib.MarketOrder("BUY", 3), order_id=3)
    assert client.take() == ["error 3 103"]


def test_an_order_for_the_opening_waits_for_it(bench, client):
    client.place(ib.MarketOrder("BUY", 3, tif="OPG"))
    assert client.take() == ["open 1 PreSubmitted", "status 1 PreSubmitted 0/3"]
    bench.market("231.00", "231.10")
    assert bench.orders()[1]["status"] == "PreSubmitted"
    bench.gateway.do("new_day")
    bench.market("231.00", "231.20")
    assert bench.orders()[1]["status"] == "Filled"


def test_good_till_a_date_that_has_passed_is_refused_and_one_to_come_is_kept(bench, client):
    client.place(ib.LimitOrder("BUY", 3, 200, tif="GTD", goodTillDate="20200101 10:00:00 US/Eastern"))
    client.place(ib.LimitOrder("BUY", 3, 200, tif="GTD", goodTillDate="20990101-10:00:00"))
    client.place(ib.LimitOrder("BUY", 3, 200, tif="GTD"))
    assert [each["status"] for each in bench.orders().values()] == ["Inactive", "Submitted", "Inactive"]


def test_good_after_a_time_waits_for_it(bench, client):
    client.place(ib.MarketOrder("BUY", 3, goodAfterTime="20990101-10:00:00"))
    assert bench.orders()[1]["status"] == "PreSubmitted"
    bench.pass_time(100 * 366 * 86_400_000)
    assert bench.orders()[1]["status"] == "Filled"


def test_a_planted_method_is_found_when_it_is_needed(bench, client):
    lost = []
    bench.desk.send_commission = lost.append
    client.place(ib.MarketOrder("BUY", 3))
    assert len(lost) == 1
    assert "commission" not in client.take()
    bench.desk.answer_open_orders = lambda client, request: lost.append(request)
    client.ask("reqOpenOrders")
    assert len(lost) == 2
