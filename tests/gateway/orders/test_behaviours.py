"""How orders fare by command, and what happens to executions afterwards."""

from __future__ import annotations

import pytest

from certify.errors import UsageError
from tests.client_library import ib


def command(bench, name, **more):
    bench.gateway.do("behaviour", name=name, **more)


def test_an_accepted_order_is_submitted_and_kept_from_trading(bench, client):
    command(bench, "accept")
    client.place(ib.MarketOrder("BUY", 10))
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10"]
    client.cancel(1)
    assert client.take() == ["status 1 Cancelled 0/10", "error 1 202"]
    command(bench, "accept", trade="true")
    client.place(ib.MarketOrder("BUY", 10))
    assert bench.orders()[2]["status"] == "Filled"


@pytest.mark.parametrize("order", [ib.MarketOrder("BUY", 100), ib.LimitOrder("BUY", 100, 200)])
def test_a_partial_fill_and_the_rest_later(bench, client, order):
    command(bench, "partial_fill", qty="30", rest_ms=100)
    client.place(order)
    assert (bench.orders()[1]["status"], bench.orders()[1]["filled"]) == ("Submitted", "30")
    told = client.take()
    assert told[2:] == [f"exec 1 BOT 30@{order.lmtPrice if order.orderType == 'LMT' else 230:g}",
                        "status 1 Submitted 30/70", "commission"]  # fmt: skip
    bench.pass_time(99)
    assert client.take() == []
    bench.pass_time(1)
    assert client.take()[-3:] == ["status 1 Filled 100/0", "open 1 Filled", "commission"]
    assert bench.position() == 100


def test_the_rest_of_a_partial_fill_may_be_cancelled(bench, client):
    command(bench, "partial_fill", rest_ms=-1)
    client.place(ib.LimitOrder("SELL", 101, 240))
    assert bench.orders()[1]["filled"] == "51"
    client.cancel(1)
    bench.pass_time(10_000)
    assert bench.orders()[1]["status"] == "Cancelled"
    assert client.take()[-2:] == ["status 1 Cancelled 51/50", "error 1 202"]
    assert bench.position() == -51


def test_a_rejected_order(bench, client):
    command(bench, "reject", reason="No trading permissions")
    client.place(ib.LimitOrder("BUY", 10, 200))
    assert client.all("error")[0][2] == "Order rejected - reason:No trading permissions"
    assert client.take() == ["open 1 Inactive", "status 1 Inactive 0/10", "error 1 201"]
    client.cancel(1)
    assert client.take() == ["error 1 10148"]


def test_a_held_order_says_why_and_goes_on(bench, client):
    command(bench, "held", release_ms=50)
    client.place(ib.MarketOrder("SELL", 10))
    assert client.all("orderStatus")[0][9] == "locate"
    assert client.take() == ["open 1 PreSubmitted", "status 1 PreSubmitted 0/10", "error 1 404"]
    bench.pass_time(50)
    assert bench.orders()[1]["status"] == "Filled"


def test_an_order_message_is_no_end(bench, client):
    command(bench, "message_399")
    client.place(ib.LimitOrder("BUY", 10, 200))
    assert "Order Message:\nBUY 10 AAPL NASDAQ\nWarning:" in client.all("error")[0][2]
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10", "error 1 399"]
    assert bench.orders()[1]["status"] == "Submitted"


def test_an_order_that_is_never_acknowledged_is_nowhere(bench, client):
    command(bench, "never_acknowledge")
    client.place(ib.MarketOrder("BUY", 10))
    client.ask("reqAllOpenOrders")
    client.ask("reqCompletedOrders", False)
    client.cancel(1)
    assert client.take() == ["openOrderEnd", "completedOrdersEnd", "error 1 10147"]
    assert bench.gateway.next_valid_id(1) == 2
    assert not bench.orders()[1]["acknowledged"]
    client.place(ib.MarketOrder("BUY", 10), order_id=1)
    assert client.take() == ["error 1 103"]


def test_a_late_acknowledgement(bench, client):
    command(bench, "acknowledge_late", delay_ms=500)
    client.place(ib.LimitOrder("BUY", 10, 200))
    bench.pass_time(499)
    assert client.take() == []
    bench.pass_time(1)
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10"]


def test_a_cancel_before_the_acknowledgement(bench, client):
    command(bench, "acknowledge_late")
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.cancel(1)
    assert client.take() == ["open 1 ApiCancelled", "status 1 ApiCancelled 0/10", "error 1 202"]
    bench.pass_time(2000)
    assert client.take() == []


@pytest.mark.parametrize("code", [10148, 161])
def test_a_cancel_that_loses_the_race(bench, client, code):
    command(bench, "fill_on_cancel", code=code)
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.take()
    client.cancel(1)
    told = client.take()
    assert told[-1] == f"error 1 {code}"
    assert "status 1 Filled 10/0" in told
    assert told.index("exec 1 BOT 10@200") < told.index("status 1 Filled 10/0")
    assert bench.position() == 10


def test_a_cancel_that_nobody_asked_for(bench, client):
    command(bench, "cancel_unsolicited", delay_ms=20, reason="Halted by IB")
    client.place(ib.MarketOrder("BUY", 10))
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10"]
    bench.pass_time(20)
    assert client.all("error")[0][2] == "Order Canceled - reason:Halted by IB"
    assert client.take() == ["status 1 Cancelled 0/10", "error 1 202"]


def test_an_execution_before_any_open_order(bench, client):
    command(bench, "execution_first")
    client.place(ib.MarketOrder("BUY", 10))
    assert client.take() == [
        "exec 1 BOT 10@230", "open 1 Filled", "status 1 Filled 10/0", "open 1 Filled", "commission",
    ]  # fmt: skip


def test_an_execution_twice_is_one_execution(bench, client):
    command(bench, "duplicate_execution")
    client.place(ib.MarketOrder("BUY", 10))
    told = client.take()
    assert told.count("exec 1 BOT 10@230") == told.count("commission") == 2
    assert len(bench.executions()) == 1
    assert bench.position() == 10


def test_a_late_commission_is_not_known_before(bench, client):
    command(bench, "commission_late", delay_ms=100)
    client.place(ib.MarketOrder("BUY", 10))
    assert "commission" not in client.take()
    ask = _executions(client)
    assert ask == ["exec 1 BOT 10@230", "execDetailsEnd"]
    assert bench.orders()[1]["commission"] == "0"
    bench.pass_time(100)
    assert bench.orders()[1]["commission"] == "1.00"
    assert client.take() == ["commission"]
    assert _executions(client) == ["exec 1 BOT 10@230", "commission", "execDetailsEnd"]


def test_a_lost_commission_is_found_by_asking(bench, client):
    command(bench, "commission_lost")
    client.place(ib.MarketOrder("BUY", 10))
    assert "commission" not in client.take()
    assert _executions(client) == ["exec 1 BOT 10@230", "commission", "execDetailsEnd"]


def test_lost_statuses_are_found_by_asking(bench, client):
    command(bench, "status_lost")
    client.place(ib.LimitOrder("BUY", 10, 200))
    assert client.take() == ["open 1 Submitted"]
    client.ask("reqOpenOrders")
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10", "openOrderEnd"]


def _executions(client):
    client.take()
    client.ask("reqExecutions", 5, ib.ExecutionFilter())
    return client.take()


def test_a_command_is_for_the_orders_that_match_and_as_often_as_it_says(bench, client):
    other = bench.client(2)
    command(bench, "reject", count=2, client_id=1, order_ref="x")
    other.place(ib.LimitOrder("BUY", 1, 200, orderRef="x"))
    for ref in ("y", "x", "x", "x"):
        client.place(ib.LimitOrder("BUY", 1, 200, orderRef=ref))
    states = [each["status"] for each in bench.gateway.do("orders", client_id=1)]
    assert states == ["Submitted", "Inactive", "Inactive", "Submitted"]
    assert bench.gateway.do("orders", client_id="2")[0]["status"] == "Submitted"


def test_healing_forgets_the_commands_that_wait(bench, client):
    command(bench, "reject", count=5)
    bench.desk.fault("heal")
    client.place(ib.MarketOrder("BUY", 1))
    assert bench.orders()[1]["status"] == "Filled"


def test_of_a_bracket_the_parent_takes_the_first_command(bench, client):
    command(bench, "reject")
    parent = client.place(ib.LimitOrder("BUY", 1, 200, transmit=False))
    client.place(ib.LimitOrder("SELL", 1, 240, parentId=parent))
    assert [each["status"] for each in bench.orders().values()] == ["Inactive", "Cancelled"]


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "explode"},
        {"name": "reject", "count": 0},
        {"name": "reject", "colour": "red"},
        {"name": "acknowledge_late", "delay_ms": "soon"},
        {"name": "reject", "instrument": "NO.SUCH"},
    ],
)
def test_a_command_without_sense_is_refused(bench, bad):
    with pytest.raises(UsageError):
        bench.gateway.do("behaviour", **bad)


# -- afterwards


def test_a_bust_is_a_revision_without_shares_and_the_money_is_back(bench, client):
    client.place(ib.MarketOrder("BUY", 10))
    before = bench.executions()[0]
    client.take()
    (revised,) = bench.gateway.do("bust", exec_id=before["exec_id"])
    assert revised == before["exec_id"][:-2] + "02"
    told = client.all("execDetails")[0][2]
    assert (told.execId, told.shares, told.cumQty) == (revised, 0, 0)
    assert client.all("commissionReport")[0][0].commission == 0
    assert client.take() == [
        "exec 1 BOT 0@230", "open 1 Cancelled", "status 1 Cancelled 0/10", "commission",
    ]  # fmt: skip
    assert bench.position() == 0
    assert bench.desk.exchange.session("DU1000001").account().cash == 1_000_000
    assert [each["exec_id"] for each in bench.executions()] == [revised]
    with pytest.raises(UsageError, match="busted"):
        bench.gateway.do("bust", exec_id=before["exec_id"])


def test_a_bust_between_two_clients_is_told_to_both(bench, client):
    other = bench.client(2)
    bench.gateway.do("open_account", account="DU1000002", cash="1000000", currency="USD")
    client.place(ib.LimitOrder("SELL", 10, 229.995 + 0.005, account="DU1000001"))
    bench.market("229.90", "230.10")
    other.place(ib.LimitOrder("BUY", 10, 230, account="DU1000002"))
    first, second = bench.executions()
    assert {first["client_id"], second["client_id"]} == {1, 2}
    other.take()
    assert len(bench.gateway.do("bust", exec_id=first["exec_id"])) == 2
    assert "exec 1 BOT 0@230" in other.take()


def test_a_correction_is_sent_again_under_the_next_revision(bench, client):
    client.place(ib.MarketOrder("BUY", 10))
    first = bench.executions()[0]["exec_id"]
    client.take()
    revised = bench.gateway.do("correct", exec_id=first, price="229.50")
    assert revised == first[:-2] + "02"
    assert client.all("orderStatus")[0][4] == 229.5
    assert client.take() == [
        "exec 1 BOT 10@229.5", "open 1 Filled", "status 1 Filled 10/0", "commission",
    ]  # fmt: skip
    assert bench.desk.exchange.session("DU1000001").account().cash == 1_000_000 - 2295 - 1
    assert _executions(client) == ["exec 1 BOT 10@229.5", "commission", "execDetailsEnd"]
    assert bench.gateway.do("correct", exec_id=revised, price="229.00").endswith(".03")


def test_a_correction_changes_what_a_later_trade_realises(bench, client):
    client.place(ib.MarketOrder("BUY", 10))
    bench.gateway.do("correct", exec_id=bench.executions()[0]["exec_id"], price="220.00")
    client.place(ib.MarketOrder("SELL", 10))
    assert float(bench.executions()[1]["realized_pnl"]) == pytest.approx(10 * 9.99 - 2)


def test_ib_cancels_by_itself(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.take()
    bench.gateway.do("cancel_order", perm_id=bench.orders()[1]["perm_id"])
    assert client.take() == ["status 1 Cancelled 0/10", "error 1 202"]
    with pytest.raises(UsageError):
        bench.gateway.do("cancel_order", perm_id=bench.orders()[1]["perm_id"])
    with pytest.raises(UsageError):
        bench.gateway.do("cancel_order", perm_id=1)
