"""A stream of quotes and trades that looks like a market, from a seed; statistics in `docs/venue.md`.

A simulated gateway must cost less than its clients, and much of what it costs is made here. So random
numbers of a fixed distribution are drawn from a table of its quantiles instead of being computed.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache

from certify.clock import NS_PER_S
from certify.errors import UsageError
from certify.model.trading import Instrument, Quote, Trade
from certify.venue.contract import Grid, NotPositive, OffGrid

_SPREADS = (1, 2, 3, 4, 5)
_SPREAD_WEIGHTS = (0.50, 0.28, 0.15, 0.05, 0.02)
_LEAST_TICKS = 100
"""A default start price is worth at least so many ticks, so that a tick is not a large move."""

Step = tuple[int, int, int, int] | tuple[int, int]
"""A quote (bid, its lots, ask, its lots) or a trade (price, lots), in ticks and lots."""

_BITS = 12
"""Every draw from a table takes so many random bits."""
_NORMAL = statistics.NormalDist()

_new_quote = Quote.__new__
_set = object.__setattr__

MarketEvent = tuple[int, Quote | Trade]
"""When, in nanoseconds since the start of the stream, and what."""


@cache
def _normals() -> tuple[float, ...]:
    """Return the quantiles of the standard normal distribution, scaled to a variance of one."""
    count = 1 << _BITS
    table = [_NORMAL.inv_cdf((index + 0.5) / count) for index in range(count)]
    deviation = math.sqrt(sum(value * value for value in table) / count)
    return tuple(value / deviation for value in table)


@lru_cache(maxsize=64)
def _sizes(median: float, sigma: float) -> tuple[int, ...]:
    """Return the quantiles of a log-normal size, in whole lots."""
    return tuple(max(1, round(median * math.exp(sigma * value))) for value in _normals())


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketShape:
    """What the generated market looks like; the defaults are those of a liquid share."""

    rate_per_s: float = 10.0
    """Mean number of events per instrument and second, over a whole session."""
    trade_share: float = 0.2
    """Share of events that are trades."""
    volatility: float = 1e-4
    """Standard deviation of the mid price's relative change over one second."""
    reversion_s: float = 1800.0
    """Time in which half a departure from the start price is given back is `ln 2` times this."""
    correlation: float = 0.5
    """Correlation between the price changes of any two instruments."""
    clustering: float = 0.5
    """Share of events that are set off by earlier ones (branching ratio of the Hawkes process), below 1."""
    cluster_decay_per_s: float = 5.0
    """How fast an event's influence on the rate fades."""
    median_lots: float = 200.0
    """Median displayed size; a trade's is a third."""
    size_sigma: float = 0.8
    """Standard deviation of the logarithm of sizes."""
    spread_change: float = 0.15
    """Share of quotes at which the spread is drawn anew."""
    session_s: float = 23_400.0
    """Length of a trading session; sessions follow one another without a break."""
    u_shape: float = 1.2
    """How much busier open and close are: the rate is `1 - u/3 + u * x**2`, x from -1 (open) to 1 (close)."""

    def __post_init__(self) -> None:
        """Refuse shapes that describe no market; raises `UsageError`."""
        positive = (
            self.rate_per_s, self.reversion_s, self.cluster_decay_per_s, self.median_lots, self.session_s
        )  # fmt: skip
        shares = (self.trade_share, self.correlation, self.spread_change)
        good = (
            min(positive) > 0
            and all(0 <= share <= 1 for share in shares)
            and 0 <= self.clustering < 1
            and 0 <= self.u_shape < 3
            and self.volatility >= 0
            and self.size_sigma >= 0
        )
        if not good:
            raise UsageError(f"not the shape of a market: {self}")

    def activity(self, offset_s: float) -> float:
        """Return the rate at `offset_s` relative to the mean over a session."""
        x = 2.0 * (offset_s % self.session_s) / self.session_s - 1.0
        return 1.0 - self.u_shape / 3.0 + self.u_shape * x * x


class _Arrivals:
    """Times of one instrument's events: a Hawkes process with exponential decay, by Ogata's thinning.

    Y. Ogata, "On Lewis' simulation method for point processes", IEEE Trans. Inf. Theory 27 (1981).
    """

    __slots__ = (
        "_base", "_bend", "_decay", "_excitement", "_flat", "_half_s", "_highest", "_jump", "_random",
        "_session_s", "at_s",
    )  # fmt: skip

    def __init__(self, shape: MarketShape, source: random.Random) -> None:
        self._random = source.random
        self._base = shape.rate_per_s * (1.0 - shape.clustering)
        self._highest = self._base * (1.0 + 2.0 * shape.u_shape / 3.0)
        # The shape's numbers, so that an event does without a look into it and without a call.
        self._flat, self._bend = 1.0 - shape.u_shape / 3.0, shape.u_shape
        self._session_s, self._half_s = shape.session_s, shape.session_s / 2.0
        self._decay = shape.cluster_decay_per_s
        self._jump = shape.clustering * shape.cluster_decay_per_s
        # Start in the stationary mean, so that the stream has no quiet beginning.
        self._excitement = shape.rate_per_s * shape.clustering * shape.activity(0.0)
        self.at_s = 0.0

    def advance(self) -> float:
        """Move `at_s` to the next event and return it."""
        draw, excitement, at_s = self._random, self._excitement, self.at_s
        while True:
            bound = self._highest + excitement
            wait = -math.log(1.0 - draw()) / bound
            at_s += wait
            excitement *= math.exp(-self._decay * wait)
            x = at_s % self._session_s / self._half_s - 1.0
            rate = self._base * (self._flat + self._bend * x * x) + excitement
            if draw() * bound <= rate:
                self._excitement, self.at_s = excitement + self._jump, at_s
                return at_s


class _Reverting:
    """A path that wanders and is drawn back to zero (Ornstein-Uhlenbeck), exact at any step."""

    __slots__ = ("_at_s", "_bits", "_kappa", "_normals", "_spread", "value")

    def __init__(self, per_second: float, reversion_s: float, source: random.Random) -> None:
        self._kappa = 1.0 / reversion_s
        self._spread = per_second * math.sqrt(reversion_s / 2.0)
        self._bits = source.getrandbits
        self._normals = _normals()
        self._at_s = 0.0
        self.value = 0.0

    def move(self, at_s: float) -> float:
        """Return the path's value at `at_s`, not before the last time."""
        kept = math.exp(-self._kappa * (at_s - self._at_s))
        noise = self._spread * math.sqrt(max(0.0, 1.0 - kept * kept))
        self.value = value = self.value * kept + noise * self._normals[self._bits(_BITS)]
        self._at_s = at_s
        return value


class _Stream:
    """One instrument's part of the market."""

    __slots__ = (
        "_anchor", "_ask_lots", "_bid", "_bid_lots", "_bits", "_changes", "_instrument", "_lots", "_own",
        "_random", "_source", "_spread", "_ticks", "_trade_lots", "_trade_share", "_trades", "_wide",
        "arrivals", "quote_seq",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, start: Decimal, seed: int, shape: MarketShape) -> None:
        source = self._source = random.Random(f"market/{seed}/{instrument.id}")
        self._random, self._bits = source.random, source.getrandbits
        self._instrument = instrument.id
        self._trade_share, self._changes = shape.trade_share, shape.spread_change
        self._wide = _sizes(shape.median_lots, shape.size_sigma)
        self._trade_lots = _sizes(shape.median_lots / 3.0, shape.size_sigma)
        self._ticks, self._lots = Grid(instrument.tick).outside, Grid(instrument.lot).outside
        self._anchor = float(start / instrument.tick)
        self._own = _Reverting(
            shape.volatility * math.sqrt(1.0 - shape.correlation), shape.reversion_s, source
        )
        self.arrivals = _Arrivals(shape, random.Random(f"arrivals/{seed}/{instrument.id}"))
        self._spread = 1
        self._bid = 1
        self._bid_lots = self._ask_lots = 1
        self.quote_seq = self._trades = 0

    def step(self, at_s: float, common: float) -> Step:
        """Return what happens at `at_s`; a quote at first and after a side is used up."""
        if self.quote_seq and self._random() < self._trade_share and self._bid_lots and self._ask_lots:
            return self._trade()
        if not self.quote_seq or self._random() < self._changes:
            self._spread = self._source.choices(_SPREADS, _SPREAD_WEIGHTS)[0]
        mid = self._anchor * math.exp(common + self._own.move(at_s))
        self._bid = bid = max(1, round(mid - self._spread / 2.0))
        self._bid_lots = bid_lots = self._wide[self._bits(_BITS)]
        self._ask_lots = ask_lots = self._wide[self._bits(_BITS)]
        self.quote_seq += 1
        return bid, bid_lots, bid + self._spread, ask_lots

    def _trade(self) -> Step:
        """Return a trade at the displayed bid or ask, of no more than is still displayed."""
        self._trades += 1
        size = self._trade_lots[self._bits(_BITS)]
        if self._random() < 0.5:
            lots = min(self._ask_lots, size)
            self._ask_lots -= lots
            return self._bid + self._spread, lots
        lots = min(self._bid_lots, size)
        self._bid_lots -= lots
        return self._bid, lots

    @property
    def trade_id(self) -> str:
        """The id of the last trade."""
        return f"G{self._trades:09d}"

    def event(self, step: Step, at_ns: int) -> Quote | Trade:
        """Return the step that came last as an event, stamped `at_ns`."""
        ticks, lots = self._ticks, self._lots
        if len(step) == 4:
            bid, bid_lots, ask, ask_lots = step
            fields = {
                "instrument": self._instrument,
                "bid": ticks(bid),
                "bid_size": lots(bid_lots),
                "ask": ticks(ask),
                "ask_size": lots(ask_lots),
                "ts_event_ns": at_ns,
                "ts_recv_ns": None,
                "seq": self.quote_seq,
                "venue": None,
                "delayed": False,
            }
            quote = _new_quote(Quote)
            _set(quote, "__dict__", fields)  # at once: a frozen dataclass sets each field by a call
            return quote
        price, size = step
        return Trade(
            instrument=self._instrument,
            price=ticks(price),
            size=lots(size),
            ts_event_ns=at_ns,
            trade_id=self.trade_id,
            seq=self._trades,
        )


class TickGenerator:
    """One instrument's market by itself, in ticks and lots; the shape's correlation has no meaning here.

    An endless iterator of `(offset_ns, step)`.
    """

    __slots__ = ("_at_s", "_stream")

    def __init__(
        self,
        instrument: Instrument,
        seed: int,
        *,
        shape: MarketShape = MarketShape(),
        start_price: Decimal | None = None,
    ) -> None:
        """Open with a quote at offset 0; raises `UsageError` for a bad start price."""
        alone = replace(shape, correlation=0.0)
        self._stream = _Stream(instrument, _checked(instrument, start_price), seed, alone)
        self._at_s = 0.0

    def __iter__(self) -> Iterator[tuple[int, Step]]:
        return self

    def __next__(self) -> tuple[int, Step]:
        at_s, stream = self._at_s, self._stream
        step = stream.step(at_s, 0.0)
        self._at_s = stream.arrivals.advance()
        return int(at_s * NS_PER_S), step

    @property
    def trade_id(self) -> str:
        """The id of the trade that was taken last."""
        return self._stream.trade_id

    def event(self, step: Step, at_ns: int) -> Quote | Trade:
        """Return the step that was taken last as an event, stamped `at_ns`."""
        return self._stream.event(step, at_ns)


class MarketGenerator:
    """An endless iterator of `(offset_ns, Quote | Trade)`, ascending in time, in constant memory.

    Deterministic by seed; every stream of an instrument has its own sources, so that adding an instrument
    leaves the arrivals and sizes of the others as they are.
    """

    __slots__ = ("_common", "_due", "_start_ns", "_streams")

    def __init__(
        self,
        instruments: Sequence[Instrument],
        seed: int,
        *,
        shape: MarketShape = MarketShape(),
        start_ns: int = 0,
        start_prices: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Stamp events `start_ns` plus their offset; raises `UsageError` for a bad start price.

        Each instrument opens with a quote at offset 0.
        """
        prices = start_prices or {}
        self._start_ns = start_ns
        self._common = _Reverting(
            shape.volatility * math.sqrt(shape.correlation),
            shape.reversion_s,
            random.Random(f"factor/{seed}"),
        )
        self._streams = [
            _Stream(each, _checked(each, prices.get(each.id)), seed, shape) for each in instruments
        ]
        self._due = [(0.0, index) for index in range(len(self._streams))]

    def __iter__(self) -> Iterator[MarketEvent]:
        return self

    def __next__(self) -> MarketEvent:
        if not self._due:
            raise StopIteration
        at_s, index = self._due[0]
        stream = self._streams[index]
        offset_ns = int(at_s * NS_PER_S)
        step = stream.step(at_s, self._common.move(at_s))
        event = stream.event(step, self._start_ns + offset_ns)
        heapq.heapreplace(self._due, (stream.arrivals.advance(), index))
        return offset_ns, event


def default_price(instrument: Instrument) -> Decimal:
    """Return the start price that an instrument's id stands for: 20 to 500, on the grid, ever the same."""
    digest = hashlib.sha256(instrument.id.encode()).digest()
    price = 20 + int.from_bytes(digest[:8], "big") % 48_001 / 100
    ticks = max(_LEAST_TICKS, round(price / float(instrument.tick)))
    return Grid(instrument.tick).outside(ticks)


def _checked(instrument: Instrument, price: Decimal | None) -> Decimal:
    """Return the start price, the default one if none is given."""
    if price is None:
        return default_price(instrument)
    try:
        if Grid(instrument.tick).inside(price) < len(_SPREADS):
            raise UsageError(f"{instrument.id}: a start price of {price} is too few ticks")
    except (OffGrid, NotPositive) as error:
        raise UsageError(f"{instrument.id}: {error}") from error
    return price
