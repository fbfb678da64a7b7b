"""Option chains of a few well-known stocks and indices, made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from certify.gateway import universe
from certify.gateway.contracts.listing import OPTION_EXCHANGES, Listing
from certify.gateway.contracts.making import business_day
from certify.gateway.trading_calendar import nth_weekday
from certify.model.trading import Instrument

WEEKLY_CLASSES = {"SPX": "SPXW", "NDX": "NDXP", "RUT": "RUTW"}
"""Trading class of an index' options that do not expire on the third Friday of a month."""
UNDERLYINGS = frozenset(
    ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "SPY", "QQQ", "IWM", *WEEKLY_CLASSES)
)
VOLATILITY = 0.25
"""The one implied volatility of every option, per year."""
_WEEKS, _MONTHS = 6, 6
_STRIKES_EACH_WAY = 20
_INDEX_STEP, _INDEX_STRIKES_EACH_WAY = Decimal(5), 60
_INDEX_EXCHANGES = ("SMART", "CBOE")


@dataclass(frozen=True, slots=True)
class Greeks:
    """Value and sensitivities of one option by Black and Scholes, no interest, no dividend."""

    price: float
    delta: float
    gamma: float
    vega: float
    """Per percentage point of volatility."""
    theta: float
    """Per day."""


def value(spot: float, strike: float, years: float, volatility: float, *, call: bool) -> Greeks:
    """Return what an option is worth; at its end it is worth what exercising gives."""
    sign = 1.0 if call else -1.0
    width = volatility * math.sqrt(max(years, 0.0))
    if width <= 0:
        inside = sign * (spot - strike)
        return Greeks(max(0.0, inside), sign if inside > 0 else 0.0, 0.0, 0.0, 0.0)
    d1 = math.log(spot / strike) / width + width / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    price = sign * (spot * _normal(sign * d1) - strike * _normal(sign * (d1 - width)))
    return Greeks(
        price=price,
        delta=sign * _normal(sign * d1),
        gamma=density / (spot * width),
        vega=spot * density * math.sqrt(years) / 100,
        theta=-spot * density * volatility / (2 * math.sqrt(years)) / 365,
    )


def implied(price: float, spot: float, strike: float, years: float, *, call: bool) -> float | None:
    """Return the volatility at which an option is worth `price`, by bisection; `None` when there is none."""
    low, high = 1e-4, 5.0
    if (
        not value(spot, strike, years, low, call=call).price
        <= price
        <= value(spot, strike, years, high, call=call).price
    ):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        if value(spot, strike, years, middle, call=call).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def underlying_of(trading_class: str) -> str:
    """Return the symbol of the underlying of a trading class: `SPX` for `SPXW`."""
    return next(
        (symbol for symbol, weekly in WEEKLY_CLASSES.items() if weekly == trading_class), trading_class
    )


class Chain:
    """The options of one underlying: weekly and monthly Fridays, strikes around its start price."""

    def __init__(self, underlying: Listing, today: date) -> None:
        """List what expires after `today`."""
        self.underlying = underlying
        self._today = today
        index = underlying.sec_type == "IND"
        self.strikes = (_index_strikes if index else _strikes)(underlying.start_price)
        self.exchanges = _INDEX_EXCHANGES if index else OPTION_EXCHANGES
        self.expirations = [f"{day:%Y%m%d}" for day in _fridays(today)]

    def classes(self) -> dict[str, list[str]]:
        """Return the expirations of each trading class."""
        found: dict[str, list[str]] = {}
        for each in self.expirations:
            found.setdefault(self._class(each), []).append(each)
        return found

    def _class(self, expiration: str) -> str:
        symbol = self.underlying.symbol
        monthly = business_day(nth_weekday(int(expiration[:4]), int(expiration[4:6]), 4, 3))
        return symbol if expiration == f"{monthly:%Y%m%d}" else WEEKLY_CLASSES.get(symbol, symbol)

    def options(
        self, expiration: str = "", strike: Decimal | None = None, right: str = ""
    ) -> Iterator[Listing]:
        """Yield the options that fit; an expiration may be a month, `202612`."""
        for each in self.expirations:
            if not each.startswith(expiration):
                continue
            for price in self.strikes if strike is None else [s for s in self.strikes if s == strike]:
                for side in right or "CP":
                    yield self._option(each, price, side)

    def _option(self, expiration: str, strike: Decimal, right: str) -> Listing:
        under, trading_class = self.underlying, self._class(expiration)
        code = f"{expiration[2:]}{right}{int(strike * 1000):08d}"
        instrument = Instrument(
            f"{trading_class}{code}.SMART", "OPT", under.currency, multiplier=Decimal(100)
        )
        return Listing(
            instrument=instrument,
            con_id=universe.own_id(instrument.id),
            symbol=under.symbol,
            sec_type="OPT",
            primary_exchange="",
            exchanges=self.exchanges,
            local_symbol=f"{trading_class:<6}{code}",
            trading_class=trading_class,
            start_price=self._start_price(expiration, strike, right),
            long_name=under.long_name,
            industry=under.industry,
            category=under.category,
            subcategory=under.subcategory,
            last_trade_date=expiration,
            contract_month=expiration[:6],
            strike=strike,
            right=right,
            multiplier="100",
            under_con_id=under.con_id,
            under_symbol=under.symbol,
            under_sec_type=under.sec_type,
        )

    def _start_price(self, expiration: str, strike: Decimal, right: str) -> Decimal:
        years = years_left(expiration, self._today)
        worth = value(float(self.underlying.start_price), float(strike), years, VOLATILITY, call=right == "C")
        return max(Decimal("0.10"), Decimal(str(round(worth.price, 2))))


def years_left(expiration: str, today: date) -> float:
    """Return the years from `today` to the end of the day `expiration` (YYYYMMDD)."""
    end = date(int(expiration[:4]), int(expiration[4:6]), int(expiration[6:8]))
    return max(0, (end - today).days + 1) / 365


def _fridays(today: date) -> list[date]:
    """Return the coming Fridays, or the Thursdays before closed ones, and then the months' third ones."""
    first = today + timedelta(days=(4 - today.weekday()) % 7)
    days = {business_day(first + timedelta(weeks=week)) for week in range(_WEEKS)}
    for ahead in range(_MONTHS):
        year, month = today.year + (today.month - 1 + ahead) // 12, (today.month - 1 + ahead) % 12 + 1
        days.add(business_day(nth_weekday(year, month, 4, 3)))
    return sorted(day for day in days if day >= today)


def _strikes(price: Decimal) -> list[Decimal]:
    """Return strikes around `price`, 1 apart below 50, 2.5 below 100, 5 below 1000 and 25 above."""
    step = Decimal("2.5") if price < 100 else Decimal(5) if price < 1000 else Decimal(25)
    step = Decimal(1) if price < 50 else step
    middle = (price / step).to_integral_value() * step
    strikes = (middle + step * n for n in range(-_STRIKES_EACH_WAY, _STRIKES_EACH_WAY + 1))
    return [strike for strike in strikes if strike > 0]


def _index_strikes(price: Decimal) -> list[Decimal]:
    """Return strikes 5 apart around `price`."""
    middle = (price / _INDEX_STEP).to_integral_value() * _INDEX_STEP
    return [middle + _INDEX_STEP * n for n in range(-_INDEX_STRIKES_EACH_WAY, _INDEX_STRIKES_EACH_WAY + 1)]
