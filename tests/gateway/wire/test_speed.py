"""The wire costs little beside what clients spend: about 1 ms per order, 7 µs per tick."""

from __future__ import annotations

import timeit
from decimal import Decimal

import pytest

from certify.gateway.wire import answers
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.order_answers import WireOrderState, open_order
from certify.gateway.wire.requests import PlaceOrder, parse_request

PRICE, SIZE = Decimal("190.02"), Decimal(300)
AAPL = WireContract(con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")


def _best_us(function) -> float:
    return min(timeit.repeat(function, number=200, repeat=15)) / 200 * 1e6


def _ticks() -> bytes:
    price = answers.tick_price(176, req_id=5, tick_type=1, price=PRICE, size=SIZE)
    return price + answers.tick_size(176, req_id=5, tick_type=0, size=SIZE)


def test_a_pair_of_tick_messages_costs_under_15_us():
    assert _best_us(_ticks) < 15


@pytest.fixture
def payload(library, speak) -> bytes:
    client = speak(176)
    client.placeOrder(
        5, library.Stock("AAPL", "SMART", "USD"), library.LimitOrder("BUY", 10, 190.5, orderRef="x")
    )
    return client.sent[-1]


def test_an_order_is_read_and_echoed_within_its_share(payload):
    request = parse_request(payload, 176)
    assert isinstance(request, PlaceOrder)
    state = WireOrderState(status="Submitted")
    assert _best_us(lambda: parse_request(payload, 176)) < 250
    assert (
        _best_us(
            lambda: open_order(176, order=request.order, state=state, client_id=1, perm_id=9, contract=AAPL)
        )
        < 120
    )
