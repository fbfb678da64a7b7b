"""What the monitor checks have in common: a clean slate, a condition, the alert that must follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.measure import Bound, Measurement
from certify.model.trading import Alert, AlertState, Side
from certify.phases.api import Finding, Unmeasurable, Unmet, bounded, expect, expect_equal
from certify.phases.risk.desk import RiskDesk, claims
from certify.phases.trial import Trial

ALERT_RULES = ("MN-01", "rts6.16.5")
LIFE_RULES = ("MN-01",)
WHO = "certify"


def word(kind: str) -> str:
    """Return an alert's kind in the contract's spelling, whatever its case or separators."""
    return str(getattr(kind, "value", kind)).strip().upper().replace("-", "_").replace(" ", "_")


def listed(trial: Trial) -> dict[str, Alert]:
    """Return every alert that the monitor lists, by id."""
    return {alert.id: alert for alert in cast("list[Alert]", trial.call("trade_monitor", "alerts"))}


def unresolved(trial: Trial, *kinds: str) -> list[Alert]:
    """Return the listed alerts of some kinds that nobody has resolved."""
    return [
        alert
        for alert in listed(trial).values()
        if word(alert.kind) in kinds and alert.state is not AlertState.RESOLVED
    ]


def tried(trial: Trial, method: str, *args: object) -> bool:
    """Work on an alert; return whether the monitor took it without raising."""
    try:
        trial.call("trade_monitor", method, *args)
    except SystemUnavailable:
        raise
    except CertifyError:
        return False
    return True


def close(trial: Trial, alert_id: str) -> None:
    """Acknowledge and resolve an alert, so that its condition can be told anew."""
    if claims(trial, "trade_monitor", "alerts.acknowledge"):
        tried(trial, "acknowledge", alert_id, WHO)
    if claims(trial, "trade_monitor", "alerts.resolve"):
        tried(trial, "resolve", alert_id, WHO, "seen by a check")


def clean_slate(trial: Trial, *kinds: str) -> frozenset[str]:
    """Resolve what is open of some kinds; return the ids that are known: any other alert is a new one.

    A mark among the events would not do: what was said of the old ones may still be on its way.
    """
    for alert in unresolved(trial, *kinds):
        close(trial, alert.id)
    if unresolved(trial, *kinds):
        raise Unmeasurable(f"an alert {kinds[0]} is open and cannot be resolved: a new one would not be seen")
    return frozenset(listed(trial))


def await_alert(trial: Trial, known: frozenset[str], within_s: float, *kinds: str) -> Alert:
    """Return the first alert of some kinds that is not a known one; silence fails the check."""
    inbox = trial.session("trade_monitor").inbox

    def look() -> Alert | None:
        fresh = (a for a in inbox.current_alerts() if a.id not in known)
        return next((a for a in fresh if word(a.kind) in kinds), None)

    return trial.until("trade_monitor", look, f"expected an alert {' or '.join(kinds)}", within_s)


def provoke(trial: Trial, condition: Callable[[], object], *kinds: str) -> tuple[Alert, float]:
    """Bring a condition about and return its alert and the milliseconds from its beginning to the alert."""
    known = clean_slate(trial, *kinds)
    within_s = trial.seconds("alert_within")
    began = clock.monotonic_ns()
    condition()
    left_s = max(0.0, within_s - (clock.monotonic_ns() - began) / clock.NS_PER_S)
    alert = await_alert(trial, known, left_s, *kinds)
    return alert, round((clock.monotonic_ns() - began) / clock.NS_PER_MS, 3)


def in_time(trial: Trial, alert: Alert, took_ms: float) -> Finding:
    """Return the finding for an alert that came; it must also be in the monitor's list."""
    trial.poll(lambda: alert.id in listed(trial), f"expected {alert.id} in the list of alerts")
    return bounded(
        f"{alert.kind} {alert.severity.value}: {alert.text}",
        (Measurement(name="alert", value=took_ms, unit="ms"),),
        (Bound(name="alert", op="<=", value=trial.seconds("alert_within") * 1000, unit="ms"),),
    )


def breach_once(trial: Trial) -> Callable[[], object]:
    """Return a condition: one order above max_order_qty, which is refused."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty")
    order = desk.make(Side.BUY, count + 1)
    return lambda: desk.refused(order, f"by max_order_qty {desk.lots(count)}")


def new_alert(trial: Trial) -> Alert:
    """Provoke an alert by a breached limit and return it as the monitor lists it."""
    alert, _ = provoke(trial, breach_once(trial), "LIMIT_BREACH")
    return trial.poll(lambda: listed(trial).get(alert.id), f"expected {alert.id} in the list of alerts")


def becomes(trial: Trial, alert_id: str, state: AlertState) -> Alert:
    """Return an alert once the monitor lists it in a state; fails when it does not get there."""

    def look() -> Alert | None:
        alert = listed(trial).get(alert_id)
        return alert if alert is not None and alert.state is state else None

    return trial.poll(look, f"expected {alert_id} to be {state.value}")


def expect_entry(alert: Alert, state: AlertState, by: str | None, since_ns: int) -> None:
    """Fail unless an alert's trail tells who brought it to a state, and when."""
    entry = next((e for e in reversed(alert.trail) if e.state is state), None)
    if entry is None:
        raise Unmet(f"expected a trail entry {state.value} of {alert.id}, was none")
    if by is not None:
        expect_equal(entry.by, by, f"who brought {alert.id} to {state.value}")
    expect(entry.at_ns >= since_ns, f"expected the time of {state.value} after the alert's own, was before")


def expect_grown(before: Alert, after: Alert) -> None:
    """Fail unless the trail of an alert has only grown, in the order of time."""
    kept = after.trail[: len(before.trail)]
    expect(kept == before.trail, f"expected the trail of {after.id} only to grow, was rewritten")
    times = [entry.at_ns for entry in after.trail]
    expect(times == sorted(times), f"expected the times in the trail of {after.id} not to go back")
