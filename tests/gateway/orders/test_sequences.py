"""What a client hears of an order, message by message, in the order in which a real TWS says it."""

from __future__ import annotations

import sys

import pytest

from tests.client_library import ib

FILLED_MARKET = [
    "open 1 PreSubmitted", "status 1 PreSubmitted 0/100", "exec 1 BOT 100@230", "open 1 Filled",
    "status 1 Filled 100/0", "open 1 Filled", "commission",
]  # fmt: skip


@pytest.mark.parametrize("version", [157, 163, 176])
def test_a_market_order_is_told_as_recorded_from_a_tws(bench, version):
    client = bench.client(version=version)
    client.place(ib.MarketOrder("BUY", 100))
    assert client.take() == FILLED_MARKET


def test_the_commission_is_in_the_last_open_order_and_in_the_report(bench, client):
    client.place(ib.MarketOrder("BUY", 1000, orderRef="mine"))
    opened = client.all("openOrder")
    assert [each[3].commission for each in opened[:2]] == [1.7976931348623157e308] * 2
    assert opened[-1][3].commission == 5.0
    assert opened[-1][3].commissionCurrency == "USD"
    report = client.all("commissionReport")[0][0]
    execution = client.all("execDetails")[0][2]
    assert (report.commission, report.currency, report.execId) == (5.0, "USD", execution.execId)
    assert (execution.orderRef, execution.acctNumber, execution.exchange) == ("mine", "DU1000001", "NASDAQ")
    assert execution.permId == opened[0][2].permId == client.all("orderStatus")[-1][5] > 0


def test_a_limit_order_rests_fills_in_parts_and_tells_each_part(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 229.5))
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/100"]
    bench.market("229.40", "229.50", size=30)
    assert client.take() == ["exec 1 BOT 30@229.5", "status 1 Submitted 30/70", "commission"]
    bench.market("229.30", "229.40", size=1000)
    assert client.take() == [
        "exec 1 BOT 70@229.5", "open 1 Filled", "status 1 Filled 100/0", "open 1 Filled", "commission",
    ]  # fmt: skip
    assert bench.position() == 100


def test_a_cancel_is_told_by_a_status_and_then_202(bench, client):
    order_id = client.place(ib.LimitOrder("BUY", 100, 200))
    client.take()
    client.cancel(order_id)
    assert client.take() == ["status 1 Cancelled 0/100", "error 1 202"]
    client.cancel(order_id)
    assert client.take() == ["error 1 10148"]
    client.cancel(77)
    assert client.take() == ["error 77 10147"]


def test_texts_of_cancel_errors_name_order_and_state(bench, client):
    order_id = client.place(ib.MarketOrder("BUY", 1))
    client.cancel(order_id)
    client.cancel(9)
    texts = [each[2] for each in client.all("error")]
    assert texts == [
        "OrderId 1 that needs to be cancelled can not be cancelled, state: Filled.",
        "OrderId 9 that needs to be cancelled is not found.",
    ]


def test_a_stop_waits_as_presubmitted_and_is_submitted_when_a_trade_reaches_it(bench, client):
    client.place(ib.StopOrder("BUY", 100, 231))
    status = client.all("orderStatus")[-1]
    assert (status[1], status[9]) == ("PreSubmitted", "trigger")
    client.take()
    bench.print("230.99")
    assert client.take() == []
    bench.print("231.00")
    assert client.take()[:3] == ["open 1 Submitted", "status 1 Submitted 0/100", "exec 1 BOT 100@230"]
    assert bench.orders()[1]["status"] == "Filled"


def test_a_triggered_stop_limit_rests_at_its_limit_as_submitted(bench, client):
    client.place(ib.StopLimitOrder("BUY", 100, 229, 231))
    client.take()
    bench.print("231.00")
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/100"]
    bench.market("228.90", "229.00")
    assert bench.orders()[1]["status"] == "Filled"


def test_a_stop_that_the_last_trade_has_passed_goes_at_once(bench, client):
    client.place(ib.StopOrder("BUY", 10, 300))
    bench.print("232.00")
    client.take()
    client.place(ib.StopLimitOrder("BUY", 100, 229, 231))
    assert client.take() == [
        "open 2 PreSubmitted", "status 2 PreSubmitted 0/100", "open 2 Submitted", "status 2 Submitted 0/100",
    ]  # fmt: skip


def test_a_rejected_order_is_inactive_and_then_201_says_why(bench, client):
    client.place(ib.Order(action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=0))
    heard = client.heard.calls
    assert heard[-1][1][2] == "Order rejected - reason:Invalid limit price: a price must be positive"
    assert client.take() == ["open 1 Inactive", "status 1 Inactive 0/1", "error 1 201"]
    bench.gateway.venue.halt("AAPL.NASDAQ")
    client.place(ib.MarketOrder("BUY", 1))
    assert client.heard.calls[-1][1][2].startswith("Order rejected - reason:Trading halted: ")
    assert client.take() == ["open 2 Inactive", "status 2 Inactive 0/1", "error 2 201"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (ib.LimitOrder("BUY", 1, 200.001), 110),
        (ib.StopOrder("BUY", 1, 200.001), 110),
        (ib.MarketOrder("BUY", 0), 434),
        (ib.Order(action="BUY", totalQuantity=1, orderType="PEG BEST"), 387),
        (ib.MarketOrder("BUY", 1, account="DU999"), 321),
        (ib.MarketOrder("BUY", 1, parentId=55), 10006),
        (ib.Order(action="HOLD", totalQuantity=1, orderType="MKT"), 321),
    ],
)
def test_what_cannot_be_an_order_is_answered_with_its_code_and_nothing_else(bench, client, order, code):
    client.place(order)
    assert client.take() == [f"error 1 {code}"]
    assert bench.orders() == {}


def test_an_unknown_contract_is_200(bench, client):
    client.place(ib.MarketOrder("BUY", 1), contract=ib.Stock("NOSUCH", "SMART", "USD"))
    assert client.take() == ["error 1 200"]


def test_a_read_only_gateway_answers_orders_and_cancels_with_321(bench, client):
    order_id = client.place(ib.LimitOrder("BUY", 1, 200))
    bench.gateway.do("read_only", on=True)
    client.take()
    client.cancel(order_id)
    client.place(ib.MarketOrder("BUY", 1))
    client.ask("reqGlobalCancel")
    assert client.take() == ["error 1 321", "error 2 321", "error -1 321"]
    assert bench.orders()[1]["status"] == "Submitted"
    assert len(bench.orders()) == 1


def test_what_finds_nobody_is_cancelled_with_the_venues_reason(bench, client):
    client.place(ib.LimitOrder("BUY", 5, 200, tif="IOC"))
    client.place(ib.LimitOrder("BUY", 5000, 230, tif="FOK"))
    errors = [each[2] for each in client.all("error")]
    assert errors[0].startswith("Order Canceled - reason:Immediate or cancel")
    assert errors[1].startswith("Order Canceled - reason:Fill or kill")
    assert [each["status"] for each in bench.orders().values()] == ["Cancelled", "Cancelled"]


def test_the_profit_of_closing_counts_both_commissions(bench, client):
    client.place(ib.MarketOrder("BUY", 100))
    bench.market("239.99", "240.00")
    client.place(ib.MarketOrder("SELL", 60))
    client.place(ib.MarketOrder("SELL", 100))
    reports = [each[0] for each in client.all("commissionReport")]
    assert reports[0].realizedPNL == sys.float_info.max  # not set
    assert reports[1].realizedPNL == pytest.approx(60 * 9.99 - 0.6 - 1)
    assert reports[2].realizedPNL == pytest.approx(40 * 9.99 - 0.4 - 0.4)
    assert bench.position() == -60


def test_what_if_answers_with_numbers_and_leaves_no_trace(bench, client):
    client.place(ib.MarketOrder("BUY", 1000, whatIf=True))
    ((order_id, _, order, state),) = client.all("openOrder")
    assert order_id == 1
    assert order.whatIf
    assert float(state.initMarginChange) == 115_000
    assert float(state.equityWithLoanAfter) == 999_995
    assert state.commission == 5.0
    client.take()
    client.place(ib.LimitOrder("BUY", 1, 200.001, whatIf=True))
    assert client.take() == ["error 2 110"]
    assert bench.orders() == {}
    assert bench.gateway.next_valid_id(1) == 1
