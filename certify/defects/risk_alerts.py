"""Defects of the trade monitor: alerts that do not come, too many, rewritten; figures that are wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.clock import NS_PER_S
from certify.defects.api import Defect, defect
from certify.model.trading import Alert, AlertEntry, AlertState, ExecType, OrdStatus

HOURS_NS = 3600 * NS_PER_S
LATE_S = 6.0


def _unsaid(name: str, text: str, silent: Callable[[str, dict[str, Any]], bool]) -> Defect:
    """Return a defect: some conditions raise no alert."""

    def plant(platform: Any) -> None:
        raise_alert = platform.trade_monitor.raise_alert

        def some(kind: str, words: str, **more: Any) -> None:
            if not silent(str(getattr(kind, "value", kind)), more):
                raise_alert(kind, words, **more)

        platform.trade_monitor.raise_alert = some

    return Defect(name, text, plant)


def _published(name: str, text: str, change: Callable[[Alert, Alert | None], Alert]) -> Defect:
    """Return a defect: an alert is changed before it is kept; `change` is given it as it was before too."""

    def plant(platform: Any) -> None:
        monitor = platform.trade_monitor
        publish, alerts = monitor._publish, monitor._alerts
        monitor._publish = lambda alert: publish(change(alert, alerts.get(alert.id)))

    return Defect(name, text, plant)


def _counted(name: str, text: str, figure: str, change: Callable[[Any, Any], int]) -> Defect:
    """Return a defect: a figure moves further with a report than it should."""

    def plant(platform: Any) -> None:
        monitor, on_order = platform.trade_monitor, platform.trade_monitor.on_order

        def count(update: Any, *, first_answer: bool) -> None:
            on_order(update, first_answer=first_answer)
            extra = change(update, monitor)
            if extra:
                monitor._count(figure, Decimal(extra))

        monitor.on_order = count

    return Defect(name, text, plant)


def _is(kind: ExecType) -> Callable[[Any], bool]:
    return lambda update: update.exec_type is kind


_TRADE, _CANCELED = _is(ExecType.TRADE), _is(ExecType.CANCELED)


def _acted(alert: Alert, before: Alert | None) -> bool:
    """Whether a person has worked on an alert."""
    return before is not None and alert.state is not before.state


def _last(alert: Alert, **change: Any) -> Alert:
    return replace(alert, trail=(*alert.trail[:-1], replace(alert.trail[-1], **change)))


def _unsigned(alert: Alert, before: Alert | None) -> Alert:
    return _last(alert, by="system") if _acted(alert, before) else alert


def _without_note(alert: Alert, before: Alert | None) -> Alert:
    return _last(alert, note="") if _acted(alert, before) else alert


def _local_time(alert: Alert, before: Alert | None) -> Alert:
    at_ns = alert.trail[-1].at_ns - 5 * HOURS_NS
    return _last(alert, at_ns=at_ns) if _acted(alert, before) else alert


def _last_only(alert: Alert, before: Alert | None) -> Alert:
    return replace(alert, trail=alert.trail[-1:]) if _acted(alert, before) else alert


def _rewritten(alert: Alert, before: Alert | None) -> Alert:
    if before is None or not _acted(alert, before):
        return alert
    first = replace(alert.trail[0], note="")
    return replace(alert, trail=(first, *alert.trail[1:]))


def _component(name: str) -> Callable[[str, dict[str, Any]], bool]:
    return lambda kind, more: kind == "DISCONNECT" and more.get("component") == name


SIMPLE: tuple[Defect, ...] = (
    _unsaid("breach_not_alerted", "a breached limit raises no alert", lambda kind, _: kind == "LIMIT_BREACH"),
    _unsaid("kill_not_alerted", "the kill switch raises no alert", lambda kind, _: kind == "KILL_SWITCH"),
    _unsaid("loss_not_alerted", "the loss of a day raises no alert", lambda kind, _: kind == "DAILY_LOSS"),
    _unsaid("rejects_not_alerted", "many rejects raise no alert", lambda kind, _: kind == "REJECT_RATE"),
    _unsaid("disconnect_unnoticed", "a broken link to the broker raises no alert", _component("broker")),
    _unsaid(
        "feed_disconnect_unnoticed", "a broken link to the feed raises no alert", _component("market_data")
    ),
    _unsaid(
        "stale_data_unnoticed", "quiet market data raises no alert", lambda kind, _: kind == "STALE_DATA"
    ),
    _published("alert_unsigned", "an alert's trail does not say who worked on it", _unsigned),
    _published("resolve_drops_note", "the note of who resolved an alert is lost", _without_note),
    _published("alert_in_local_time", "an alert's trail is written in local time", _local_time),
    _published("resolve_drops_trail", "only the last step of an alert's life is kept", _last_only),
    _published("trail_rewritten", "an earlier entry of an alert's trail is changed", _rewritten),
    _counted("metrics_count_fills_twice", "a fill counts twice", "fills", lambda u, _m: _TRADE(u)),
    _counted(
        "metrics_count_every_fill_as_order",
        "every partial fill counts as a filled order",
        "orders_filled",
        lambda u, _m: _TRADE(u) and u.status is not OrdStatus.FILLED,
    ),
    _counted(
        "metrics_miss_cancels",
        "a cancelled order is not counted",
        "orders_canceled",
        lambda u, _m: -_CANCELED(u),
    ),
    _counted(
        "metrics_volume_cumulative",
        "the volume adds up what was filled so far at every fill",
        "volume",
        lambda u, _m: int(u.cum_qty - u.last_qty) if _TRADE(u) else 0,
    ),
)


@defect("metrics_count_rejects_as_fills", "a refused order counts as a filled one")
def metrics_count_rejects_as_fills(platform: Any) -> None:
    """Take the one for the other."""
    monitor = platform.trade_monitor
    monitor.on_refused = lambda: monitor.count("orders_filled")


@defect("metrics_open_orders_never_fall", "an order counts as working for ever")
def metrics_open_orders_never_fall(platform: Any) -> None:
    """Add only."""
    monitor = platform.trade_monitor
    monitor._track = lambda update: monitor._open_orders.add(update.client_order_id)


@defect("alert_never_emitted", "an alert is kept in the list and never sent")
def alert_never_emitted(platform: Any) -> None:
    """Keep, say nothing."""
    _on_alerts(platform, lambda _alert, _emit: None)


@defect("alert_late", "an alert is sent six seconds after it was raised")
def alert_late(platform: Any) -> None:
    """Say it later."""

    def late(alert: Alert, emit: Callable[[Any], None]) -> None:
        timer = threading.Timer(LATE_S, emit, [alert])
        timer.daemon = True
        timer.start()

    _on_alerts(platform, late)


@defect("alert_severity_differs", "an alert is sent with another severity than it is listed with")
def alert_severity_differs(platform: Any) -> None:
    """Say it louder than it is kept."""
    from certify.model.trading import AlertSeverity

    _on_alerts(platform, lambda alert, emit: emit(replace(alert, severity=AlertSeverity.INFO)))


def _on_alerts(platform: Any, say: Callable[[Alert, Callable[[Any], None]], None]) -> None:
    emit = platform.kernel.emit
    platform.kernel.emit = lambda event: say(event, emit) if isinstance(event, Alert) else emit(event)


@defect("alert_storm", "every repetition of a condition is an alert of its own")
def alert_storm(platform: Any) -> None:
    """Forget the cause each time."""
    monitor, raise_alert = platform.trade_monitor, platform.trade_monitor.raise_alert

    def afresh(kind: str, words: str, **more: Any) -> None:
        monitor._causes.clear()
        raise_alert(kind, words, **more)

    monitor.raise_alert = afresh


@defect("alert_suppressed_for_ever", "a condition that was told once is never told again")
def alert_suppressed_for_ever(platform: Any) -> None:
    """Tell each cause once."""
    monitor, raise_alert = platform.trade_monitor, platform.trade_monitor.raise_alert
    told: set[tuple[str, str]] = set()

    def once(kind: str, words: str, **more: Any) -> None:
        cause = (str(kind), more.get("key", ""))
        known = monitor._alerts.get(monitor._causes.get((getattr(kind, "value", kind), cause[1]), ""))
        if cause not in told or (known is not None and known.state is not AlertState.RESOLVED):
            told.add(cause)
            raise_alert(kind, words, **more)

    monitor.raise_alert = once


@defect("alert_reopens_resolved", "a condition that comes again opens the resolved alert anew")
def alert_reopens_resolved(platform: Any) -> None:
    """Use the old alert again."""
    monitor, raise_alert = platform.trade_monitor, platform.trade_monitor.raise_alert

    def reopen(kind: str, words: str, **more: Any) -> None:
        cause = (getattr(kind, "value", kind), more.get("key", ""))
        known = monitor._alerts.get(monitor._causes.get(cause, ""))
        if known is not None and known.state is AlertState.RESOLVED:
            entry = AlertEntry(platform.kernel.now_ns(), AlertState.RAISED, "system", words)
            monitor._publish(replace(known, state=AlertState.RAISED, trail=(*known.trail, entry)))
        else:
            raise_alert(kind, words, **more)

    monitor.raise_alert = reopen


@defect("alert_not_listed", "the list of alerts leaves out what was raised last")
def alert_not_listed(platform: Any) -> None:
    """List all but the last."""
    listed = platform.trade_monitor.alerts
    platform.trade_monitor.alerts = lambda: listed()[:-1]


@defect("acknowledge_ignored", "to acknowledge an alert changes nothing")
def acknowledge_ignored(platform: Any) -> None:
    """Do nothing."""
    platform.trade_monitor.acknowledge = lambda _alert_id, _by: None


@defect("acknowledge_without_name_accepted", "an alert can be acknowledged without a name")
def acknowledge_without_name_accepted(platform: Any) -> None:
    """Make a name up."""
    acknowledge = platform.trade_monitor.acknowledge
    platform.trade_monitor.acknowledge = lambda alert_id, by: acknowledge(alert_id, by or "somebody")


@defect("escalate_ignored", "to escalate an alert changes nothing")
def escalate_ignored(platform: Any) -> None:
    """Do nothing."""
    platform.trade_monitor.escalate = lambda _alert_id: None


@defect("resolve_ignored", "to resolve an alert changes nothing")
def resolve_ignored(platform: Any) -> None:
    """Do nothing."""
    platform.trade_monitor.resolve = lambda _alert_id, _by, _note: None


@defect("resolved_can_be_reopened", "a resolved alert can be acknowledged and is open again")
def resolved_can_be_reopened(platform: Any) -> None:
    """Leave RESOLVED."""
    monitor, acknowledge = platform.trade_monitor, platform.trade_monitor.acknowledge

    def reopen(alert_id: str, by: str) -> None:
        alert = monitor._alerts[alert_id]
        if alert.state is AlertState.RESOLVED:
            entry = AlertEntry(platform.kernel.now_ns(), AlertState.ACKNOWLEDGED, by)
            alert = replace(alert, state=AlertState.ACKNOWLEDGED, trail=(*alert.trail, entry))
            monitor._publish(alert)
        else:
            acknowledge(alert_id, by)

    monitor.acknowledge = reopen


@defect("alerts_forget_on_restart", "a restart forgets what was done about alerts")
def alerts_forget_on_restart(platform: Any) -> None:
    """Begin every earlier alert anew."""
    alerts = platform.trade_monitor._alerts
    for alert_id, alert in list(alerts.items()):
        alerts[alert_id] = replace(alert, state=AlertState.RAISED, trail=alert.trail[:1])


DEFECTS: tuple[Defect, ...] = (
    *SIMPLE,
    metrics_count_rejects_as_fills,
    metrics_open_orders_never_fall,
    alert_never_emitted,
    alert_late,
    alert_severity_differs,
    alert_storm,
    alert_suppressed_for_ever,
    alert_reopens_resolved,
    alert_not_listed,
    acknowledge_ignored,
    acknowledge_without_name_accepted,
    escalate_ignored,
    resolve_ignored,
    resolved_can_be_reopened,
    alerts_forget_on_restart,
)
