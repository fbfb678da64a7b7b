"""The life of an alert: worked on by named people, with a trail that only grows."""

from __future__ import annotations

from certify import clock
from certify.model.trading import Alert, AlertState
from certify.phases.api import Check, Finding, check, expect, expect_equal, inconclusive, passed
from certify.phases.risk.cards import ALERT_WITHIN, CRITICAL, MAJOR, MINOR, READY_WITHIN, SLOW, monitor_card
from certify.phases.risk.desk import RiskDesk
from certify.phases.risk.monitor import (
    LIFE_RULES,
    WHO,
    await_alert,
    becomes,
    breach_once,
    expect_entry,
    expect_grown,
    listed,
    new_alert,
    tried,
)
from certify.phases.trial import QUICK_LOOK_S, Trial

PORTS = ("trade_monitor", "risk", "execution")
NEEDS = ("alerts.limit", "risk.max_order_qty")
ACK, ESC, RES = "alerts.acknowledge", "alerts.escalate", "alerts.resolve"
PARAMETERS = (ALERT_WITHIN,)


@check(
    monitor_card(
        "acknowledge",
        "An alert can be acknowledged, and its trail says by whom and when",
        MAJOR,
        steps=("raise an alert by a breach", "acknowledge it by name", "read it in the list"),
        passes_when="it is ACKNOWLEDGED, with an entry of that name at a time after it was raised",
        remedy="write state, name and time in one step",
        ports=PORTS,
        needs=(*NEEDS, ACK),
        parameters=PARAMETERS,
        references=LIFE_RULES,
    )
)
def acknowledge(trial: Trial) -> Finding:
    """Raise, acknowledge, read."""
    before = new_alert(trial)
    trial.call("trade_monitor", "acknowledge", before.id, WHO)
    after = becomes(trial, before.id, AlertState.ACKNOWLEDGED)
    expect_entry(after, AlertState.ACKNOWLEDGED, WHO, before.raised_at_ns)
    return passed(f"{after.id} acknowledged by {WHO}")


@check(
    monitor_card(
        "acknowledge_named",
        "Nobody acknowledges or resolves an alert without a name",
        MINOR,
        steps=(
            "raise an alert by a breach",
            "acknowledge and resolve it without a name",
            "read it in the list",
        ),
        passes_when="neither changes its state; to raise an exception is a refusal too",
        remedy="refuse an empty name",
        ports=PORTS,
        needs=(*NEEDS, ACK, RES),
        parameters=PARAMETERS,
        references=(*LIFE_RULES, "RK-26"),
    )
)
def acknowledge_named(trial: Trial) -> Finding:
    """Raise, work on it without a name."""
    before = new_alert(trial)
    tried(trial, "acknowledge", before.id, "")
    tried(trial, "resolve", before.id, "", "seen by a check")
    trial.wait("trade_monitor", lambda: None, QUICK_LOOK_S)
    after = listed(trial)[before.id]
    expect_equal(after.state, before.state, f"state of {after.id} after it was worked on without a name")
    return passed(f"{after.id} stayed {after.state.value}")


@check(
    monitor_card(
        "escalate",
        "An alert can be escalated, and its trail says when",
        MINOR,
        steps=("raise an alert by a breach", "escalate it", "read it in the list"),
        passes_when="it is ESCALATED, with an entry at a time after it was raised",
        remedy="write state and time in one step, and tell the next level",
        ports=PORTS,
        needs=(*NEEDS, ESC),
        parameters=PARAMETERS,
        references=LIFE_RULES,
    )
)
def escalate(trial: Trial) -> Finding:
    """Raise, escalate, read."""
    before = new_alert(trial)
    trial.call("trade_monitor", "escalate", before.id)
    after = becomes(trial, before.id, AlertState.ESCALATED)
    expect_entry(after, AlertState.ESCALATED, None, before.raised_at_ns)
    expect_grown(before, after)
    return passed(f"{after.id} escalated")


@check(
    monitor_card(
        "resolve",
        "An alert can be resolved with a note, and its whole story stays in the trail",
        MAJOR,
        steps=("raise an alert by a breach", "acknowledge it", "resolve it by name with a note", "read it"),
        passes_when="it is RESOLVED, with name and note; earlier entries stay and times never go back",
        remedy="append to the trail, never write it anew",
        ports=PORTS,
        needs=(*NEEDS, ACK, RES),
        parameters=PARAMETERS,
        references=(*LIFE_RULES, "MN-08"),
    )
)
def resolve(trial: Trial) -> Finding:
    """Raise, acknowledge, resolve, read."""
    raised = new_alert(trial)
    note = f"checked by {trial.shared.tag}"
    trial.call("trade_monitor", "acknowledge", raised.id, WHO)
    known = becomes(trial, raised.id, AlertState.ACKNOWLEDGED)
    expect_grown(raised, known)
    trial.call("trade_monitor", "resolve", raised.id, WHO, note)
    done = becomes(trial, raised.id, AlertState.RESOLVED)
    expect_grown(known, done)
    expect_entry(done, AlertState.RESOLVED, WHO, raised.raised_at_ns)
    expect_entry(done, AlertState.ACKNOWLEDGED, WHO, raised.raised_at_ns)
    said = any(note in entry.note for entry in done.trail)
    expect(said, f"expected the note {note!r} in the trail of {done.id}, was not there")
    expect_equal(done.raised_at_ns, raised.raised_at_ns, f"when {done.id} was raised")
    return passed(f"{done.id} resolved by {WHO}, {len(done.trail)} entries in its trail")


@check(
    monitor_card(
        "resolved_stays",
        "A resolved alert stays resolved, whatever is done with it",
        MAJOR,
        steps=("raise and resolve an alert", "acknowledge and escalate it", "read it in the list"),
        passes_when="it is still RESOLVED and its trail has lost nothing",
        remedy="refuse every step from RESOLVED: what happens again is a new alert",
        ports=PORTS,
        needs=(*NEEDS, ACK, RES),
        parameters=PARAMETERS,
        references=LIFE_RULES,
    )
)
def resolved_stays(trial: Trial) -> Finding:
    """Resolve, then go on working on it."""
    alert = new_alert(trial)
    done = _resolved(trial, alert.id)
    tried(trial, "acknowledge", alert.id, WHO)
    tried(trial, "escalate", alert.id)
    trial.wait("trade_monitor", lambda: None, QUICK_LOOK_S)
    after = listed(trial)[alert.id]
    expect_equal(after.state, AlertState.RESOLVED, f"state of {alert.id} after it was resolved")
    expect_grown(done, after)
    return passed(f"{alert.id} stayed resolved")


def _resolved(trial: Trial, alert_id: str) -> Alert:
    trial.call("trade_monitor", "acknowledge", alert_id, WHO)
    becomes(trial, alert_id, AlertState.ACKNOWLEDGED)
    trial.call("trade_monitor", "resolve", alert_id, WHO, "seen by a check")
    return becomes(trial, alert_id, AlertState.RESOLVED)


@check(
    monitor_card(
        "alert_recurs",
        "A condition that comes again after its alert was resolved raises a new one",
        CRITICAL,
        steps=("raise an alert by a breach and resolve it", "breach again", "wait for the alert"),
        passes_when="an alert with another id comes within the limit; the old one stays resolved",
        remedy="suppress a repetition only while its alert is open: nothing is suppressed for ever",
        ports=PORTS,
        needs=(*NEEDS, ACK, RES),
        parameters=PARAMETERS,
        references=("MN-05", "rts6.16.5"),
    )
)
def alert_recurs(trial: Trial) -> Finding:
    """Breach, resolve, breach."""
    first = new_alert(trial)
    _resolved(trial, first.id)
    known = frozenset(listed(trial))
    breach_once(trial)()
    again = await_alert(trial, known, trial.seconds("alert_within"), "LIMIT_BREACH")
    expect_equal(listed(trial)[first.id].state, AlertState.RESOLVED, f"state of {first.id}")
    return passed(f"{again.id} came after {first.id} was resolved")


@check(
    monitor_card(
        "trail_survives_restart",
        "What was done about an alert is not forgotten by a restart",
        MAJOR,
        steps=("raise and resolve an alert", "restart the system", "read it in the list"),
        passes_when="it has the same state and trail; inconclusive when no earlier alerts are listed at all",
        remedy="write every step of an alert's life down before it is confirmed",
        ports=PORTS,
        needs=(*NEEDS, ACK, RES, "orders.restart"),
        parameters=(ALERT_WITHIN, READY_WITHIN),
        references=("MN-08", "FW-12"),
        modes=SLOW,
        destructive=True,
    )
)
def trail_survives_restart(trial: Trial) -> Finding:
    """Resolve, restart, read."""
    alert = new_alert(trial)
    done, before = _resolved(trial, alert.id), clock.now_ns()
    trial.restart("trade_monitor")
    RiskDesk(trial).ready(trial.seconds("ready_within"))
    after = listed(trial)
    if all(each.raised_at_ns > before for each in after.values()):
        return inconclusive("the system lists only alerts since its start: no trail to compare")
    expect(alert.id in after, f"expected {alert.id} in the list after the restart, was not")
    expect_equal(after[alert.id].state, done.state, f"state of {alert.id} after the restart")
    expect_equal(after[alert.id].trail, done.trail, f"trail of {alert.id} after the restart")
    return passed(f"{alert.id} is as it was, with {len(done.trail)} entries")


CHECKS: tuple[Check, ...] = (
    acknowledge,
    acknowledge_named,
    escalate,
    resolve,
    resolved_stays,
    alert_recurs,
)
SLOW_CHECKS: tuple[Check, ...] = (trail_survives_restart,)
