"""Answers requests for bars, the head of the data, histograms and ticks of the past.

Each is answered in a turn of the loop of its own, so that several long ones do not hold everybody up at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify import clock
from certify.clock import NS_PER_S
from certify.gateway.contracts.listing import Listing
from certify.gateway.history import bars as making
from certify.gateway.history import ticks, wanted
from certify.gateway.history.keeping import KeptBars
from certify.gateway.history.pacing import MOST_AT_ONCE, HistoryPacing
from certify.gateway.history.path import Bar, PricePath
from certify.gateway.history.wanted import DAY_S, Unacceptable
from certify.gateway.tape import Tape
from certify.gateway.trading_calendar import ZONE_NAME, local
from certify.gateway.wire import answers, times
from certify.gateway.wire import market_requests as asked
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.frames import frame

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

_SERVICE = "Historical Market Data Service error message:"
PACED = f"{_SERVICE}Historical data request pacing violation"
NO_DATA = f"{_SERVICE}HMDS query returned no data: {{name}}@{{exchange}} {{what}}"
DISCONNECTED = f"{_SERVICE}HMDS server disconnect occurred.  Attempting reconnection..."
HEADS = {"STK": (2004, 1, 23), "CASH": (2005, 3, 9), "CRYPTO": (2021, 10, 1), "IND": (2003, 12, 1)}
"""Where the data of each security type begins (New York, at the open); of others two years ago."""
Handler = Callable[[Any, Any], None]


class HistoryDesk:
    """Bars, ticks and the like of the past."""

    def __init__(self, gateway: Gateway) -> None:
        """Let every path meet its live market now."""
        self._gateway = gateway
        self._anchor_s = gateway.now_ns() // NS_PER_S
        self._paths: dict[str, PricePath] = {}
        self._pacing: dict[int, HistoryPacing] = {}
        self._pending: dict[tuple[int, int], Any] = {}
        self.kept = KeptBars(gateway)

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            asked.ReqHistoricalData: self.req_historical_data,
            asked.CancelHistoricalData: self.cancel_historical_data,
            asked.ReqHeadTimestamp: self.req_head_timestamp,
            asked.CancelHeadTimestamp: self.cancel_answered,
            asked.ReqHistogramData: self.req_histogram_data,
            asked.CancelHistogramData: self.cancel_answered,
            asked.ReqHistoricalTicks: self.req_historical_ticks,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return no action."""
        return {}

    def path(self, listing: Listing) -> PricePath:
        """Return the past of a contract."""
        name = listing.instrument.id
        if name not in self._paths:
            self._paths[name] = PricePath(listing, self._gateway.settings.seed, self._anchor_s)
        return self._paths[name]

    def begin_day(self, tape: Tape) -> None:
        """Put what the last session has brought so far, and the close before it, onto a new tape."""
        path, tick = self.path(tape.listing), tape.listing.instrument.tick
        now_s = self._gateway.now_ns() // NS_PER_S
        sessions = path.sessions_before(now_s)
        today, before = next(sessions), next(sessions)
        parts = list(path.cut(today, 0, now_s, 900))
        if parts:
            bar = making.joined(parts)
            tape.open, tape.high, tape.low = bar.open * tick, bar.high * tick, bar.low * tick
            tape.volume = Decimal(bar.volume)
            tape.trades = bar.volume // 100
            tape.value = tape.volume * tick * ((bar.high + bar.low) // 2)
        tape.close = before.close * tick

    # -- bars

    def req_historical_data(self, client: ClientSession, request: asked.ReqHistoricalData) -> None:
        """Take a request for bars; it is answered in its own turn."""
        waiting = sum(client_id == client.client_id for client_id, _ in self._pending)
        open_ones = waiting + self.kept.count(client)
        if open_ones >= MOST_AT_ONCE:
            cause = f"Only {MOST_AT_ONCE} simultaneous API historical data requests allowed."
            client.error(request.req_id, 322, f"Error processing request.-'bQ' : cause - {cause}")
            return
        self._soon(client, request, self.answer_bars)

    def _soon(self, client: ClientSession, request: Any, answer: Handler) -> None:
        key = (client.client_id, request.req_id)
        self._pending[key] = request
        self._gateway.later(0.0, self._answer, client, request, answer)

    def _answer(self, client: ClientSession, request: Any, answer: Handler) -> None:
        key = (client.client_id, request.req_id)
        if key not in self._pending or self._pending[key] is not request:
            return
        del self._pending[key]
        if client.closed:
            return
        try:
            answer(client, request)
        except Unacceptable as problem:
            client.error(request.req_id, problem.code, problem.text)

    def answer_bars(self, client: ClientSession, request: asked.ReqHistoricalData) -> None:
        """Send the bars, and keep them up to date if that is wanted; raises `Unacceptable`."""
        size_s, length = wanted.bar_size(request.bar_size), wanted.duration(request.duration)
        end_s = self._end(request)
        listing = self.contract(request.contract)
        what = request.what_to_show
        making.check_shown(listing, what)
        if size_s <= wanted.SMALL_S:
            self.check_pace(client, request, (listing.con_id, request.contract.exchange, what))
        path = self.path(listing)
        span = making.span_of(path, end_s, length, regular=request.use_rth)
        if what == "SCHEDULE":
            self.send_schedule(client, request, path, span)
            return
        made = making.bars(path, span, size_s, regular=request.use_rth)
        head_s = head_of(listing, self._gateway.now_ns())
        made = [bar for bar in made if bar.start >= head_s]
        if not made:
            raise self._no_data(listing, request.contract, what)
        self.send_bars(client, request, listing, made)
        if request.keep_up_to_date:
            tape = self._gateway.market_data.feed.tape(listing)
            self.kept.begin(client, request, tape, size_s, made[-1])

    def _end(self, request: asked.ReqHistoricalData) -> int:
        end_s, now_s = wanted.moment(request.end_date_time), self._gateway.now_ns() // NS_PER_S
        if end_s is None:
            return now_s
        if request.keep_up_to_date:
            raise wanted.invalid("End date not supported with keepUpToDate")
        if request.what_to_show == "ADJUSTED_LAST":
            raise wanted.invalid("End Date not supported with adjusted last")
        return min(end_s, now_s)

    def contract(self, contract: WireContract) -> Listing:
        """Return the contract that is meant, to whose data the login is entitled; raises `Unacceptable`."""
        faults = self._gateway.faults
        if not (faults.history_farm_ok and faults.connected_to_ib):
            raise Unacceptable(162, DISCONNECTED)
        found = self._gateway.contracts.find(contract)
        if not isinstance(found, Listing):
            raise Unacceptable(found.code, found.text)
        if not faults.is_subscribed(found.instrument.id):
            place = found.primary_exchange or found.exchange
            raise Unacceptable(162, f"{_SERVICE}No market data permissions for {place} {found.sec_type}")
        return found

    def check_pace(self, client: ClientSession, request: object, contract: object) -> None:
        """Count a request against IB's limits; raises `Unacceptable` beyond them."""
        pacing = self._pacing.setdefault(client.client_id, HistoryPacing())
        identical = _without_id(request)
        if pacing.violated(clock.monotonic_ns(), identical, contract):
            raise Unacceptable(162, PACED)

    def _no_data(self, listing: Listing, contract: WireContract, what: str) -> Unacceptable:
        name, exchange = listing.symbol, contract.exchange or listing.exchange
        return Unacceptable(162, NO_DATA.format(name=name, exchange=exchange, what=what.capitalize()))

    def send_bars(
        self, client: ClientSession, request: asked.ReqHistoricalData, listing: Listing, made: list[Bar]
    ) -> None:
        """Send the answer with all bars."""
        daily = wanted.bar_size(request.bar_size) >= DAY_S
        dated = ((bar_date(client.version, bar, request.format_date, daily=daily), bar) for bar in made)
        client.send(
            answers.historical_data(
                client.version,
                req_id=request.req_id,
                start=times.stamp(client.version, made[0].start * NS_PER_S),
                end=times.stamp(client.version, made[-1].end * NS_PER_S),
                bars=making.wire_bars(listing, request.what_to_show, dated),
            )
        )

    def send_schedule(
        self, client: ClientSession, request: asked.ReqHistoricalData, path: PricePath, span: making.Span
    ) -> None:
        """Send the sessions of a span (historicalSchedule, 106)."""
        days = making.bars(path, span, DAY_S, regular=request.use_rth)
        if not days:
            raise self._no_data(path.listing, request.contract, "Schedule")
        rows = []
        for day in days:
            start, end = (f"{local(at * NS_PER_S):%Y%m%d-%H:%M:%S}" for at in (day.start, day.end))
            rows += [start, end, f"{local((day.end - 1) * NS_PER_S):%Y%m%d}"]
        client.send(frame(106, request.req_id, rows[0], rows[-2], ZONE_NAME, len(days), *rows))

    def cancel_historical_data(self, client: ClientSession, request: asked.CancelHistoricalData) -> None:
        """Drop a request or stop keeping its bars up to date (162, as TWS says it); error 366 for none."""
        pending = self._pending.pop((client.client_id, request.req_id), None)
        if pending is None and not self.kept.cancel(client, request.req_id):
            client.error(request.req_id, 366, ticker_id=request.req_id)
            return
        client.error(request.req_id, 162, f"{_SERVICE}API historical data query cancelled: {request.req_id}")

    def cancel_answered(
        self, client: ClientSession, request: asked.CancelHeadTimestamp | asked.CancelHistogramData
    ) -> None:
        """Drop a request that may have been answered already."""
        self._pending.pop((client.client_id, request.req_id), None)

    # -- head, histogram, ticks

    def req_head_timestamp(self, client: ClientSession, request: asked.ReqHeadTimestamp) -> None:
        """Take a request for the beginning of the data."""
        self._soon(client, request, self.answer_head)

    def answer_head(self, client: ClientSession, request: asked.ReqHeadTimestamp) -> None:
        """Send when the data begins; raises `Unacceptable`."""
        listing = self.contract(request.contract)
        making.check_shown(listing, request.what_to_show)
        at_s = head_of(listing, self._gateway.now_ns())
        begins = datetime.fromtimestamp(at_s, tz=UTC)
        text = str(at_s) if request.format_date == 2 else f"{begins:%Y%m%d-%H:%M:%S}"
        client.send(answers.head_timestamp(req_id=request.req_id, text=text))

    def req_histogram_data(self, client: ClientSession, request: asked.ReqHistogramData) -> None:
        """Take a request for a histogram."""
        self._soon(client, request, self.answer_histogram)

    def answer_histogram(self, client: ClientSession, request: asked.ReqHistogramData) -> None:
        """Send how much was traded at which price; raises `Unacceptable`."""
        listing = self.contract(request.contract)
        end_s = self._gateway.now_ns() // NS_PER_S
        path = self.path(listing)
        span = making.span_of(path, end_s, wanted.period(request.period), regular=request.use_rth)
        sizes: dict[int, int] = {}
        for bar in making.bars(path, span, 300, regular=request.use_rth):
            sizes[bar.close] = sizes.get(bar.close, 0) + bar.volume
        tick = listing.instrument.tick
        rows = [(price * tick, Decimal(size)) for price, size in sorted(sizes.items())]
        client.send(answers.histogram_data(client.version, req_id=request.req_id, rows=rows))

    def req_historical_ticks(self, client: ClientSession, request: asked.ReqHistoricalTicks) -> None:
        """Take a request for ticks."""
        self._soon(client, request, self.answer_ticks)

    def answer_ticks(self, client: ClientSession, request: asked.ReqHistoricalTicks) -> None:
        """Send up to 1000 ticks from a start or up to an end; raises `Unacceptable`."""
        start_s, end_s = wanted.moment(request.start), wanted.moment(request.end)
        if (start_s is None) == (end_s is None):
            raise wanted.invalid("Please specify one of start or end time for historical ticks")
        if request.what_to_show not in ticks.KINDS:
            raise wanted.invalid(f"Invalid what-to-show {request.what_to_show}")
        listing = self.contract(request.contract)
        self.check_pace(client, request, (listing.con_id, request.what_to_show))
        now_s = self._gateway.now_ns() // NS_PER_S
        seconds = ticks.seconds(
            self.path(listing),
            None if start_s is None else (start_s, now_s),
            now_s if end_s is None else min(end_s, now_s),
            max(1, min(ticks.MOST, request.count)),
            regular=request.use_rth,
        )
        client.send(ticks.frame_of(client.version, request, listing, seconds))

    # -- what happens around

    def subscriptions(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List the bars that are kept up to date."""
        return self.kept.list(client_id)

    def forget(self, client: ClientSession) -> None:
        """Forget a client's requests; what it asked for before still counts for the pace."""
        self._pending = {key: each for key, each in self._pending.items() if key[0] != client.client_id}
        self.kept.forget(client)

    def fault(self, name: str) -> None:
        """End bars that are kept up to date when their data breaks off (10182)."""
        faults = self._gateway.faults
        if name in ("lost", "restored_data_lost") or not faults.history_farm_ok:
            self.kept.disconnect()


def head_of(listing: Listing, now_ns: int) -> int:
    """Return where a contract's data begins, seconds since the epoch."""
    day = HEADS.get(listing.sec_type)
    if day is None:
        return now_ns // NS_PER_S - 730 * DAY_S
    return int(datetime(*day, 14, 30, tzinfo=UTC).timestamp())


def bar_date(version: int, bar: Bar, format_date: int, *, daily: bool) -> str:
    """Return the text of a bar's beginning; a day is the one on which its session ends."""
    at_s = bar.end - 1 if daily else bar.start
    return times.bar_time(version, at_s * NS_PER_S, format_date=format_date, daily=daily)


def _without_id(request: object) -> tuple[object, ...]:
    names = getattr(request, "__slots__", ())
    return tuple(getattr(request, name) for name in names if name != "req_id")
