"""Port `market_data`: subscriptions that outlive the link, and a watch over what arrives.

The feed numbers quotes, trades and books of one instrument each on their own; a number that was seen
is dropped, a number that is missing is a gap and is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from certify.clock import NS_PER_MS
from certify.errors import UsageError
from certify.model.trading import (
    AlertKind,
    AlertSeverity,
    BookUpdate,
    ConnectionChange,
    Instrument,
    Quote,
    Trade,
)
from certify.reference.connection import FeedLink, VenueConnection
from certify.reference.kernel import Kernel, locked
from certify.reference.trade_monitor import TradeMonitor

KINDS = frozenset({"QUOTE", "TRADE", "BOOK"})
COMPONENT = "market_data"


class SequenceWatch:
    """The last number of every instrument and kind."""

    def __init__(self) -> None:
        """Start knowing none."""
        self._last: dict[tuple[str, str], int] = {}
        self._open: set[tuple[str, str]] = set()

    def restart(self, instrument: str, kind: str, *, forget: bool) -> None:
        """Let the next number be any later one; with `forget`, any at all."""
        self._open.add((instrument, kind))
        if forget:
            self._last.pop((instrument, kind), None)

    def check(self, instrument: str, kind: str, seq: int | None) -> int:
        """Return how many numbers were left out before `seq`; -1 when it was seen or is late."""
        if seq is None:
            return 0
        key = (instrument, kind)
        last = self._last.get(key)
        if last is not None and seq <= last:
            return -1
        self._last[key] = seq
        if last is None or key in self._open:
            self._open.discard(key)
            return 0
        return seq - last - 1


class MarketDataSystem:
    """Keeps what users want, gets it again after a broken link, and passes on what arrives once."""

    def __init__(
        self,
        kernel: Kernel,
        connection: VenueConnection,
        monitor: TradeMonitor,
        *,
        max_stale_ns: int,
        on_inject: Callable[[str], None],
    ) -> None:
        """Alert after `max_stale_ns` without data; tell `on_inject` which instrument was set by hand."""
        self.kernel = kernel
        self.wanted: dict[str, set[str]] = {}
        self.sequence = SequenceWatch()
        self._connection = connection
        self._monitor = monitor
        self._max_stale_ns = max_stale_ns
        self._on_inject = on_inject
        self._link: FeedLink | None = None
        self._allowed = False
        self._retry_at_ns = 0
        self._heard_ns: dict[str, int] = {}
        self._instruments = {instrument.id: instrument for instrument in connection.instruments()}

    # -- subscriptions -------------------------------------------------------------------------

    @locked
    def instruments(self) -> list[Instrument]:
        """Return what can be subscribed."""
        return list(self._instruments.values())

    @locked
    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        """Ask for more kinds of events of one instrument; remembered until `unsubscribe`.

        Raises:
            UsageError: the instrument or a kind is unknown.
        """
        self._check(instrument, kinds)
        before = self.wanted.get(instrument, set())
        fresh = set(kinds) - before
        self.wanted[instrument] = before | fresh
        self._heard_ns.setdefault(instrument, self.kernel.now_ns())
        for kind in fresh:
            self.sequence.restart(instrument, kind, forget=True)
        if self._link is not None and fresh:
            self._link.subscribe(instrument, fresh)

    def _check(self, instrument: str, kinds: set[str]) -> None:
        if instrument not in self._instruments:
            raise UsageError(f"no instrument {instrument}")
        unknown = set(kinds) - KINDS
        if unknown or not kinds:
            raise UsageError(f"expected kinds of {sorted(KINDS)}, was {sorted(kinds)}")

    @locked
    def unsubscribe(self, instrument: str) -> None:
        """Stop all events of one instrument."""
        if self.wanted.pop(instrument, None) is None:
            return
        self._heard_ns.pop(instrument, None)
        self._monitor.clear(AlertKind.STALE_DATA, instrument)
        if self._link is not None:
            self._link.unsubscribe(instrument)

    @locked
    def inject(self, event: Quote | Trade) -> None:
        """Set the market at the venue, as if it had moved there."""
        self._on_inject(event.instrument)
        if isinstance(event, Quote):
            self._connection.set_market(event)
        else:
            self._connection.print_trade(event)

    # -- the link ------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the line to the feed is up."""
        return self._link is not None

    @locked
    def open(self) -> None:
        """Open the line and ask again for everything that is wanted."""
        self._allowed = True
        if self._link is not None:
            return
        try:
            self._link = self._connection.open_feed(self)
        except ConnectionError as error:
            self.kernel.log.warning("feed: %s", error)
            self._retry_at_ns = self.kernel.now_ns() + 500 * NS_PER_MS
            return
        self._say(True, "link up")
        self._monitor.clear(AlertKind.DISCONNECT, COMPONENT)
        self.resubscribe()

    def resubscribe(self) -> None:
        """Ask for exactly what is wanted; what was missed meanwhile is no gap."""
        link = self._link
        for instrument, kinds in self.wanted.items():
            self._heard_ns[instrument] = self.kernel.now_ns()
            for kind in kinds:
                self.sequence.restart(instrument, kind, forget=False)
            if link is not None:
                link.subscribe(instrument, set(kinds))

    @locked
    def close(self) -> None:
        """Close the line on purpose."""
        self._allowed = False
        self._drop("closed")

    @locked
    def disconnect(self) -> None:
        """Break the line and keep it broken until `reconnect`."""
        self._allowed = False
        if self._drop("link broken"):
            self._alert_down("link broken")

    @locked
    def link_lost(self, reason: str) -> None:
        """Take note that the line is gone by itself; `maintain` brings it back."""
        if self._drop(reason):
            self._alert_down(reason)

    def _alert_down(self, reason: str) -> None:
        self._monitor.raise_alert(
            AlertKind.DISCONNECT,
            f"market data: {reason}",
            severity=AlertSeverity.CRITICAL,
            key=COMPONENT,
            component=COMPONENT,
        )

    def _drop(self, reason: str) -> bool:
        if self._link is None:
            return False
        link, self._link = self._link, None
        link.close()
        self._say(False, reason)
        return True

    def _say(self, connected: bool, reason: str) -> None:
        now = self.kernel.now_ns()
        self.kernel.emit(
            ConnectionChange(component=COMPONENT, connected=connected, reason=reason, ts_event_ns=now)
        )

    @locked
    def reconnect(self) -> None:
        """Allow the line to come back, and try at once."""
        self.open()

    @locked
    def maintain(self) -> None:
        """Try again when the line is down, and look for instruments that have gone quiet."""
        if self._allowed and self._link is None and self.kernel.now_ns() >= self._retry_at_ns:
            self.open()
        self.check_stale()

    def check_stale(self) -> None:
        """Alert every wanted instrument that has been quiet for too long."""
        now = self.kernel.now_ns()
        for instrument, heard_ns in self._heard_ns.items():
            quiet_ns = now - heard_ns
            if quiet_ns > self._max_stale_ns:
                text = f"{instrument}: nothing for {quiet_ns // NS_PER_MS} ms"
                self.on_stale(instrument, text)

    def on_stale(self, instrument: str, text: str) -> None:
        """Say that an instrument has gone quiet."""
        self._monitor.raise_alert(
            AlertKind.STALE_DATA, text, key=instrument, component=COMPONENT, instrument=instrument
        )

    # -- what arrives --------------------------------------------------------------------------

    @locked
    def on_quote(self, quote: Quote) -> None:
        """Pass a quote on, stamped with the time of its arrival."""
        if quote.bid is None and quote.ask is None and not quote.seq:
            return  # the feed's way to say that there has not been any quote yet
        if self.accept(quote, "QUOTE"):
            self.kernel.emit(replace(quote, ts_recv_ns=self.kernel.now_ns()))

    @locked
    def on_trade(self, trade: Trade) -> None:
        """Pass a print on, stamped with the time of its arrival."""
        if self.accept(trade, "TRADE"):
            self.kernel.emit(replace(trade, ts_recv_ns=self.kernel.now_ns()))

    @locked
    def on_book(self, book: BookUpdate) -> None:
        """Pass price levels on."""
        if self.accept(book, "BOOK"):
            self.kernel.emit(book)

    def accept(self, event: Quote | Trade | BookUpdate, kind: str) -> bool:
        """Whether an event is wanted and new; counts what is dropped, alerts what is missing."""
        instrument = event.instrument
        if kind not in self.wanted.get(instrument, ()):
            return False
        missing = self.sequence.check(instrument, kind, event.seq)
        if missing < 0:
            self._monitor.count("market_data_dropped")
            return False
        if missing:
            self.on_gap(instrument, kind, missing)
        self._heard_ns[instrument] = self.kernel.now_ns()
        self._monitor.clear(AlertKind.STALE_DATA, instrument)
        return True

    def on_gap(self, instrument: str, kind: str, missing: int) -> None:
        """Say that numbers were left out."""
        self._monitor.count("market_data_gaps")
        text = f"{instrument}: {missing} of {kind} missing"
        self._monitor.raise_alert(
            AlertKind.DATA_GAP, text, key=instrument, component=COMPONENT, instrument=instrument
        )
