"""Port `trade_monitor`: figures of the order path, and alerts with their life and audit trail.

An alert is about a cause (kind and key). While the cause goes on and nobody has resolved the alert,
it is the same alert: what repeats is added to its trail, at most every `repeat_ns`, never a storm.
When the cause has ended (`clear`), the next time is a new alert; the old one waits for a person.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal

from certify.model.codec import decode, encode
from certify.model.trading import (
    Alert,
    AlertEntry,
    AlertKind,
    AlertSeverity,
    AlertState,
    ExecType,
    OrderUpdate,
    OrdStatus,
)
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel, locked

SYSTEM = "system"
REJECT_WINDOW = 10
REJECT_ALERT = 5
"""So many rejects among the last `REJECT_WINDOW` orders raise REJECT_RATE."""

LEGAL_STATES: dict[AlertState, frozenset[AlertState]] = {
    AlertState.RAISED: frozenset({AlertState.ACKNOWLEDGED, AlertState.ESCALATED, AlertState.RESOLVED}),
    AlertState.ACKNOWLEDGED: frozenset({AlertState.ESCALATED, AlertState.RESOLVED}),
    AlertState.ESCALATED: frozenset({AlertState.ACKNOWLEDGED, AlertState.RESOLVED}),
    AlertState.RESOLVED: frozenset(),
}

Cause = tuple[str, str]


class TradeMonitor:
    """Counts what happens on the execution port and keeps the alerts."""

    def __init__(self, kernel: Kernel, journal: Journal, *, repeat_ns: int) -> None:
        """Keep the alerts of earlier processes as `journal` has them."""
        self.kernel = kernel
        self._journal = journal
        self._repeat_ns = repeat_ns
        self._counts: dict[str, Decimal] = {}
        self._open_orders: set[str] = set()
        self._outcomes: deque[bool] = deque(maxlen=REJECT_WINDOW)
        self._alerts: dict[str, Alert] = {}
        self._keys: dict[str, str] = {}
        self._causes: dict[Cause, str] = {}
        self._unsaid: dict[str, str] = {}
        """Alert → the last repetition that came too soon after the one before to be said at once."""
        self._load()

    def _load(self) -> None:
        for content, key in self._journal.load():
            alert = decode(Alert, content)
            self._alerts[alert.id] = alert
            self._keys[alert.id] = key
            if alert.state is not AlertState.RESOLVED:
                self._causes[alert.kind, key] = alert.id

    # -- figures -------------------------------------------------------------------------------

    def on_submit(self) -> None:
        """Count an order that was handed in, whatever becomes of it."""
        self._count("orders_submitted")

    def on_order(self, update: OrderUpdate, *, first_answer: bool) -> None:
        """Count what the execution port has said; `first_answer` when the order was unanswered before."""
        kind = update.exec_type
        if kind is ExecType.TRADE:
            self._count("fills")
            self._count("volume", update.last_qty)
            if update.status is OrdStatus.FILLED:
                self._count("orders_filled")
        elif kind in _ENDINGS:
            self._count(_ENDINGS[kind])
        self._track(update)
        if first_answer:
            self.on_outcome(rejected=kind is ExecType.REJECTED)

    def on_refused(self) -> None:
        """Count an order that was refused before it was sent."""
        self._count("orders_rejected")
        self.on_outcome(rejected=True)

    def _track(self, update: OrderUpdate) -> None:
        if update.status.terminal:
            self._open_orders.discard(update.client_order_id)
        else:
            self._open_orders.add(update.client_order_id)

    def restore_open(self, client_order_id: str) -> None:
        """Count an order that was working before the platform was started."""
        self._open_orders.add(client_order_id)

    def on_outcome(self, *, rejected: bool) -> None:
        """Watch the share of orders that are refused."""
        self._outcomes.append(rejected)
        count = sum(self._outcomes)
        if count < REJECT_ALERT:
            self.clear(AlertKind.REJECT_RATE)
        elif rejected:
            text = f"{count} of the last {len(self._outcomes)} orders were rejected"
            self.raise_alert(AlertKind.REJECT_RATE, text, component="execution")

    def count(self, name: str) -> None:
        """Count an occurrence under any name."""
        self._count(name)

    def _count(self, name: str, by: Decimal = Decimal(1)) -> None:
        self._counts[name] = self._counts.get(name, Decimal(0)) + by

    @locked
    def metrics(self) -> dict[str, Decimal]:
        """Return the figures since the start; orders counted by what became of them."""
        figures = dict.fromkeys(_FIGURES, Decimal(0))
        figures.update(self._counts)
        figures["open_orders"] = Decimal(len(self._open_orders))
        unresolved = sum(alert.state is not AlertState.RESOLVED for alert in self._alerts.values())
        figures["alerts_open"] = Decimal(unresolved)
        return figures

    # -- alerts --------------------------------------------------------------------------------

    @locked
    def raise_alert(
        self,
        kind: str,
        text: str,
        *,
        severity: AlertSeverity = AlertSeverity.WARNING,
        key: str = "",
        component: str | None = None,
        instrument: str | None = None,
    ) -> None:
        """Say that something must be known; the same cause again is added to its unresolved alert."""
        cause = (_word(kind), key)
        known = self._alerts.get(self._causes.get(cause, ""))
        if known is not None and known.state is not AlertState.RESOLVED:
            self._repeat(known, text)
            return
        alert = self._new_alert(cause, text, severity, component, instrument)
        self._causes[cause] = alert.id
        self._keys[alert.id] = key
        self._publish(alert)

    def _new_alert(
        self, cause: Cause, text: str, severity: AlertSeverity, component: str | None, instrument: str | None
    ) -> Alert:
        now = self.kernel.now_ns()
        return Alert(
            id=f"ALERT-{len(self._alerts) + 1}",
            kind=cause[0],
            severity=severity,
            text=text,
            state=AlertState.RAISED,
            raised_at_ns=now,
            component=component,
            instrument=instrument,
            trail=(AlertEntry(now, AlertState.RAISED, SYSTEM, text),),
        )

    def _repeat(self, alert: Alert, text: str) -> None:
        """Say that the cause goes on: now, or when enough time has passed since the last word."""
        now = self.kernel.now_ns()
        if now - alert.trail[-1].at_ns < self._repeat_ns:
            self._unsaid[alert.id] = text
            return
        self._unsaid.pop(alert.id, None)
        self._publish(_with_entry(alert, AlertEntry(now, alert.state, SYSTEM, f"again: {text}")))

    @locked
    def say_unsaid(self) -> None:
        """Say the repetitions whose time has come; those of resolved alerts are over."""
        for alert_id, text in list(self._unsaid.items()):
            alert = self._alerts[alert_id]
            if alert.state is AlertState.RESOLVED:
                del self._unsaid[alert_id]
            else:
                self._repeat(alert, text)

    def clear(self, kind: str, key: str = "") -> None:
        """Say that the cause has ended; its alert stays until somebody resolves it."""
        if self._causes:
            self._causes.pop((_word(kind), key), None)

    def _publish(self, alert: Alert) -> None:
        self._alerts[alert.id] = alert
        self._journal.append(encode(alert, tag=False), self._keys[alert.id])
        self.kernel.emit(alert)

    @locked
    def alerts(self) -> list[Alert]:
        """Return every alert, oldest first."""
        return list(self._alerts.values())

    @locked
    def active_critical(self) -> list[Alert]:
        """Return the unresolved CRITICAL alerts whose cause goes on."""
        going_on = (self._alerts[alert_id] for alert_id in self._causes.values())
        return [
            alert
            for alert in going_on
            if alert.severity is AlertSeverity.CRITICAL and alert.state is not AlertState.RESOLVED
        ]

    @locked
    def acknowledge(self, alert_id: str, by: str) -> None:
        """Take note of an alert, by name."""
        self._move(alert_id, AlertState.ACKNOWLEDGED, by, "")

    @locked
    def escalate(self, alert_id: str) -> None:
        """Hand an alert to the next level."""
        self._move(alert_id, AlertState.ESCALATED, SYSTEM, "")

    @locked
    def resolve(self, alert_id: str, by: str, note: str) -> None:
        """Close an alert, by name, with a note."""
        if not note.strip():
            raise ValueError(f"expected a note to resolve {alert_id}, was empty")
        self._move(alert_id, AlertState.RESOLVED, by, note)

    def _move(self, alert_id: str, state: AlertState, by: str, note: str) -> None:
        alert = self._alerts.get(alert_id)
        if alert is None:
            raise KeyError(f"no alert {alert_id}")
        if not by.strip():
            raise ValueError(f"expected a name to move {alert_id} to {state.value}, was empty")
        if state not in LEGAL_STATES[alert.state]:
            raise ValueError(f"{alert_id} cannot go from {alert.state.value} to {state.value}")
        entry = AlertEntry(self.kernel.now_ns(), state, by, note)
        self._publish(replace(_with_entry(alert, entry), state=state))

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


_ENDINGS = {
    ExecType.REJECTED: "orders_rejected",
    ExecType.CANCELED: "orders_canceled",
    ExecType.EXPIRED: "orders_expired",
}
_FIGURES = ("orders_submitted", "orders_filled", *_ENDINGS.values(), "fills", "volume")


def _word(kind: str) -> str:
    return kind.value if isinstance(kind, AlertKind) else kind


def _with_entry(alert: Alert, entry: AlertEntry) -> Alert:
    return replace(alert, trail=(*alert.trail, entry))
