"""Compares the platform's own positions with the venue's, and alerts when they stay apart."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from certify.clock import NS_PER_MS
from certify.model.trading import AlertKind, AlertSeverity
from certify.reference.kernel import Kernel
from certify.reference.positions import PositionBook
from certify.reference.session import BrokerSession
from certify.reference.trade_monitor import TradeMonitor

INTERVAL_NS = 250 * NS_PER_MS


class PositionWatch:
    """One account's comparison.

    A report may be under way while positions are compared; so a difference counts only when it was the
    same at the comparison before and nothing was booked in between.
    """

    def __init__(self, kernel: Kernel, monitor: TradeMonitor, book: PositionBook) -> None:
        """Compare `book` with what its broker says."""
        self._kernel = kernel
        self._monitor = monitor
        self._book = book
        self._due_ns = 0
        self._seen: tuple[int, Mapping[str, Decimal]] = (0, {})

    def compare(self, session: BrokerSession) -> None:
        """Compare when it is time and the broker can be asked."""
        now = self._kernel.now_ns()
        if now < self._due_ns or not session.connected:
            return
        self._due_ns = now + INTERVAL_NS
        self.judge(self.differences(session))

    def differences(self, session: BrokerSession) -> Mapping[str, Decimal]:
        """Return own less venue quantity of every instrument where they differ."""
        theirs = {position.instrument: position.qty for position in session.positions()}
        ours = self._book.quantities()
        return {
            name: difference
            for name in sorted(theirs.keys() | ours.keys())
            if (difference := ours.get(name, Decimal(0)) - theirs.get(name, Decimal(0)))
        }

    def judge(self, differences: Mapping[str, Decimal]) -> None:
        """Alert what has stayed apart; say that it is over when nothing differs."""
        now_seen = (self._book.count(), differences)
        before, self._seen = self._seen, now_seen
        account = self._book.account
        if not differences:
            self._monitor.clear(AlertKind.POSITION_BREAK, account)
        elif before == now_seen:
            text = ", ".join(f"{name} {difference:+f}" for name, difference in differences.items())
            self._monitor.raise_alert(
                AlertKind.POSITION_BREAK,
                f"{account}: own position less the broker's: {text}",
                severity=AlertSeverity.CRITICAL,
                key=account,
                component="execution",
            )
