"""What positions cost and what trades bring, as a user of a TWS sees it: commissions count."""

from __future__ import annotations

import pytest
from ib_insync import MarketOrder

from tests.gateway.strangers.conftest import quote


def trade(ib, contract, side, qty):
    """Trade at the market; return the fills with what they cost."""
    made = ib.placeOrder(contract, MarketOrder(side, qty))
    ib.until(lambda: made.isDone() and all(f.commissionReport.execId for f in made.fills), "the fill")
    return made.fills


def test_a_position_costs_its_price_and_its_commission(ib, apple):
    trade(ib, apple, "BUY", 100)
    ib.until(lambda: ib.positions() and ib.portfolio())
    [position], [item] = ib.positions(), ib.portfolio()
    assert (position.position, position.avgCost) == (100, 230.02)
    assert item.averageCost == 230.02
    assert item.unrealizedPNL == pytest.approx(item.marketValue - 100 * 230.02)
    assert item.realizedPNL == 0


def test_a_short_position_costs_its_price_less_its_commission(ib, apple):
    trade(ib, apple, "SELL", 100)
    ib.until(ib.positions)
    [position] = ib.positions()
    assert (position.position, position.avgCost) == (-100, 229.98)


def test_a_reversal_realizes_the_old_position_and_opens_the_new_one_at_its_own_cost(gateway, ib, apple):
    trade(ib, apple, "BUY", 100)
    quote(gateway, "231.00", "231.02")
    [fill] = trade(ib, apple, "SELL", 300)
    # 100 bought for 23001 + 1 and sold for 23100, with a third of the 1.50 that the sale cost
    assert fill.commissionReport.commission == 1.5
    assert fill.commissionReport.realizedPNL == pytest.approx(23_100 - 23_002 - 0.5)
    ib.until(lambda: [each.position for each in ib.positions()] == [-200])
    assert ib.positions()[0].avgCost == pytest.approx(231.00 - 1 / 200)
    ib.until(lambda: ib.portfolio()[0].position == -200)
    assert ib.portfolio()[0].realizedPNL == pytest.approx(97.5)


def test_profit_of_the_account_and_of_the_position_say_the_same(gateway, ib, apple):
    account, streamed = ib.reqPnL("DU1000001"), ib.reqPnLSingle("DU1000001", "", apple.conId)
    trade(ib, apple, "BUY", 100)
    quote(gateway, "230.49", "230.51")
    ib.until(lambda: streamed.unrealizedPnL == pytest.approx(48), "profit")
    ib.until(lambda: account.unrealizedPnL == pytest.approx(48), "profit of the account")
    assert account.dailyPnL == streamed.dailyPnL == pytest.approx(48)
    trade(ib, apple, "SELL", 100)
    ib.until(lambda: account.realizedPnL == pytest.approx(46), "realised profit")
    assert account.dailyPnL == pytest.approx(46)
    assert account.unrealizedPnL == 0


def test_a_corrected_execution_after_a_night_leaves_what_was_held_before(gateway, ib, apple):
    trade(ib, apple, "BUY", 100)
    gateway.do("new_day")
    quote(gateway, "231.00", "231.02")
    [fill] = trade(ib, apple, "SELL", 50)
    assert fill.commissionReport.realizedPNL == pytest.approx(50 * 231 - 50 * 230.02 - 1)
    gateway.do("correct", exec_id=fill.execution.execId, price="231.10")
    [corrected] = gateway.do("executions")
    assert float(corrected["realized_pnl"]) == pytest.approx(50 * 231.10 - 50 * 230.02 - 1)


def test_what_cannot_be_paid_for_is_refused_and_says_why(gateway, ib, apple):
    available = next(float(v.value) for v in ib.accountSummary() if v.tag == "AvailableFunds")
    dear = int(available / 230.01 * 2) + 10
    assert float(ib.whatIfOrder(apple, MarketOrder("BUY", dear)).initMarginAfter) > available
    refused = ib.placeOrder(apple, MarketOrder("BUY", dear))
    ib.until(lambda: ib.codes(refused.order.orderId))
    [(_, code, text)] = [each for each in ib.errors if each[0] == refused.order.orderId]
    assert (code, gateway.do("orders")[0]["status"]) == (201, "Inactive")
    assert "YOUR EQUITY WITH LOAN VALUE [1000000.00 USD] MUST EXCEED THE INITIAL MARGIN" in text
    assert trade(ib, apple, "BUY", 100)
