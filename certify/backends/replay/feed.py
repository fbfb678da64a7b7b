"""The market data port over a recording, and the system around it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

from certify import __version__
from certify.backends.replay.options import Recording
from certify.backends.replay.reader import RecordedFile, merged
from certify.errors import UsageError
from certify.model.trading import (
    ConnectionChange,
    Environment,
    Health,
    Instrument,
    Quote,
    SystemEvent,
    SystemInfo,
)

END = "end of recording"
"""The reason of the `ConnectionChange` after the last event."""
EVERYTHING = "*"
STOP_WITHIN_S = 10.0
_COUNT_EVERY = 256


class RecordedFeed:
    """Port `market_data`: plays a recording from its beginning, as fast as it can, when first asked to.

    Playing starts with the first `subscribe` after `start`; what is not subscribed at that moment
    passes by. After the end, or after everything was unsubscribed, the next `subscribe` starts over.
    """

    def __init__(
        self,
        recording: Recording,
        known: dict[str, Instrument],
        emit: Callable[[SystemEvent], None],
        log: logging.Logger,
    ) -> None:
        """Look at the headers; raises `UsageError` when a column is missing."""
        self.files = [RecordedFile(spec) for spec in recording.files]
        self._known, self._emit, self._log = known, emit, log
        self._lock = threading.Lock()
        self._wanted: dict[str, frozenset[str]] = {}
        self._player: threading.Thread | None = None
        self._halt = threading.Event()
        self._names: tuple[str, ...] = ()
        self.rows = self.played = 0
        self.started = False
        self.trouble = ""

    def start(self) -> None:
        """Find the instruments and count the rows; raises `UsageError` naming file and row."""
        names: dict[str, None] = {}
        self.rows = 0
        for file in self.files:
            found, count = file.index()
            names.update(found)
            self.rows += count
        self._names, self.started = tuple(names), True

    def stop(self) -> None:
        """Stop playing."""
        self.started = False
        with self._lock:
            self._wanted.clear()
            player, self._player = self._player, None
        self._halt.set()
        if player is not None:
            player.join(STOP_WITHIN_S)

    def instruments(self) -> list[Instrument]:
        """Return the instruments of the recording; ticks and lots are the profile's where it names them."""
        return [self._known.get(name) or Instrument(id=name) for name in self._names]

    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        """Ask for an instrument, or for everything with `*`; the first one starts the recording."""
        if instrument != EVERYTHING and instrument not in self._names:
            raise UsageError(f"replay: the recording has no instrument {instrument!r}")
        with self._lock:
            self._wanted[instrument] = frozenset(kinds)
            if self.started and (self._player is None or not self._player.is_alive()):
                self._halt = threading.Event()
                self.played = 0
                self._player = threading.Thread(
                    target=self._play, args=(self._halt,), name="replay", daemon=True
                )
                self._player.start()

    def unsubscribe(self, instrument: str) -> None:
        """Stop the events of an instrument (`*`: of all); with nothing left wanted, playing ends."""
        with self._lock:
            if instrument == EVERYTHING:
                self._wanted.clear()
            self._wanted.pop(instrument, None)
            player = None if self._wanted else self._player
            if player is not None:
                self._halt.set()
                self._player = None
        if player is not None and player is not threading.current_thread():
            player.join(STOP_WITHIN_S)

    def health(self) -> Health:
        """Return how many rows are left."""
        left = self.rows - self.played
        return Health(
            alive=self.started and not self.trouble,
            connected=self.started and not self.trouble,
            queue_depth=left,
            detail=self.trouble or f"{self.played} of {self.rows} rows played",
        )

    def _play(self, halt: threading.Event) -> None:
        reason = END
        try:
            self._pass_on(halt)
        except UsageError as error:
            reason = self.trouble = str(error)
            self._log.error("%s", error)
        if not halt.is_set():
            self._emit(ConnectionChange(component="market_data", connected=False, reason=reason))

    def _pass_on(self, halt: threading.Event) -> None:
        emit, wanted = self._emit, self._wanted
        with closing(merged(self.files)) as events:
            for count, event in enumerate(events, 1):
                kinds = wanted.get(EVERYTHING) or wanted.get(event.instrument)
                if kinds and ("QUOTE" if isinstance(event, Quote) else "TRADE") in kinds:
                    emit(event)
                if not count % _COUNT_EVERY:
                    self.played = count
                    if halt.is_set():
                        return
        self.played = self.rows


class RecordedSystem:
    """What stands behind a recording: one port, no orders, nothing that can be disturbed."""

    broker = execution = paper_trading = broker_framework = risk = trade_monitor = None

    def __init__(self, recording: Recording, feed: RecordedFeed) -> None:
        """Keep the feed."""
        self._recording = recording
        self.market_data = feed

    def describe(self) -> SystemInfo:
        """Return what a recording can and cannot do."""
        return SystemInfo(
            name="recording: " + ", ".join(file.spec.path.name for file in self.market_data.files),
            version=__version__,
            environment=Environment.SIMULATED,
            capabilities=self._capabilities(),
        )

    def start(self) -> None:
        """Index the recording."""
        self.market_data.start()

    def stop(self) -> None:
        """Stop playing."""
        self.market_data.stop()

    def health(self) -> Health:
        """Return how many rows are left."""
        return self.market_data.health()

    def _capabilities(self) -> dict[str, bool | str]:
        files = self.market_data.files
        found: dict[str, bool | str] = {
            "market_data.books": "a recording of quotes and trades holds no price levels",
            "market_data.inject": "a recording cannot be changed",
            "market_data.disconnect": "a recording has no link to break",
            "alerts.disconnect": "a recording raises no alerts",
            "alerts.stale": "a recording raises no alerts",
        }
        if not any(file.spec.kind == "trades" for file in files):
            found["market_data.trades"] = "no trades file is given"
        if self._recording.sequence == "none":
            found["market_data.sequence"] = "the profile declares sequence: none"
        elif not all("seq" in file.columns for file in files):
            found["market_data.sequence"] = "the recording has no column with sequence numbers"
        return found


def make_system(
    recording: Recording, config: dict[str, Any], emit: Callable[[SystemEvent], None], log: logging.Logger
) -> RecordedSystem:
    """Return the system over a recording; instruments of the profile lend their ticks and lots."""
    from certify.model import codec

    known = {
        instrument.id: instrument
        for instrument in (codec.decode(Instrument, data) for data in config.get("instruments", []))
    }
    return RecordedSystem(recording, RecordedFeed(recording, known, emit, log))
