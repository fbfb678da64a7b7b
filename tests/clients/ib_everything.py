"""The rest of what programs in the field ask for, one small function each, with ib_insync or ib_async.

    python ib_everything.py LIBRARY HOST PORT CLIENT_ID

Prints one JSON object: what each function returned, or the error that it ended with under `failed`.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import traceback

WAIT_S = 8.0
NAMES = []


def part(function):
    """Let `main` run this."""
    NAMES.append(function)
    return function


class Desk:
    """A connected library and a qualified stock."""

    def __init__(self, library, ib):
        self.module, self.ib, self.errors = library, ib, []
        ib.errorEvent += lambda req_id, code, text, contract: self.errors.append([req_id, code, text])
        self.stock = library.Stock("AAPL", "SMART", "USD")
        ib.qualifyContracts(self.stock)

    def until(self, holds, what="it"):
        waited_s = 0.0
        while not holds():
            if waited_s > WAIT_S:
                raise TimeoutError(f"waited {WAIT_S:g} s for {what}; errors {self.errors[-3:]}")
            self.ib.sleep(0.02)
            waited_s += 0.02

    def price(self):
        (ticker,) = self.ib.reqTickers(self.stock)
        return ticker.bid, ticker.ask

    def order(self, kind, side, qty, **more):
        return self.module.Order(orderType=kind, action=side, totalQuantity=qty, **more)

    def place(self, order, *statuses):
        trade = self.ib.placeOrder(self.stock, order)
        self.until(lambda: trade.orderStatus.status in statuses, f"{order.orderType} to be {statuses}")
        return trade

    def end(self, *trades):
        for trade in trades:
            if not trade.isDone():
                self.ib.cancelOrder(trade.order)
        self.until(lambda: all(trade.isDone() for trade in trades), "cancels")


@part
def snapshot(desk):
    (ticker,) = desk.ib.reqTickers(desk.stock)
    assert 0 < ticker.bid < ticker.ask, ticker
    return [ticker.bid, ticker.ask]


@part
def several_snapshots(desk):
    contracts = [desk.module.Stock(symbol, "SMART", "USD") for symbol in ("MSFT", "IBM", "SPY")]
    desk.ib.qualifyContracts(*contracts)
    return [ticker.hasBidAsk() for ticker in desk.ib.reqTickers(*contracts)]


@part
def delayed_data_type(desk):
    desk.ib.reqMarketDataType(3)
    ticker = desk.ib.reqMktData(desk.stock)
    desk.until(ticker.hasBidAsk, "delayed ticks")
    desk.ib.cancelMktData(desk.stock)
    desk.ib.reqMarketDataType(1)
    return ticker.marketDataType


@part
def generic_ticks(desk):
    ticker = desk.ib.reqMktData(desk.stock, "233,236,165")
    desk.until(lambda: ticker.hasBidAsk() and ticker.last == ticker.last, "ticks with a last price")
    desk.ib.cancelMktData(desk.stock)
    return ticker.last


def tick_by_tick(desk, kind):
    ticker = desk.ib.reqTickByTickData(desk.stock, kind)
    seen = []
    ticker.updateEvent += lambda ticker: seen.extend(ticker.tickByTicks)
    desk.until(lambda: len(seen) >= 3, f"{kind} ticks")
    desk.ib.cancelTickByTickData(desk.stock, kind)
    return type(seen[-1]).__name__


@part
def tick_by_tick_bid_ask(desk):
    return tick_by_tick(desk, "BidAsk")


@part
def tick_by_tick_last(desk):
    return tick_by_tick(desk, "Last")


@part
def tick_by_tick_all_last(desk):
    return tick_by_tick(desk, "AllLast")


@part
def tick_by_tick_mid_point(desk):
    return tick_by_tick(desk, "MidPoint")


def depth_of(desk, smart):
    contract = desk.module.Stock("AAPL", "SMART" if smart else "NASDAQ", "USD")
    desk.ib.qualifyContracts(contract)
    ticker = desk.ib.reqMktDepth(contract, isSmartDepth=smart)
    desk.until(lambda: ticker.domBids and ticker.domAsks, "depth")
    desk.ib.sleep(1.5)
    bids, asks = [level.price for level in ticker.domBids], [level.price for level in ticker.domAsks]
    desk.ib.cancelMktDepth(contract, isSmartDepth=smart)
    assert bids == sorted(bids, reverse=True), bids
    assert asks == sorted(asks), asks
    return [len(bids), len(asks)]


@part
def depth(desk):
    return depth_of(desk, smart=False)


@part
def smart_depth(desk):
    return depth_of(desk, smart=True)


@part
def depth_exchanges(desk):
    return len(desk.ib.reqMktDepthExchanges())


@part
def daily_bars(desk):
    bars = desk.ib.reqHistoricalData(desk.stock, "", "10 D", "1 day", "TRADES", useRTH=True)
    assert all(bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high for bar in bars)
    return len(bars)


@part
def minute_bars_as_epoch(desk):
    bars = desk.ib.reqHistoricalData(
        desk.stock, "", "3600 S", "1 min", "MIDPOINT", useRTH=False, formatDate=2
    )
    assert [bar.date for bar in bars] == sorted(bar.date for bar in bars)
    return len(bars)


@part
def bars_kept_up_to_date(desk):
    bars = desk.ib.reqHistoricalData(
        desk.stock, "", "1800 S", "5 secs", "TRADES", useRTH=False, formatDate=1, keepUpToDate=True
    )
    updates = []
    bars.updateEvent += lambda bars, has_new: updates.append(has_new)
    desk.until(lambda: len(updates) >= 2, "bar updates")
    desk.ib.cancelHistoricalData(bars)
    return len(bars)


@part
def real_time_bars(desk):
    bars = desk.ib.reqRealTimeBars(desk.stock, 5, "TRADES", useRTH=False)
    desk.until(lambda: len(bars) >= 1, "a five-second bar")
    desk.ib.cancelRealTimeBars(bars)
    return bars[-1].close


@part
def head_timestamp(desk):
    return str(desk.ib.reqHeadTimeStamp(desk.stock, "TRADES", useRTH=True))


@part
def historical_ticks(desk):
    end = desk.ib.reqCurrentTime()
    kinds = ("TRADES", "BID_ASK", "MIDPOINT")
    return [len(desk.ib.reqHistoricalTicks(desk.stock, "", end, 50, kind, useRth=False)) for kind in kinds]


@part
def symbol_search(desk):
    return sorted({each.contract.symbol for each in desk.ib.reqMatchingSymbols("AAP")})


@part
def option_chain(desk):
    chains = desk.ib.reqSecDefOptParams("AAPL", "", "STK", desk.stock.conId)
    chain = chains[0]
    option = desk.module.Option("AAPL", chain.expirations[0], chain.strikes[0], "C", "SMART")
    desk.ib.qualifyContracts(option)
    assert option.conId > 0
    return [len(chain.expirations), len(chain.strikes)]


@part
def other_contracts(desk):
    wanted = [
        desk.module.Forex("EURUSD"),
        desk.module.Index("SPX", "CBOE"),
        desk.module.ContFuture("ES", "CME"),
    ]
    desk.ib.qualifyContracts(*wanted)
    assert all(contract.conId for contract in wanted), wanted
    return [contract.localSymbol for contract in wanted]


@part
def unknown_contract(desk):
    return desk.ib.qualifyContracts(desk.module.Stock("NOSUCH", "SMART", "USD"))


@part
def market_rule(desk):
    (details,) = desk.ib.reqContractDetails(desk.stock)
    return len(desk.ib.reqMarketRule(int(details.marketRuleIds.split(",")[0])))


@part
def what_if(desk):
    state = desk.ib.whatIfOrder(desk.stock, desk.module.MarketOrder("BUY", 100))
    assert float(state.initMarginChange) > 0, state
    return [float(state.initMarginChange), state.commission]


@part
def bracket_takes_profit(desk):
    bid, ask = desk.price()
    orders = desk.ib.bracketOrder("BUY", 10, round(ask * 1.05, 2), round(ask * 1.2, 2), round(bid * 0.8, 2))
    trades = [desk.ib.placeOrder(desk.stock, order) for order in orders]
    desk.until(lambda: trades[0].orderStatus.status == "Filled", "the parent to fill")
    desk.until(lambda: trades[1].orderStatus.status == "Submitted", "the take-profit to work")
    assert trades[2].orderStatus.status == "PreSubmitted", trades[2].orderStatus
    desk.end(*trades[1:])
    return [trade.orderStatus.status for trade in trades]


@part
def bracket_cancelled_by_its_parent(desk):
    bid, ask = desk.price()
    orders = desk.ib.bracketOrder("BUY", 10, round(bid * 0.8, 2), round(ask * 1.2, 2), round(bid * 0.7, 2))
    trades = [desk.ib.placeOrder(desk.stock, order) for order in orders]
    desk.until(lambda: trades[0].orderStatus.status == "Submitted", "the parent to work")
    desk.end(trades[0])
    desk.until(lambda: all(trade.isDone() for trade in trades), "the children to end")
    return [trade.orderStatus.status for trade in trades]


@part
def one_cancels_all(desk):
    bid, ask = desk.price()
    orders = [
        desk.module.LimitOrder("BUY", 10, round(bid * 0.8, 2)),
        desk.module.LimitOrder("BUY", 10, round(ask * 1.05, 2)),
    ]
    desk.ib.oneCancelsAll(orders, "either", 1)
    trades = [desk.ib.placeOrder(desk.stock, order) for order in orders]
    desk.until(lambda: all(trade.isDone() for trade in trades), "the group to end")
    return [trade.orderStatus.status for trade in trades]


@part
def order_types(desk):
    bid, ask = desk.price()
    low, high = round(bid * 0.8, 2), round(ask * 1.2, 2)
    trades = [
        desk.place(desk.order("STP", "SELL", 1, auxPrice=low), "PreSubmitted", "Submitted"),
        desk.place(desk.order("STP LMT", "SELL", 1, auxPrice=low, lmtPrice=low), "PreSubmitted", "Submitted"),
        desk.place(desk.order("MIT", "BUY", 1, auxPrice=low), "PreSubmitted", "Submitted"),
        desk.place(desk.order("LIT", "BUY", 1, auxPrice=low, lmtPrice=low), "PreSubmitted", "Submitted"),
        desk.place(desk.order("TRAIL", "SELL", 1, trailingPercent=10.0), "PreSubmitted", "Submitted"),
        desk.place(desk.order("TRAIL", "SELL", 1, auxPrice=5.0), "PreSubmitted", "Submitted"),
        desk.place(desk.module.LimitOrder("SELL", 1, high, tif="GTC", outsideRth=True), "Submitted"),
    ]
    opened = {trade.order.orderId for trade in desk.ib.openTrades()}
    assert {trade.order.orderId for trade in trades} <= opened
    desk.end(*trades)
    return [trade.orderStatus.status for trade in trades]


@part
def times_in_force(desk):
    bid, ask = desk.price()
    ioc = desk.place(
        desk.module.LimitOrder("BUY", 1, round(bid * 0.8, 2), tif="IOC"), "Cancelled", "Inactive"
    )
    fok = desk.place(desk.module.LimitOrder("BUY", 1, round(ask * 1.05, 2), tif="FOK"), "Filled")
    gtd = desk.module.LimitOrder(
        "BUY", 1, round(bid * 0.8, 2), tif="GTD", goodTillDate="20991231 23:59:59 UTC"
    )
    trades = [ioc, fok, desk.place(gtd, "Submitted", "PreSubmitted")]
    desk.end(*trades)
    return [trade.orderStatus.status for trade in trades]


@part
def conditions_and_algo(desk):
    bid, _ = desk.price()
    order = desk.module.LimitOrder("BUY", 1, round(bid * 0.8, 2), tif="GTC")
    condition = desk.module.PriceCondition(conId=desk.stock.conId, exch="SMART", price=1.0, isMore=False)
    order.conditions = [condition]
    algo = desk.module.LimitOrder("BUY", 1, round(bid * 0.8, 2), algoStrategy="Adaptive")
    algo.algoParams = [desk.module.TagValue("adaptivePriority", "Normal")]
    trades = [
        desk.place(each, "Submitted", "PreSubmitted", "Inactive", "Cancelled") for each in (order, algo)
    ]
    desk.end(*[trade for trade in trades if trade.orderStatus.status != "Inactive"])
    return [trade.orderStatus.status for trade in trades]


@part
def profit_and_loss(desk):
    account = desk.ib.managedAccounts()[0]
    whole, one = desk.ib.reqPnL(account), desk.ib.reqPnLSingle(account, "", desk.stock.conId)
    desk.until(lambda: whole.dailyPnL == whole.dailyPnL and one.dailyPnL == one.dailyPnL, "PnL")
    desk.ib.cancelPnL(account)
    desk.ib.cancelPnLSingle(account, "", desk.stock.conId)
    return [one.position, whole.dailyPnL]


@part
def account_values_and_portfolio(desk):
    account = desk.ib.managedAccounts()[0]
    tags = {value.tag for value in desk.ib.accountValues(account)}
    assert {"NetLiquidation", "TotalCashBalance", "BuyingPower"} <= tags, tags
    held = {item.contract.symbol: item.position for item in desk.ib.portfolio()}
    positions = {each.contract.symbol: each.position for each in desk.ib.positions()}
    assert held == positions, (held, positions)
    return held


@part
def current_time_and_user(desk):
    return [str(desk.ib.reqCurrentTime()), desk.ib.reqUserInfo()]


@part
def lists(desk):
    ib = desk.ib
    desk.ib.client.reqIds(-1)
    ib.reqNewsBulletins(True)
    ib.cancelNewsBulletins()
    return [len(ib.reqNewsProviders()), len(ib.reqScannerParameters() or ""), len(ib.reqAllOpenOrders())]


@part
def global_cancel(desk):
    bid, _ = desk.price()
    trades = [
        desk.place(desk.module.LimitOrder("BUY", 1, round(bid * 0.8, 2)), "Submitted") for _ in range(3)
    ]
    desk.ib.reqGlobalCancel()
    desk.until(lambda: all(trade.isDone() for trade in trades), "every order to end")
    return [trade.orderStatus.status for trade in trades]


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    library = importlib.import_module(sys.argv[1])
    ib = library.IB()
    ib.RequestTimeout = WAIT_S
    ib.connect(sys.argv[2], int(sys.argv[3]), clientId=int(sys.argv[4]), timeout=8)
    desk = Desk(library, ib)
    seen, failed = {}, {}
    for function in NAMES:
        try:
            seen[function.__name__] = function(desk)
        except Exception as error:
            failed[function.__name__] = f"{type(error).__name__}: {error}"
            traceback.print_exc()
            if not ib.isConnected():
                break
    ib.disconnect()
    print(json.dumps({"seen": seen, "failed": failed, "errors": desk.errors}, default=str))


if __name__ == "__main__":
    main()
