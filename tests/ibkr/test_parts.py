"""The small parts: configuration, contracts, safety, orders on the wire, the two threads, the import site."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from decimal import Decimal

import pytest

from certify.backends.ibkr import create, wire_orders
from certify.backends.ibkr.client_library import LIBRARY, Contract
from certify.backends.ibkr.contracts import ContractBook, contract_of
from certify.backends.ibkr.delivery import DeliveryThread
from certify.backends.ibkr.facts import SentOrders
from certify.backends.ibkr.feed import Feed, Subscription
from certify.backends.ibkr.loop import LoopThread
from certify.backends.ibkr.safety import Safety
from certify.backends.ibkr.settings import is_paper, masked, parse_settings
from certify.clock import NS_PER_S
from certify.errors import UsageError
from certify.model.trading import Environment, Instrument, Order, OrderType, Side, TimeInForce

AAPL = "AAPL.NASDAQ"


def order(**more):
    given = {"price": Decimal("99.00"), **more}
    return Order(
        "x1", AAPL, Side.BUY, given.pop("qty", Decimal(10)), given.pop("type", OrderType.LIMIT), **given
    )


# -- configuration -------------------------------------------------------------------------------


def test_configuration_of_the_gateway_comes_first():
    config = {
        "port": 1,
        "gateway": {"host": "127.0.0.1", "port": 2, "control_port": 3, "account": "DU1", "simulated": True},
    }
    settings = parse_settings(config)
    assert (settings.port, settings.control_port, settings.account) == (2, 3, "DU1")
    assert settings.environment is Environment.SIMULATED


@pytest.mark.parametrize(
    ("account", "environment"), [("DU1234567", Environment.PAPER), ("U1234567", Environment.LIVE)]
)
def test_environment_follows_the_account(account, environment):
    assert parse_settings({"account": account}).environment is environment


@pytest.mark.parametrize(
    "config", [{"port": "many"}, {"safety": {"max_messages_per_s": 46}}, {"safety": {"max_order_qty": "x"}}]
)
def test_configuration_that_cannot_be_is_refused(config):
    with pytest.raises(UsageError):
        parse_settings({"account": "DU1", **config})


def test_account_ids_are_masked():
    assert masked("DU1234567") == "DU***567"
    assert is_paper("DU1")
    assert not is_paper("U1")


class Plain:
    log = logging.getLogger("tests.ibkr")

    def __init__(self, config, state_dir):
        self.config, self.state_dir = config, state_dir

    def emit(self, event):
        """Nobody listens."""


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"account": "U1234567"},
        {"account": "U1234567", "live": True},
        {"account": "U1234567", "safety": {"allow_live": True}},
    ],
)
def test_account_that_is_not_a_paper_account_is_refused(config, tmp_path):
    with pytest.raises(UsageError, match="account"):
        create(Plain(config, tmp_path))


def test_live_account_takes_two_words(tmp_path):
    config = {"account": "U1234567", "live": True, "safety": {"allow_live": True}}
    assert create(Plain(config, tmp_path)).describe().environment is Environment.LIVE


def test_capabilities_that_are_not_there_have_reasons(tmp_path):
    info = create(Plain({"account": "DU1"}, tmp_path)).describe()
    missing = {flag: why for flag, why in info.capabilities.items() if why is not True}
    assert {"framework.switch", "framework.failover", "market_data.inject"} <= set(missing)
    assert all(isinstance(why, str) and why for why in missing.values())


# -- safety --------------------------------------------------------------------------------------


def safety(price=None, **caps):
    settings = parse_settings({"account": "DU1", "safety": caps})
    return Safety(settings, {AAPL: Instrument(AAPL)}, lambda _instrument, _side: price)


def test_caps_hold_at_the_cap_and_not_above():
    caps = safety(max_order_qty=10, max_order_notional=1000, max_orders=2)
    assert caps.refuse(order(), 1) is None
    assert "quantity" in caps.refuse(order(qty=Decimal(11)), 0)
    assert "value" in caps.refuse(order(price=Decimal("100.01")), 0)
    assert "2 orders" in caps.refuse(order(), 2)


def test_market_orders_are_valued_at_the_market_or_not_sent():
    market = order(price=None, type=OrderType.MARKET)
    assert safety(Decimal(100), max_order_notional=1000).refuse(market, 0) is None
    assert "value" in safety(Decimal(101), max_order_notional=1000).refuse(market, 0)
    assert "not known" in safety(None, max_order_notional=1000).refuse(market, 0)


def test_caps_are_rejections(build):
    rig = build(safety={"max_order_qty": 5, "max_orders": 2})
    rig.market()
    big, first, second, third = (rig.send(qty, "99.00") for qty in (6, 5, 5, 5))
    assert rig.wait(big, "REJECTED").code == "SAFETY_CAP"
    assert rig.wait(third, "REJECTED").code == "SAFETY_CAP"
    for sent in (first, second):
        rig.wait(sent, "NEW")
    rig.platform.execution.modify(first, qty=Decimal(6))
    assert rig.wait(first, "REPLACE_REJECTED").code == "SAFETY_CAP"
    assert {each["order_ref"] for each in rig.gateway.do("orders")} == {first, second}


# -- contracts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "fields"),
    [
        (
            Instrument(AAPL),
            {"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "primaryExchange": "NASDAQ"},
        ),
        (Instrument("BRK B.NYSE"), {"symbol": "BRK B", "primaryExchange": "NYSE"}),
        (
            Instrument("EUR.USD.IDEALPRO", "CASH"),
            {"symbol": "EUR", "currency": "USD", "exchange": "IDEALPRO"},
        ),
        (Instrument("ESZ6.CME", "FUT"), {"localSymbol": "ESZ6", "exchange": "CME"}),
        (
            Instrument("ES-20261218.CME", "FUT", multiplier=Decimal(50)),
            {"symbol": "ES", "lastTradeDateOrContractMonth": "20261218", "multiplier": "50"},
        ),
        (
            Instrument("AAPL-20261218-C-200.SMART", "OPT", multiplier=Decimal(100)),
            {"symbol": "AAPL", "right": "C", "strike": 200.0, "multiplier": "100", "exchange": "SMART"},
        ),
        (Instrument("BTC.PAXOS", "CRYPTO"), {"symbol": "BTC", "secType": "CRYPTO", "exchange": "PAXOS"}),
    ],
)
def test_instruments_have_contracts(instrument, fields):
    contract = contract_of(instrument)
    assert {name: getattr(contract, name) for name in fields} == fields
    assert ContractBook([instrument]).instrument_of(contract) == instrument.id


@pytest.mark.parametrize(
    "instrument", [Instrument("AAPL"), Instrument("X.Y", "WAR"), Instrument("A-B-C.CME", "FUT")]
)
def test_instruments_without_a_contract_are_refused(instrument):
    with pytest.raises(UsageError, match=instrument.id.partition(".")[0]):
        contract_of(instrument)


def test_contracts_are_known_by_their_number_once_it_is_known():
    book = ContractBook([Instrument("ESZ6.CME", "FUT")])
    assert book.unqualified() == ["ESZ6.CME"]
    book.qualify("ESZ6.CME", Contract(conId=5, symbol="ES", localSymbol="ESZ6", tradingClass="ES"))
    assert book.instrument_of(Contract(conId=5)) == "ESZ6.CME"
    assert book.instrument_of(Contract(symbol="NQ", secType="FUT")) is None
    assert book.unqualified() == []


# -- orders on the wire --------------------------------------------------------------------------


def test_orders_survive_the_wire():
    for given in (
        order(),
        order(type=OrderType.MARKET, price=None),
        order(type=OrderType.STOP, price=None, stop_price=Decimal("101.5")),
        order(type=OrderType.STOP_LIMIT, stop_price=Decimal("101.5"), tif=TimeInForce.GTC),
    ):
        wire = wire_orders.to_wire(given, "DU1", qty=given.qty, price=given.price)
        back = wire_orders.from_wire(wire, AAPL)
        names = ("client_order_id", "side", "qty", "type", "price", "stop_price", "tif")
        assert [getattr(back, name) for name in names] == [getattr(given, name) for name in names]


def test_expiry_is_never_before_its_time():
    assert wire_orders.good_till(1_768_000_000 * NS_PER_S) == "20260109-23:06:40"
    assert wire_orders.good_till(1_768_000_000 * NS_PER_S + 1) == "20260109-23:06:41"


def test_sent_orders_are_known_after_a_restart(tmp_path):
    sent = SentOrders(tmp_path / "sent.jsonl")
    sent.add(order())
    sent.change("x1", Decimal(20), None)
    sent.change("nobody", Decimal(20), None)
    sent.close()
    again = SentOrders(tmp_path / "sent.jsonl")
    assert (again.get("x1").qty, again.get("x1").price, len(again)) == (20, Decimal("99.00"), 1)
    assert again.get("nobody") is None


# -- quotes ----------------------------------------------------------------------------------------


def test_quote_that_is_half_moved_waits_for_its_other_side():
    async def play():
        said = []
        feed = Feed(ContractBook([Instrument(AAPL)]), {}, said.append, logging.getLogger("tests.ibkr"))
        feed.by_request[7] = Subscription(AAPL, "TICKS", {"QUOTE"})
        for bid, ask in ((100.0, 100.1), (120.0, None)):
            feed.on_price(7, 1, bid, 5.0)
            if ask is not None:
                feed.on_price(7, 2, ask, 6.0)
            feed.on_batch()
        assert [(q.bid, q.ask) for q in said] == [(100, Decimal("100.1"))]
        feed.on_price(7, 2, 120.1, 6.0)
        feed.on_batch()
        assert [(q.bid, q.ask) for q in said] == [(100, Decimal("100.1")), (120, Decimal("120.1"))]
        await asyncio.sleep(0.08)
        assert len(said) == 2

    asyncio.run(play())


# -- threads ---------------------------------------------------------------------------------------


def test_loop_answers_or_says_that_it_does_not():
    loop = LoopThread("test")
    try:
        assert loop.run(asyncio.sleep(0, "done"), 1) == "done"
        with pytest.raises(ConnectionError, match="within"):
            loop.run(asyncio.sleep(30), 0.05)
    finally:
        loop.close()
    loop.close()


def test_delivery_keeps_order_and_outlives_errors(caplog):
    thread, heard, done = DeliveryThread("test", logging.getLogger("tests.ibkr")), [], threading.Event()
    thread.put(lambda: heard.append(1))
    thread.put(lambda: heard[99])
    thread.put(lambda: (heard.append(2), done.set()))
    assert done.wait(2)
    thread.close()
    assert heard == [1, 2]
    assert "could not be delivered" in caplog.text


# -- the import site -------------------------------------------------------------------------------


def test_library_is_one_of_two():
    assert LIBRARY.name in ("ib_insync", "ib_async")
    assert LIBRARY.version


def test_import_needs_no_event_loop_and_leaves_none():
    code = (
        "import asyncio, certify.backends.ibkr.client_library as site\n"
        "try: asyncio.get_running_loop()\n"
        "except RuntimeError: print(site.LIBRARY.name)"
    )
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == LIBRARY.name, found.stderr
