"""Orders of every shape: what the client writes is read back, and it reads the echo as the same order."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.frames import WireError
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.order_answers import WireOrderState, completed_order, open_order
from certify.gateway.wire.requests import PlaceOrder, parse_request

VERSIONS = range(157, 179)
SHAPES = {}
Shape = Callable[[ModuleType], tuple[Any, Any]]


def shape(make: Shape) -> Shape:
    SHAPES[make.__name__] = make
    return make


def _stock(lib: ModuleType, **more: Any) -> Any:
    return lib.Stock("AAPL", "SMART", "USD", conId=265598, primaryExchange="NASDAQ", **more)


def _order(lib: ModuleType, order_type: str, **more: Any) -> Any:
    return lib.Order(
        action="BUY", totalQuantity=100, orderType=order_type, account="DU1", orderRef="ref-1", **more
    )


@shape
def market(lib):
    return _stock(lib), _order(lib, "MKT", tif="DAY")


@shape
def limit(lib):
    return _stock(lib), _order(lib, "LMT", lmtPrice=190.02, tif="GTC", outsideRth=True, hidden=True, minQty=5)


@shape
def bracket_child(lib):
    return _stock(lib), _order(
        lib, "STP", auxPrice=180, parentId=7, transmit=False, ocaGroup="oca", ocaType=2
    )


@shape
def trailing(lib):
    return _stock(lib), _order(
        lib, "TRAIL LIMIT", trailingPercent=2.5, trailStopPrice=150.5, lmtPriceOffset=0.25, triggerMethod=2
    )


@shape
def algorithm(lib):
    return _stock(lib), _order(
        lib,
        "LMT",
        lmtPrice=1.5,
        algoStrategy="Adaptive",
        algoParams=[lib.TagValue("adaptivePriority", "Normal")],
    )


@shape
def conditions(lib):
    order = _order(lib, "LMT", lmtPrice=10, conditionsIgnoreRth=True, conditionsCancelOrder=True)
    order.conditions = [
        lib.PriceCondition(price=12.5, conId=8314, exch="SMART", triggerMethod=1),
        lib.TimeCondition(time="20300101 10:00:00", conjunction="o"),
        lib.MarginCondition(percent=30, isMore=False),
        lib.ExecutionCondition(secType="STK", exch="SMART", symbol="IBM"),
        lib.VolumeCondition(volume=1000, conId=8314, exch="SMART"),
        lib.PercentChangeCondition(changePercent=1.5, conId=8314, exch="SMART"),
    ]
    return _stock(lib), order


@shape
def scale(lib):
    return _stock(lib), _order(
        lib,
        "LMT",
        lmtPrice=10,
        scaleInitLevelSize=10,
        scaleSubsLevelSize=5,
        scalePriceIncrement=0.5,
        scalePriceAdjustValue=0.1,
        scalePriceAdjustInterval=3,
        scaleProfitOffset=0.2,
        scaleAutoReset=True,
        scaleInitPosition=2,
        scaleInitFillQty=1,
        scaleRandomPercent=True,
    )


@shape
def hedge(lib):
    return _stock(lib), _order(lib, "LMT", lmtPrice=10, hedgeType="P", hedgeParam="2.0")


@shape
def volatility(lib):
    return _stock(lib), _order(
        lib,
        "VOL",
        volatility=0.3,
        volatilityType=2,
        deltaNeutralOrderType="LMT",
        deltaNeutralAuxPrice=1.25,
        deltaNeutralConId=8314,
        deltaNeutralShortSale=True,
        deltaNeutralShortSaleSlot=1,
        deltaNeutralDesignatedLocation="here",
        continuousUpdate=True,
        referencePriceType=1,
    )


@shape
def pegged_to_benchmark(lib):
    return _stock(lib), _order(
        lib,
        "PEG BENCH",
        startingPrice=33,
        referenceContractId=8314,
        isPeggedChangeAmountDecrease=True,
        peggedChangeAmount=0.05,
        referenceChangeAmount=0.1,
        referenceExchangeId="ISLAND",
    )


@shape
def pegged_to_best(lib):
    return _stock(lib), _order(
        lib,
        "PEG BEST",
        lmtPrice=10,
        minCompeteSize=100,
        competeAgainstBestOffset=math.inf,
        midOffsetAtWhole=0.01,
        midOffsetAtHalf=0.005,
    )


@shape
def pegged_to_midpoint(lib):
    contract = _stock(lib)
    contract.exchange = "IBKRATS"
    return contract, _order(lib, "PEG MID", minTradeQty=10, midOffsetAtWhole=0.02, midOffsetAtHalf=0.01)


@shape
def cash_quantity(lib):
    return lib.Forex("EURUSD"), _order(lib, "MKT", cashQty=1000.5)


@shape
def combination(lib):
    contract = lib.Bag(symbol="SPY", exchange="SMART", currency="USD")
    contract.comboLegs = [
        lib.ComboLeg(conId=1, ratio=1, action="BUY", exchange="SMART"),
        lib.ComboLeg(conId=2, ratio=2, action="SELL", exchange="SMART", openClose=1, exemptCode=-1),
    ]
    order = _order(lib, "LMT", lmtPrice=-1.5, smartComboRoutingParams=[lib.TagValue("NonGuaranteed", "1")])
    order.orderComboLegs = [lib.OrderComboLeg(price=1.25), lib.OrderComboLeg()]
    return contract, order


@shape
def delta_neutral(lib):
    return _stock(
        lib, deltaNeutralContract=lib.DeltaNeutralContract(conId=9, delta=0.5, price=101.5)
    ), _order(lib, "LMT", lmtPrice=10)


def _snake(name: str) -> str:
    special = {"val": "value", "rule80A": "rule_80a"}
    return special.get(name) or "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


ABSENT_FROM_A_REQUEST = {"order_id", "client_id", "perm_id", "basis_points", "basis_points_type"}
ONLY_ON_WHAT_IS_COMPLETED = {
    "auto_cancel_date",
    "filled_quantity",
    "ref_futures_con_id",
    "shareholder",
    "imbalance_only",
    "route_marketable_to_bbo",
    "parent_perm_id",
}


def _same(sent: Any, text: str, unset: tuple[Any, ...]) -> bool:
    """Whether a text says what the client's value is."""
    if text == "":
        return sent in unset or sent in ("", None)
    if isinstance(sent, bool | int | float):
        return float(text) == float(sent)
    return text == str(sent)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_field_that_the_client_writes_is_read_back(name, version, library, speak):
    contract, order = SHAPES[name](library)
    client = speak(version)
    client.placeOrder(41, contract, order)
    request = parse_request(client.sent[-1], version)
    assert isinstance(request, PlaceOrder)
    assert request.order_id == 41
    given = request.order
    assert (given.contract.con_id, given.contract.symbol) == (contract.conId, contract.symbol)
    assert given.contract.exchange == contract.exchange
    unset = (library.util.UNSET_DOUBLE, library.util.UNSET_INTEGER)
    compared = 0
    for field in dataclasses.fields(order):
        text = given.texts.get(_snake(field.name))
        if text is not None and isinstance(getattr(order, field.name), bool | int | float | str):
            assert _same(getattr(order, field.name), text, unset), field.name
            compared += 1
    assert compared >= 75
    assert given.total_quantity == Decimal(str(order.totalQuantity))
    assert given.transmit is order.transmit
    assert (given.lmt_price is None) == (order.lmtPrice in unset)
    assert len(given.conditions) == len(order.conditions)
    assert given.algo_params == tuple((pair.tag, pair.value) for pair in order.algoParams)
    assert len(given.contract.legs) == len(contract.comboLegs or [])
    assert len(given.order_leg_prices) == len(order.orderComboLegs)
    assert (given.contract.delta_neutral is None) == (not contract.deltaNeutralContract)


FILLED_IN = {
    "lmtPrice": 0.0,
    "auxPrice": 0.0,
    "tif": "DAY",
    "ocaType": 3,
    "displaySize": 2147483647,
    "volatilityType": 0,
    "referencePriceType": 0,
    "deltaNeutralOrderType": "None",
    "deltaNeutralOpenClose": "?",
    "clearingIntent": "IB",
    "adjustedOrderType": "None",
}
"""What a TWS writes where the order says nothing."""


def _placed(library: ModuleType, speak: Any, name: str, version: int) -> tuple[Any, Any, WireOrder]:
    contract, order = SHAPES[name](library)
    client = speak(version)
    client.placeOrder(41, contract, order)
    request = parse_request(client.sent[-1], version)
    assert isinstance(request, PlaceOrder)
    return contract, order, request.order


def _judge(sent: Any, got: Any, left_out: set[str], version: int) -> None:
    gates = {
        "duration": 159,
        "postToAts": 160,
        "autoCancelParent": 162,
        "minTradeQty": 170,
        "minCompeteSize": 170,
    }
    gates |= dict.fromkeys(("competeAgainstBestOffset", "midOffsetAtWhole", "midOffsetAtHalf"), 170)
    default = type(sent)()
    for field in dataclasses.fields(sent):
        name = field.name
        if _snake(name) in left_out or version < gates.get(name, 0):
            continue
        before, after = getattr(sent, name), getattr(got, name)
        if isinstance(before, bool | int | float | str):
            expected = FILLED_IN.get(name, before) if before == getattr(default, name) else before
            assert after == expected, name


NOT_ECHOED = {
    # The protocol has no place for these in openOrder.
    "scale_table",
    "active_start_time",
    "active_stop_time",
    "override_percentage_constraints",
    "transmit",
    "algo_id",
    "order_misc_options",
    "ext_operator",
    "mifid2_decision_maker",
    "mifid2_decision_algo",
    "mifid2_execution_trader",
    "mifid2_execution_algo",
    "advanced_error_override",
    "manual_order_time",
}


@pytest.mark.parametrize("version", [157, 159, 160, 162, 163, 166, 169, 170, 174, 176, 177, 178])
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_client_reads_its_own_order_out_of_open_order(name, version, library, speak, read):
    contract, order, given = _placed(library, speak, name, version)
    state = WireOrderState(
        status="Submitted",
        init_margin_change=Decimal("12.50"),
        commission=Decimal(1),
        commission_currency="USD",
    )
    frame = open_order(version, order=given, state=state, client_id=3, perm_id=987)
    [(method, (order_id, got_contract, got, got_state))] = read(version, frame)
    assert (method, order_id, got.clientId, got.permId) == ("openOrder", 41, 3, 987)
    _judge(order, got, ABSENT_FROM_A_REQUEST | ONLY_ON_WHAT_IS_COMPLETED | NOT_ECHOED, version)
    assert (got_contract.conId, got_contract.symbol, got_contract.exchange) == (
        contract.conId,
        contract.symbol,
        contract.exchange,
    )
    assert got_contract.comboLegs == (contract.comboLegs or [])
    assert got_contract.deltaNeutralContract == contract.deltaNeutralContract
    assert got.conditions == order.conditions
    assert got.algoParams == order.algoParams
    assert [leg.price for leg in got.orderComboLegs] == [leg.price for leg in order.orderComboLegs]
    assert got.smartComboRoutingParams == order.smartComboRoutingParams
    assert got_state.status == "Submitted"
    assert float(got_state.initMarginChange) == 12.5
    assert float(got_state.equityWithLoanAfter) == library.util.UNSET_DOUBLE
    assert (float(got_state.commission), got_state.commissionCurrency) == (1.0, "USD")


NOT_ON_COMPLETED = {
    "parent_id",
    "block_order",
    "e_trade_only",
    "firm_quote_only",
    "nbbo_price_cap",
    "auction_strategy",
    "opt_out_smart_routing",
    "what_if",
    "delta_neutral_settling_firm",
    "delta_neutral_clearing_account",
    "delta_neutral_clearing_intent",
    "delta_neutral_open_close",
    "adjusted_order_type",
    "trigger_price",
    "adjusted_stop_price",
    "adjusted_stop_limit_price",
    "adjusted_trailing_amount",
    "adjustable_trailing_unit",
    "discretionary_up_to_limit_price",
    "use_price_mgmt_algo",
    "duration",
    "post_to_ats",
}


@pytest.mark.parametrize("version", [157, 160, 162, 163, 169, 170, 176, 177, 178])
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_client_reads_its_own_order_out_of_completed_order(name, version, library, speak, read):
    contract, order, given = _placed(library, speak, name, version)
    state = WireOrderState(
        status="Filled", completed_time="20250718 10:00:00 US/Eastern", completed_status="Filled Size: 100"
    )
    frame = completed_order(version, order=given, state=state, perm_id=987, filled_quantity=Decimal(100))
    [(method, (got_contract, got, got_state))] = read(version, frame)
    assert (method, got.permId, got.filledQuantity) == ("completedOrder", 987, 100.0)
    left_out = ABSENT_FROM_A_REQUEST | ONLY_ON_WHAT_IS_COMPLETED | NOT_ECHOED | NOT_ON_COMPLETED
    _judge(order, got, left_out, version)
    assert got_contract.symbol == contract.symbol
    assert got.conditions == order.conditions
    assert got_state.status == "Filled"
    assert got_state.completedTime == "20250718 10:00:00 US/Eastern"
    assert got_state.completedStatus == "Filled Size: 100"


def test_an_order_of_the_house_needs_no_client(read):
    contract = WireContract(con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
    order = WireOrder(
        order_id=-4,
        contract=contract,
        action="SELL",
        total_quantity=Decimal(10),
        order_type="LMT",
        lmt_price=Decimal("9.90"),
    )
    frame = open_order(176, order=order, state=WireOrderState(status="Submitted"), client_id=0, perm_id=5)
    [(_, (order_id, _, got, _))] = read(176, frame)
    assert (order_id, got.action, got.totalQuantity, got.lmtPrice) == (-4, "SELL", 10.0, 9.9)


def test_the_contract_that_was_found_replaces_the_one_that_was_described(library, speak, read):
    _, _, given = _placed(library, speak, "market", 176)
    found = WireContract(
        con_id=1, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD", local_symbol="AAPL"
    )
    frame = open_order(
        176, order=given, state=WireOrderState(status="Submitted"), client_id=1, perm_id=5, contract=found
    )
    [(_, (_, contract, _, _))] = read(176, frame)
    assert (contract.conId, contract.localSymbol, contract.right) == (1, "AAPL", "?")


def test_an_order_of_another_version_is_not_misread(library, speak):
    contract, order = SHAPES["limit"](library)
    client = speak(170)
    client.placeOrder(41, contract, order)
    with pytest.raises(WireError, match="PlaceOrder") as raised:
        parse_request(client.sent[-1], 166)
    assert (raised.value.message_id, raised.value.req_id) == (3, 41)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lmtPrice", float("nan")),
        ("lmtPrice", math.inf),
        ("origin", "x"),
        ("minQty", 2.5),
        ("cashQty", 1e200),
    ],
)
def test_a_number_that_is_none_is_refused_by_name(field, value, library, speak):
    contract, order = SHAPES["limit"](library)
    setattr(order, field, value)
    client = speak(176)
    client.placeOrder(41, contract, order)
    with pytest.raises(WireError, match=_snake(field)):
        parse_request(client.sent[-1], 176)


UNSET = ("1.7976931348623157e+308", "1.7976931348623157E308", "2147483647", "")


@pytest.mark.parametrize("unset", UNSET)
def test_every_form_of_not_set_is_understood(unset, library, speak):
    contract, order = SHAPES["limit"](library)
    order.lmtPrice = 123456.5
    client = speak(176)
    client.placeOrder(41, contract, order)
    payload = client.sent[-1].replace(b"123456.5", unset.encode())
    request = parse_request(payload, 176)
    assert isinstance(request, PlaceOrder)
    assert request.order.lmt_price is None
    assert request.order.texts["lmt_price"] == ""


class _Quiet(logging.Handler):
    """Keeps what a decoder could not read."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lost: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lost.append(record.getMessage())


class _Listener:
    ib = None

    def __init__(self) -> None:
        self.heard = 0
        self.openOrder = self.completedOrder = self.hear

    def hear(self, *_):
        self.heard += 1


STRANGE = st.sampled_from(
    [
        "",
        "0",
        "1",
        "-1",
        "2147483647",
        "1.7976931348623157e+308",
        "Infinite",
        "inf",
        "nan",
        "1e5",
        "x",
        "?",
        "+7",
        "5.",
    ]
)


@given(data=st.data(), name=st.sampled_from(sorted(SHAPES)))
def test_no_order_that_is_accepted_can_be_echoed_so_that_a_client_cannot_read_it(
    data, name, library, max_version
):
    client = library.client.Client(SimpleNamespace())
    sent: list[str] = []
    client.sendMsg, client.connState, client._serverVersion = sent.append, client.CONNECTED, max_version
    client.placeOrder(41, *SHAPES[name](library))
    texts = sent[-1].split("\0")
    for _ in range(data.draw(st.integers(1, 3))):
        texts[data.draw(st.integers(1, len(texts) - 2))] = data.draw(STRANGE)
    try:
        request = parse_request("\0".join(texts).encode(), max_version)
    except WireError:
        return
    assert isinstance(request, PlaceOrder)
    _echo_is_read(library, max_version, request.order)


def _echo_is_read(library: ModuleType, version: int, order: WireOrder) -> None:
    state = WireOrderState(status="Submitted")
    frames = [
        open_order(version, order=order, state=state, client_id=1, perm_id=2),
        completed_order(version, order=order, state=state, perm_id=2, filled_quantity=Decimal(0)),
    ]
    listener, quiet = _Listener(), _Quiet()
    decoder = library.decoder.Decoder(listener, version)
    decoder.logger = logging.Logger("quiet")  # noqa: LOG001 - one that nobody else hears
    decoder.logger.addHandler(quiet)
    for frame in frames:
        decoder.interpret(frame[4:-1].decode("ascii").split("\0"))
    assert quiet.lost == []
    assert listener.heard == 2
