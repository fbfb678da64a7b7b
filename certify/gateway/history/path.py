"""The generated past of a contract: one price path from which bars of every size are cut.

A day is drawn first, then split into sessions, quarter hours, minutes, five seconds and seconds, each split
from a seed of its own. The parts of a bar make exactly the bar: first open, highest high, lowest low, last
close, sum of the volumes. So bars of different sizes and of different requests agree. The path is scaled so
that it meets the start price of the live market where that begins.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from certify.gateway.contracts.listing import Listing
from certify.gateway.trading_calendar import ZONE, hours_of, is_open_day, session

_DAY = timedelta(days=1)
_WAVES = (1, 2, 8, 32, 128, 512)
"""Periods, in days, of the waves that make up the path from day to day."""
_DAILY = {"STK": 0.011, "FUT": 0.010, "IND": 0.008, "CASH": 0.004, "CRYPTO": 0.028, "OPT": 0.03}
"""Standard deviation of a day's change by security type, roughly."""
_VOLUME = {"STK": 20_000_000, "FUT": 1_200_000, "OPT": 2_000, "CRYPTO": 12_000}
"""Mean volume of a day; of indices and currencies none is reported."""
_EPOCH = date(1970, 1, 1).toordinal()
SIZES_S = (900, 60, 5, 1)
"""Lengths of the parts below a session, seconds."""


class Bar(NamedTuple):
    """A stretch of time on the path; prices in ticks, times in seconds since the epoch."""

    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    regular: bool
    """Whether it lies in regular hours."""


class PricePath:
    """The past of one contract, the same for the same seed and the same anchor."""

    def __init__(self, listing: Listing, seed: int, anchor_s: int) -> None:
        """Let the path meet the listing's start price at `anchor_s`, seconds since the epoch."""
        self.listing = listing
        self.hours = hours_of(listing.sec_type)
        self._name = f"history/{seed}/{listing.instrument.id}"
        self._start_ticks = float(listing.start_price / listing.instrument.tick)
        self._daily = _DAILY.get(listing.sec_type, 0.011)
        self._offset = 0.0
        self.day = lru_cache(maxsize=8192)(self._day)
        self._level = lru_cache(maxsize=64)(self._level_of)
        self._lattice = lru_cache(maxsize=4096)(self._lattice_of)
        self._parts = lru_cache(maxsize=4096)(self._split_even)
        self._anchor(anchor_s)

    def _anchor(self, anchor_s: int) -> None:
        """Scale the path to the start price; twice, as the first scale moves the rounding."""
        for _ in range(2):
            last = self.last_before(anchor_s)
            self._offset += math.log(self._start_ticks / last.close)
            self.day.cache_clear()
            self._parts.cache_clear()

    # -- days

    def sessions_before(self, end_s: int) -> Iterator[Bar]:
        """Yield whole days (all hours), latest first, that begin before `end_s`."""
        day = datetime.fromtimestamp(end_s, tz=ZONE).date() + _DAY
        while day.year > 1970:
            if is_open_day(self.hours, day):
                bar = self.day(day)
                if bar.start < end_s:
                    yield bar
            day -= _DAY

    def last_before(self, at_s: int) -> Bar:
        """Return the last second on the path that has ended by `at_s`."""
        for whole in self.sessions_before(at_s):
            seconds = list(self.cut(whole, at_s - 2, at_s, 1))
            if seconds:
                return seconds[-1]
            if whole.end <= at_s:
                return whole
        raise AssertionError("there is no end to the past")

    def _day(self, day: date) -> Bar:
        """Draw a day: from the close of the day before, a small gap, to its own close."""
        source = random.Random(f"{self._name}/{day.isoformat()}")
        span = self._session(day, regular=False)
        before = day - _DAY
        while not is_open_day(self.hours, before):
            before -= _DAY
        gap = source.gauss(0.0, self._daily / 5) if not self.hours.overnight else 0.0
        opens = self._ticks(self._level(before) + gap)
        close = self._ticks(self._level(day))
        up, down = (abs(source.gauss(0.0, self._daily / 3)) for _ in range(2))
        mean = _VOLUME.get(self.listing.sec_type, 0)
        return Bar(
            *span,
            opens,
            max(opens, close) + round(up * max(opens, close)),
            max(1, min(opens, close) - round(down * min(opens, close))),
            close,
            round(mean * self._popularity() * math.exp(source.gauss(-0.045, 0.3))),
            self.hours.regular_opens == self.hours.opens,
        )

    def _session(self, day: date, *, regular: bool) -> tuple[int, int]:
        span = session(self.hours, day, regular=regular)
        if span is None:
            raise ValueError(f"{day} has no session")
        return span

    def _popularity(self) -> float:
        """Return how much more than the mean the contract trades: 0.2 to 3 times."""
        return 0.2 + 2.8 * (_unit(f"{self._name}/popularity") + 1) / 2

    def _ticks(self, level: float) -> int:
        return max(2, round(self._start_ticks * math.exp(level + self._offset)))

    def _level_of(self, day: date) -> float:
        """Return the logarithm of the price at the end of `day`, up to the anchor's offset."""
        number = day.toordinal() - _EPOCH
        total = 0.0
        for period in _WAVES:
            whole, part = divmod(number, period)
            left, right = self._lattice(period, whole), self._lattice(period, whole + 1)
            total += self._daily * math.sqrt(period) * (left + (right - left) * part / period)
        return total

    def _lattice_of(self, period: int, number: int) -> float:
        """Return a wave's height, from -1 to 1, at the `number`th of its points."""
        return _unit(f"{self._name}/{period}/{number}")

    # -- parts of days

    def cut(self, whole: Bar, from_s: int, until_s: int, size_s: int) -> Iterator[Bar]:
        """Yield the parts of a day of `size_s` (of `SIZES_S`) within `from_s` and `until_s`, in order.

        A part that `until_s` cuts is given in smaller parts, as far as seconds have ended.
        """
        for part in self.segments(whole):
            if part.end > from_s and part.start < until_s:
                yield from self._cut(part, from_s, until_s, size_s)

    def _cut(self, bar: Bar, from_s: int, until_s: int, size_s: int) -> Iterator[Bar]:
        length = bar.end - bar.start
        inside = bar.start >= from_s and bar.end <= until_s
        if inside and length <= size_s:
            yield bar
            return
        smaller = next((size for size in SIZES_S if size < length), 0)
        if not smaller:
            return
        for part in self._parts(bar, smaller):
            if part.end > from_s and part.start < until_s:
                yield from self._cut(part, from_s, until_s, size_s)

    def segments(self, whole: Bar) -> list[Bar]:
        """Return a day's hours before, in and after the regular session."""
        if whole.regular:
            return [whole]
        day = datetime.fromtimestamp(whole.end, tz=ZONE).date()
        regular = self._session(day, regular=True)
        ends = sorted({whole.start, *regular, whole.end})
        shares = [0.93 if start == regular[0] else 0.035 for start in ends[:-1]]
        parts = _split(whole, ends, shares, random.Random(f"{self._name}/{whole.start}/segments"))
        return [part._replace(regular=part.start == regular[0]) for part in parts]

    def _split_even(self, bar: Bar, size_s: int) -> list[Bar]:
        ends = [*range(bar.start, bar.end, size_s), bar.end]
        source = random.Random(f"{self._name}/{bar.start}/{size_s}")
        count = len(ends) - 1
        if bar.regular and size_s == SIZES_S[0]:
            # Busier at the open and at the close.
            shares = [1.0 + 2.0 * (2.0 * (n + 0.5) / count - 1.0) ** 2 for n in range(count)]
        else:
            shares = [0.3 + source.random() for _ in range(count)]
        return _split(bar, ends, shares, source)


def _unit(name: str) -> float:
    """Return a number from -1 to 1 for a name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / (1 << 47) - 1.0


def _split(bar: Bar, ends: list[int], shares: list[float], source: random.Random) -> list[Bar]:
    """Split `bar` at `ends` into parts that together make exactly it; volumes go by `shares`."""
    count = len(ends) - 1
    prices = _walk(bar, count, source)
    top, bottom = source.randrange(count), source.randrange(count)
    if bar.high in prices:
        top = min(max(prices.index(bar.high) - 1, 0), count - 1)
    if bar.low in prices:
        bottom = min(max(prices.index(bar.low) - 1, 0), count - 1)
    reach = (bar.high - bar.low) / (2.0 * count)
    scale, given, so_far, parts = sum(shares), 0, 0.0, []
    for n in range(count):
        opens, close = prices[n], prices[n + 1]
        high = bar.high if n == top else min(bar.high, max(opens, close) + int(source.random() * reach))
        low = bar.low if n == bottom else max(bar.low, min(opens, close) - int(source.random() * reach))
        so_far += shares[n]
        total = bar.volume if n == count - 1 else int(bar.volume * so_far / scale)
        parts.append(Bar(ends[n], ends[n + 1], opens, high, low, close, total - given, bar.regular))
        given = total
    return parts


def _walk(bar: Bar, count: int, source: random.Random) -> list[int]:
    """Return `count` + 1 prices from open to close within high and low: a bridge."""
    step = (bar.high - bar.low) / (2.0 * math.sqrt(count))
    price, prices = float(bar.open), [bar.open]
    for left in range(count, 1, -1):
        price += (bar.close - price) / left + source.gauss(0.0, step)
        price = min(float(bar.high), max(float(bar.low), price))
        prices.append(round(price))
    prices.append(bar.close)
    return prices
