"""Every answer, decoded by the client library: the values come through and nothing is lost or logged."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from certify.gateway.wire import answers, order_answers
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.frames import frame
from certify.gateway.wire.times import bar_time, clock_minute, connection_time, stamp

VERSIONS = [157, 162, 163, 164, 166, 169, 170, 173, 174, 176, 177, 178]
NINE = Decimal("9.99")
TIME = datetime(2025, 7, 18, 14, 0, 0, tzinfo=UTC)
TIME_NS = int(TIME.timestamp()) * 1_000_000_000
AAPL = WireContract(
    con_id=265598,
    symbol="AAPL",
    sec_type="STK",
    exchange="SMART",
    primary_exchange="NASDAQ",
    currency="USD",
    local_symbol="AAPL",
    trading_class="NMS",
)
OPTION = WireContract(
    con_id=7,
    symbol="SPY",
    sec_type="OPT",
    last_trade_date="20301220",
    strike=Decimal("500.50"),
    right="C",
    multiplier="100",
    exchange="SMART",
    currency="USD",
    local_symbol="SPY 301220C00500500",
    trading_class="SPY",
)
BAR = answers.WireBar(
    date="20250718",
    open=Decimal("1.0"),
    high=Decimal("4.5"),
    low=Decimal("0.5"),
    close=Decimal("2.25"),
    volume=Decimal(1000),
    wap=Decimal("2.2"),
    bar_count=12,
)


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


def _only(calls, method):
    assert [name for name, _ in calls] == [method]
    return calls[0][1]


def test_prices_and_sizes(version, read):
    price = answers.tick_price(
        version, req_id=5, tick_type=1, price=NINE, size=Decimal("100.00"), attr_mask=3
    )
    assert _only(read(version, price), "priceSizeTick") == (5, 1, 9.99, 100.0)
    nothing = answers.tick_price(version, req_id=5, tick_type=2, price=None, size=7)
    assert _only(read(version, nothing), "priceSizeTick") == (5, 2, -1.0, 0.0)
    size = answers.tick_size(version, req_id=5, tick_type=0, size=300)
    assert _only(read(version, size), "tickSize") == (5, 0, 300.0)


def test_the_other_ticks(version, read):
    calls = read(
        version,
        answers.tick_req_params(
            req_id=5, min_tick=Decimal("0.01"), bbo_exchange="9c0001", snapshot_permissions=3
        ),
        answers.market_data_type(req_id=5, market_data_type=3),
        answers.tick_generic(req_id=5, tick_type=49, value=0),
        answers.tick_string(req_id=5, tick_type=45, value="1752847200"),
        answers.tick_snapshot_end(req_id=5),
        answers.tick_option_computation(
            req_id=5, tick_type=13, tick_attrib=1, values=(Decimal("0.2"),) + (None,) * 7
        ),
    )
    assert calls == [
        ("tickReqParams", (5, 0.01, "9c0001", 3)),
        ("marketDataType", (5, 3)),
        ("tickGeneric", (5, 49, 0.0)),
        ("tickString", (5, 45, "1752847200")),
        ("tickSnapshotEnd", (5,)),
        ("tickOptionComputation", (5, 13, 1, 0.2, -2.0, -1.0, -1.0, -2.0, -2.0, -2.0, -1.0)),
    ]


def test_an_option_s_computation_has_eight_values():
    with pytest.raises(ValueError, match="8 values"):
        answers.tick_option_computation(req_id=5, tick_type=13, tick_attrib=1, values=(None,))


def test_tick_by_tick(version, read):
    quote = answers.tick_by_tick_bid_ask(
        version, req_id=5, time_ns=TIME_NS, bid_price=NINE, ask_price=Decimal(10), bid_size=1, ask_size=2
    )
    call = _only(read(version, quote), "tickByTickBidAsk")
    assert call[:6] == (5, TIME_NS // 10**9, 9.99, 10.0, 1.0, 2.0)
    for all_last, kind in ((False, 1), (True, 2)):
        trade = answers.tick_by_tick_last(
            version,
            req_id=5,
            time_ns=TIME_NS,
            price=NINE,
            size=3,
            exchange="ARCA",
            all_last=all_last,
            conditions="FT",
        )
        call = _only(read(version, trade), "tickByTickAllLast")
        assert call[:5] == (5, kind, TIME_NS // 10**9, 9.99, 3.0)
        assert call[6:] == ("ARCA", "FT")
    mid = answers.tick_by_tick_mid_point(req_id=5, time_ns=TIME_NS, mid_point=Decimal("9.995"))
    assert _only(read(version, mid), "tickByTickMidPoint") == (5, TIME_NS // 10**9, 9.995)


def test_books(version, read):
    row = answers.mkt_depth(version, req_id=5, position=2, operation=1, side=0, price=NINE, size=10)
    assert _only(read(version, row), "updateMktDepth") == (5, 2, 1, 0, 9.99, 10.0)
    smart = answers.mkt_depth_l2(
        version,
        req_id=5,
        position=2,
        market_maker="ARCA",
        operation=0,
        side=1,
        price=NINE,
        size=10,
        is_smart_depth=True,
    )
    assert _only(read(version, smart), "updateMktDepthL2") == (5, 2, "ARCA", 0, 1, 9.99, 10.0, True)


def test_bars(version, read):
    data = answers.historical_data(version, req_id=5, start="a", end="b", bars=iter([BAR, BAR]))
    calls = read(version, data)
    assert [name for name, _ in calls] == ["historicalData", "historicalData", "historicalDataEnd"]
    bar = calls[0][1][1]
    assert (bar.date, bar.open, bar.high, bar.low, bar.close) == ("20250718", 1.0, 4.5, 0.5, 2.25)
    assert (bar.volume, bar.average, bar.barCount) == (1000, 2.2, 12)
    assert calls[2][1] == (5, "a", "b")
    _, update = _only(
        read(version, answers.historical_data_update(version, req_id=5, bar=BAR)), "historicalDataUpdate"
    )
    assert (update.date, update.open, update.high, update.low, update.close) == (
        "20250718",
        1.0,
        4.5,
        0.5,
        2.25,
    )
    assert (update.volume, update.average, update.barCount) == (1000, 2.2, 12)
    real = answers.real_time_bar(version, req_id=5, time_s=1752847200, bar=BAR)
    assert _only(read(version, real), "realtimeBar") == (5, 1752847200, 1.0, 4.5, 0.5, 2.25, 1000.0, 2.2, 12)


def test_no_bars_are_an_end_too(version, read):
    data = answers.historical_data(version, req_id=5, start="a", end="b", bars=())
    assert _only(read(version, data), "historicalDataEnd") == (5, "a", "b")


def test_ticks_of_the_past(version, read):
    mids = [answers.HistoricalTick(time_ns=TIME_NS, price=NINE)] * 2
    req_id, ticks, done = _only(
        read(version, answers.historical_ticks(version, req_id=5, ticks=mids, done=True)), "historicalTicks"
    )
    assert (req_id, len(ticks), ticks[0].time, ticks[0].price, done) == (5, 2, TIME, 9.99, True)
    quotes = [
        answers.HistoricalTickBidAsk(
            time_ns=TIME_NS, price_bid=NINE, price_ask=Decimal(10), size_bid=Decimal(1), size_ask=Decimal(2)
        )
    ]
    frames = answers.historical_ticks_bid_ask(version, req_id=5, ticks=quotes, done=False)
    _, ticks, done = _only(read(version, frames), "historicalTicksBidAsk")
    assert (ticks[0].priceBid, ticks[0].priceAsk, ticks[0].sizeBid, ticks[0].sizeAsk) == (
        9.99,
        10.0,
        1.0,
        2.0,
    )
    assert done is False
    trades = [
        answers.HistoricalTickLast(
            time_ns=TIME_NS, price=NINE, size=Decimal(4), exchange="ARCA", special_conditions="I"
        )
    ]
    frames = answers.historical_ticks_last(version, req_id=5, ticks=trades, done=True)
    _, ticks, _ = _only(read(version, frames), "historicalTicksLast")
    assert (ticks[0].price, ticks[0].size, ticks[0].exchange, ticks[0].specialConditions) == (
        9.99,
        4.0,
        "ARCA",
        "I",
    )


def test_histograms_rules_and_heads(version, read):
    calls = read(
        version,
        answers.histogram_data(version, req_id=5, rows=[(NINE, Decimal(3))]),
        answers.market_rule(
            rule_id=26, rows=[(Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))]
        ),
        answers.head_timestamp(req_id=5, text="19801212  09:30:00"),
    )
    assert [name for name, _ in calls] == ["histogramData", "marketRule", "headTimestamp"]
    assert (calls[0][1][1][0].price, calls[0][1][1][0].count) == (9.99, 3)
    assert [(row.lowEdge, row.increment) for row in calls[1][1][1]] == [(0.0, 0.0001), (1.0, 0.01)]


def test_the_session(version, read):
    calls = read(
        version,
        answers.managed_accounts(["DU1", "DU2"]),
        answers.next_valid_id(17),
        answers.current_time(1752847200),
        answers.user_info(req_id=5, white_branding_id="certify-simulated-gateway"),
    )
    assert calls == [
        ("managedAccounts", ("DU1,DU2",)),
        ("nextValidId", (17,)),
        ("currentTime", (1752847200,)),
        ("userInfo", (5, "certify-simulated-gateway")),
    ]


def test_errors(version, read):
    frames = answers.error(version, 41, 399, "Order Message:\nBUY 1 SPY", '{"a":1}')
    expected = '{"a":1}' if version >= 166 else ""
    assert _only(read(version, frames), "error") == (41, 399, "Order Message:\nBUY 1 SPY", expected)


def test_accounts(version, read):
    calls = read(
        version,
        answers.account_value(tag="NetLiquidation", value="1000.50", currency="USD", account="DU1"),
        answers.account_update_time("10:31"),
        answers.account_download_end("DU1"),
        answers.account_summary(req_id=5, account="DU1", tag="Cushion", value="1", currency=""),
        answers.account_summary_end(req_id=5),
        answers.account_update_multi(
            req_id=5, account="DU1", model_code="", tag="Cushion", value="1", currency=""
        ),
        answers.account_update_multi_end(req_id=5),
        answers.pnl(req_id=5, daily_pnl=NINE, unrealized_pnl=Decimal("-1.5"), realized_pnl=Decimal(0)),
        answers.pnl_single(
            version,
            req_id=5,
            position=Decimal(-100),
            daily_pnl=NINE,
            unrealized_pnl=Decimal(1),
            realized_pnl=None,
            value=Decimal(2),
        ),
        answers.position_end(),
        answers.position_multi_end(req_id=5),
    )
    assert calls[:8] == [
        ("updateAccountValue", ("NetLiquidation", "1000.50", "USD", "DU1")),
        ("updateAccountTime", ("10:31",)),
        ("accountDownloadEnd", ("DU1",)),
        ("accountSummary", (5, "DU1", "Cushion", "1", "")),
        ("accountSummaryEnd", (5,)),
        ("accountUpdateMulti", (5, "DU1", "", "Cushion", "1", "")),
        ("accountUpdateMultiEnd", (5,)),
        ("pnl", (5, 9.99, -1.5, 0.0)),
    ]
    assert calls[8][1] == (5, -100.0, 9.99, 1.0, 1.7976931348623157e308, 2.0)
    assert calls[9:] == [("positionEnd", ()), ("positionMultiEnd", (5,))]


@pytest.mark.parametrize("contract", [AAPL, OPTION], ids=["stock", "option"])
def test_positions_and_portfolio(version, read, contract):
    held = Decimal(-30)
    account, got, position, cost = _only(
        read(
            version, answers.position(version, account="DU1", contract=contract, position=held, avg_cost=NINE)
        ),
        "position",
    )
    assert (account, position, cost) == ("DU1", -30.0, 9.99)
    assert (got.conId, got.symbol, got.strike) == (contract.con_id, contract.symbol, float(contract.strike))
    frames = answers.position_multi(
        version, req_id=5, account="DU1", contract=contract, position=held, avg_cost=NINE, model_code="m"
    )
    call = _only(read(version, frames), "positionMulti")
    assert (call[0], call[1], call[2], call[4], call[5]) == (5, "DU1", "m", -30.0, 9.99)
    frames = answers.portfolio_value(
        version,
        contract=contract,
        position=held,
        market_price=Decimal(10),
        average_cost=NINE,
        unrealized_pnl=Decimal("0.3"),
        realized_pnl=Decimal(0),
        account="DU1",
    )
    got, *values = _only(read(version, frames), "updatePortfolio")
    assert values == [-30.0, 10.0, -300.0, 9.99, 0.3, 0.0, "DU1"]
    assert (got.localSymbol, got.tradingClass) == (contract.local_symbol, contract.trading_class)
    assert got.primaryExchange == (contract.primary_exchange or contract.exchange)


def test_contract_details(version, read):
    details = answers.WireContractDetails(
        contract=AAPL,
        market_name="NMS",
        long_name="APPLE \\ CAFÉ 🍏",
        order_types="LMT,MKT",
        valid_exchanges="SMART,NASDAQ",
        time_zone_id="US/Eastern",
        sec_ids=(("ISIN", "US0378331005"), ("CUSIP", "037833100")),
        market_rule_ids="26,26",
        stock_type="COMMON",
        min_size=Decimal("0.0001"),
        suggested_size_increment=Decimal(100),
    )
    calls = read(
        version,
        answers.contract_data(version, req_id=5, details=details),
        answers.contract_data_end(req_id=5),
    )
    (first, (req_id, got)), last = calls
    assert (first, req_id, last) == ("contractDetails", 5, ("contractDetailsEnd", (5,)))
    assert (got.contract.conId, got.contract.symbol, got.contract.primaryExchange) == (
        265598,
        "AAPL",
        "NASDAQ",
    )
    assert got.longName.encode("utf-16", "surrogatepass").decode("utf-16") == "APPLE \\ CAFÉ 🍏"
    assert [pair.tag for pair in got.secIdList] == ["ISIN", "CUSIP"]
    assert (got.minTick, got.timeZoneId, got.marketRuleIds, got.stockType) == (
        0.01,
        "US/Eastern",
        "26,26",
        "COMMON",
    )
    assert float(got.suggestedSizeIncrement) == (100.0 if version >= 163 else 0.0)
    assert float(got.minSize) == (0.0001 if version >= 164 else 0.0)


def test_symbols_chains_and_tables(version, read):
    rows = [
        answers.WireSymbol(
            contract=AAPL, derivative_sec_types=("OPT", "CFD"), description="APPLE", issuer_id="e1"
        ),
        answers.WireSymbol(contract=OPTION),
    ]
    req_id, found = _only(
        read(version, answers.symbol_samples(version, req_id=5, rows=rows)), "symbolSamples"
    )
    assert (req_id, len(found), found[0].derivativeSecTypes) == (5, 2, ["OPT", "CFD"])
    assert found[0].contract.description == ("APPLE" if version >= 176 else "")
    calls = read(
        version,
        answers.sec_def_opt_param(
            req_id=5,
            exchange="SMART",
            underlying_con_id=265598,
            trading_class="AAPL",
            multiplier="100",
            expirations=["20301220", "20310117"],
            strikes=[Decimal(100), Decimal("102.5")],
        ),
        answers.sec_def_opt_param_end(req_id=5),
        answers.soft_dollar_tiers(req_id=5),
        answers.family_codes([("DU1", "F1")]),
        answers.mkt_depth_exchanges([("ARCA", "STK", "ARCA", "Deep2", "2147483647")]),
        answers.smart_components(req_id=5, rows=[("0", "ARCA", "P")]),
        answers.news_providers([("BRFG", "Briefing.com")]),
    )
    assert calls[0][1][5:] == (["20301220", "20310117"], [100.0, 102.5])
    assert [name for name, _ in calls[1:]] == [
        "securityDefinitionOptionParameterEnd",
        "softDollarTiers",
        "familyCodes",
        "mktDepthExchanges",
        "smartComponents",
        "newsProviders",
    ]
    assert calls[4][1][0][0].exchange == "ARCA"


def test_order_status_and_bounds(version, read):
    frames = order_answers.order_status(
        version,
        order_id=41,
        status="Submitted",
        filled=Decimal("30.00"),
        remaining=Decimal(70),
        avg_fill_price=NINE,
        perm_id=987,
        client_id=3,
        parent_id=40,
        last_fill_price=Decimal(10),
        why_held="locate",
    )
    expected = (41, "Submitted", 30.0, 70.0, 9.99, 987, 40, 10.0, 3, "locate", 0.0)
    assert _only(read(version, frames), "orderStatus") == expected
    calls = read(
        version,
        order_answers.order_bound(perm_id=987, client_id=0, order_id=-2),
        order_answers.open_order_end(),
        order_answers.completed_orders_end(),
        order_answers.exec_details_end(req_id=5),
    )
    assert calls == [
        ("orderBound", (987, 0, -2)),
        ("openOrderEnd", ()),
        ("completedOrdersEnd", ()),
        ("execDetailsEnd", (5,)),
    ]


def test_executions(version, read):
    execution = order_answers.WireExecution(
        exec_id="0000e0d5.68791b54.01.01",
        time_ns=TIME_NS,
        account="DU1",
        exchange="ARCA",
        side="BOT",
        shares=Decimal(100),
        price=NINE,
        perm_id=987,
        order_id=41,
        client_id=3,
        cum_qty=Decimal(100),
        avg_price=NINE,
        order_ref="ref-1",
    )
    req_id, contract, got = _only(
        read(version, order_answers.exec_details(version, contract=OPTION, execution=execution)),
        "execDetails",
    )
    assert (req_id, contract.conId, contract.strike) == (-1, 7, 500.5)
    assert (got.execId, got.time, got.side, got.shares, got.price) == (
        execution.exec_id,
        TIME,
        "BOT",
        100.0,
        9.99,
    )
    assert (got.orderId, got.permId, got.clientId, got.cumQty, got.orderRef) == (41, 987, 3, 100.0, "ref-1")
    report = order_answers.commission_report(exec_id=execution.exec_id, commission=Decimal(1), currency="USD")
    (got,) = _only(read(version, report), "commissionReport")
    assert (got.execId, got.commission, got.currency) == (execution.exec_id, 1.0, "USD")
    assert got.realizedPNL == 1.7976931348623157e308


def test_sizes_are_whole_numbers_below_163():
    half = Decimal("1.5")
    assert answers.size_text(162, half) == "1"
    assert answers.size_text(163, half) == "1.5"
    assert answers.size_text(178, Decimal("2.0")) == "2"
    assert answers.size_text(157, Decimal("1E+3")) == "1000"


def test_texts_beyond_ascii_are_escaped():
    sent = answers.error(178, -1, 2100, "Größe 🍏")
    assert b"Gr\\u00f6\\u00dfe \\ud83c\\udf4f" in sent
    assert int.from_bytes(sent[:4], "big") == len(sent) - 4


def test_times():
    assert stamp(174, TIME_NS) == "20250718 10:00:00 US/Eastern"
    assert stamp(173, TIME_NS) == "20250718  10:00:00"
    assert stamp(178, TIME_NS, "UTC") == "20250718 14:00:00 UTC"
    assert bar_time(176, TIME_NS, format_date=1, daily=True) == "20250718"
    assert bar_time(176, TIME_NS, format_date=2, daily=False) == str(TIME_NS // 10**9)
    assert bar_time(176, TIME_NS, format_date=1, daily=False) == "20250718 10:00:00 US/Eastern"
    assert clock_minute(TIME_NS) == "10:00"
    assert connection_time(TIME_NS) == "20250718 10:00:00 EDT"
    sent = answers.handshake(server_version=176, connection_time=connection_time(TIME_NS))
    assert sent == frame(176, "20250718 10:00:00 EDT")
