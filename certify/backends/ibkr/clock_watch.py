"""A watch over the gateway's clock: orders and data cannot be dated when it and this machine's differ."""

from __future__ import annotations

from certify.model.trading import AlertSeverity
from certify.reference.trade_monitor import TradeMonitor

KIND = "CLOCK_OFFSET"
MOST_OFF_S = 5.0
"""The gateway tells its time in whole seconds, and an answer may be late: less says nothing."""


class ClockWatch:
    """Raises an alert while the clocks differ."""

    def __init__(self, monitor: TradeMonitor) -> None:
        """Tell `monitor`."""
        self._monitor = monitor

    def look(self, offset_s: float) -> None:
        """Take the gateway's time less this machine's, in seconds."""
        if abs(offset_s) <= MOST_OFF_S:
            self._monitor.clear(KIND)
            return
        word = "ahead of" if offset_s > 0 else "behind"
        text = f"the gateway's clock is {abs(offset_s):.0f} s {word} this machine's"
        self._monitor.raise_alert(KIND, text, severity=AlertSeverity.WARNING, component="broker")
