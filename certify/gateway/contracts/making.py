"""Listings out of the tables and out of a profile's instruments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from certify.gateway import universe
from certify.gateway.contracts.listing import SAME_EXCHANGE, STOCK_EXCHANGES, Listing
from certify.gateway.trading_calendar import HOURS, is_open_day, nth_weekday
from certify.model.trading import Instrument
from certify.venue import default_price

MONTHS = "FGHJKMNQUVXZ"
"""Letters of delivery months, January to December."""
_COMING = 5
"""So many expiries of a future are listed."""


def stocks() -> Iterator[Listing]:
    """Yield the stocks and funds of the table."""
    for row in universe.rows("stocks"):
        symbol, primary = row["symbol"], row["primary_exchange"]
        name = f"{symbol.replace(' ', '.')}.{primary}"
        listing = stock(Instrument(name), symbol, primary)
        yield replace(
            listing,
            con_id=int(row["con_id"] or listing.con_id),
            start_price=Decimal(row["price"]),
            long_name=row["long_name"],
            industry=row["industry"],
            category=row["category"],
            subcategory=row["subcategory"],
            stock_type=row["stock_type"],
        )


def stock(instrument: Instrument, symbol: str, primary: str) -> Listing:
    """Return a stock about which nothing more is known."""
    primary = SAME_EXCHANGE.get(primary, primary)
    routes = STOCK_EXCHANGES if primary in STOCK_EXCHANGES else ("SMART", primary)
    return Listing(
        instrument=instrument,
        con_id=universe.own_id(instrument.id),
        symbol=symbol,
        sec_type="STK",
        primary_exchange=primary,
        exchanges=routes,
        local_symbol=symbol,
        trading_class={"NASDAQ": "NMS"}.get(primary, symbol),
        start_price=default_price(instrument),
        long_name=symbol,
        stock_type="COMMON",
    )


def others() -> Iterator[Listing]:
    """Yield currency pairs, indices and coins."""
    for row in universe.rows("others"):
        name = f"{row['local_symbol']}.{row['exchange']}"
        instrument = Instrument(
            name, row["sec_type"], row["currency"], Decimal(row["tick"]), Decimal(row["lot"])
        )
        listing = single(instrument, row["symbol"], row["local_symbol"], row["exchange"])
        yield replace(
            listing,
            con_id=int(row["con_id"] or listing.con_id),
            start_price=Decimal(row["price"]),
            long_name=row["long_name"],
        )


def single(instrument: Instrument, symbol: str, local_symbol: str, exchange: str) -> Listing:
    """Return a contract that trades on one exchange."""
    kind, multiplier = instrument.kind, instrument.multiplier
    return Listing(
        instrument=instrument,
        con_id=universe.own_id(instrument.id),
        symbol=symbol,
        sec_type=kind,
        primary_exchange=exchange if kind == "IND" else "",
        exchanges=(exchange,),
        local_symbol=local_symbol,
        trading_class=local_symbol if kind == "CASH" else symbol,
        start_price=default_price(instrument),
        long_name=symbol,
        multiplier=format(multiplier.normalize(), "f") if multiplier != 1 else "",
    )


def futures(today: date) -> Iterator[Listing]:
    """Yield the coming expiries of each future of the table."""
    for row in universe.rows("futures"):
        for year, month in _coming_months(row, today):
            yield _future(row, year, month)


def _coming_months(row: dict[str, str], today: date) -> Iterator[tuple[int, int]]:
    found = 0
    for ahead in range(36):
        year, month = today.year + (today.month - 1 + ahead) // 12, (today.month - 1 + ahead) % 12 + 1
        if MONTHS[month - 1] in row["cycle"] and _expiry(row["expiry"], year, month) >= today:
            found += 1
            yield year, month
        if found == _COMING:
            return


def _future(row: dict[str, str], year: int, month: int) -> Listing:
    local_symbol = f"{row['root']}{MONTHS[month - 1]}{year % 10}"
    multiplier = Decimal(row["multiplier"])
    instrument = Instrument(
        f"{local_symbol}.{row['exchange']}", "FUT", "USD", Decimal(row["tick"]), multiplier=multiplier
    )
    return Listing(
        instrument=instrument,
        con_id=universe.own_id(f"{instrument.id}/{year}"),
        symbol=row["symbol"],
        sec_type="FUT",
        primary_exchange="",
        exchanges=(row["exchange"], "QBALGO"),
        local_symbol=local_symbol,
        trading_class=row["root"],
        start_price=Decimal(row["price"]),
        long_name=row["long_name"],
        last_trade_date=f"{_expiry(row['expiry'], year, month):%Y%m%d}",
        contract_month=f"{year}{month:02d}",
        multiplier=row["multiplier"],
        under_con_id=universe.own_id(f"{row['underlying']}.{row['exchange']}/underlying"),
        under_symbol=row["underlying"],
        under_sec_type=row["underlying_type"],
    )


def _expiry(rule: str, year: int, month: int) -> date:
    """Return the last trading day by the exchange's rule, holidays of New York left out."""
    if rule == "third_friday":
        return business_day(nth_weekday(year, month, 4, 3))
    if rule == "before_third_wednesday":
        return _days_before(nth_weekday(year, month, 2, 3), 2)
    if rule == "late_in_month":
        return _days_before(date(year + month // 12, month % 12 + 1, 1), 3)
    previous = date(year, month, 1) - timedelta(days=1)
    return _days_before(business_day(previous.replace(day=25)), 3)


def business_day(day: date) -> date:
    """Return `day`, or the last business day before it."""
    while not is_open_day(HOURS["STK"], day):
        day -= timedelta(days=1)
    return day


def _days_before(day: date, count: int) -> date:
    for _ in range(count):
        day = business_day(day - timedelta(days=1))
    return day


def of_profile(instrument: Instrument, known: dict[str, Listing]) -> Listing:
    """Return the listing of a profile's instrument: the table's facts with the profile's tick and lot."""
    listing = known.get(instrument.id)
    if listing is not None:
        return replace(listing, instrument=instrument, start_price=_on_grid(listing.start_price, instrument))
    symbol, _, exchange = instrument.id.rpartition(".")
    symbol = symbol or instrument.id
    if instrument.kind == "STK":
        return stock(instrument, symbol, exchange)
    if instrument.kind == "CASH":
        base = symbol.split(".", maxsplit=1)[0][:3]
        return single(instrument, base, f"{base}.{instrument.currency}", exchange)
    return single(instrument, symbol, symbol, exchange)


def _on_grid(price: Decimal, instrument: Instrument) -> Decimal:
    steps = max(Decimal(100), (price / instrument.tick).to_integral_value())
    return steps * instrument.tick
