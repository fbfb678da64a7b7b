"""Ticks that are sent only on request (generic tick types), and the computation of options."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.contracts.options import VOLATILITY, value, years_left
from certify.gateway.trading_calendar import local
from certify.gateway.wire import answers
from certify.model.trading import Instrument
from certify.venue import default_price

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.lines import Line

GENERIC_TICKS = frozenset(
    {
        100, 101, 104, 105, 106, 162, 165, 221, 225, 232, 233, 236, 258, 292, 293, 294, 295, 318, 375, 411,
        456, 460, 499, 506, 588, 595, 614, 623,
    }
)  # fmt: skip
"""The numbers that TWS takes for stocks; those without a tick below are taken and say nothing."""
_CUSTOM_OPTION_TICK, MODEL_OPTION_TICK = 53, 13


def generic_ticks(gateway: Gateway, line: Line) -> Iterator[bytes]:
    """Yield the ticks of the generic list that are known at the start of a line."""
    if line.delayed:
        return
    if line.listing.sec_type == "OPT":
        yield option_tick(gateway, line)
    price, req_id = line.tape.last or line.tape.close, line.req_id
    for number in sorted(line.generic):
        if number in (221, 232):
            yield line.price(37, price, Decimal(0), 0)
        elif number == 165:
            yield from _statistics(line, price)
        elif number in (104, 106):
            tick_type = 23 if number == 104 else 24
            yield answers.tick_generic(req_id=req_id, tick_type=tick_type, value=Decimal(str(VOLATILITY)))
        elif number == 236:
            yield answers.tick_generic(req_id=req_id, tick_type=46, value=Decimal(3))
            yield answers.tick_size(line.client.version, req_id=req_id, tick_type=89, size=5_000_000)
        elif number == 293:
            yield answers.tick_generic(req_id=req_id, tick_type=54, value=line.tape.trades)
        elif number == 456:
            yield answers.tick_string(req_id=req_id, tick_type=59, value=",,,")


def _statistics(line: Line, price: Decimal) -> Iterator[bytes]:
    """Yield lows and highs of 13, 26 and 52 weeks, and the average volume."""
    tick = line.listing.instrument.tick
    for number, weeks in enumerate((13, 26, 52)):
        width = Decimal(weeks) / 400
        for tick_type, share in ((15 + 2 * number, 1 - width), (16 + 2 * number, 1 + width)):
            at = (price * share / tick).to_integral_value() * tick
            yield line.price(tick_type, at, Decimal(0), 0)
    volume = max(1, int(line.tape.volume))
    yield answers.tick_size(line.client.version, req_id=line.req_id, tick_type=21, size=volume)


def option_tick(gateway: Gateway, line: Line) -> bytes:
    """Return the model's computation of an option from its underlying's price."""
    listing = line.listing
    under = gateway.contracts.by_con_id(listing.under_con_id)
    spot = under.start_price if under is not None else default_price(Instrument(listing.under_symbol))
    years = years_left(listing.last_trade_date, local(gateway.now_ns()).date())
    greeks = value(float(spot), float(listing.strike), years, VOLATILITY, call=listing.right == "C")
    numbers = (
        VOLATILITY,
        greeks.delta,
        greeks.price,
        0.0,
        greeks.gamma,
        greeks.vega,
        greeks.theta,
        float(spot),
    )
    return answers.tick_option_computation(
        req_id=line.req_id,
        tick_type=MODEL_OPTION_TICK,
        tick_attrib=0,
        values=tuple(Decimal(str(round(each, 8))) for each in numbers),
    )
