"""Port `trade_monitor`: figures and the life of alerts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.adapter.contract import METRICS
from certify.model.trading import Alert, AlertState, ExecType, OrderUpdate, OrdStatus

D = Decimal
AAPL = "AAPL.NASDAQ"


def breach(rig):
    rig.send(10_000_000)
    return rig.alerts("LIMIT_BREACH")[-1]


def test_figures_are_what_happened_on_the_execution_port(rig):
    rig.quote(size="15")
    rig.send(10)
    working = rig.send(10, "100.10")
    canceled = rig.send(10, "99.00")
    rig.platform.execution.cancel(canceled, AAPL)
    rig.send(10, "99.001")
    rig.send(10_000_000)
    rig.send(10, port="broker")
    rig.send(10, "99.00", port="paper_trading")
    assert rig.last(working).status is OrdStatus.PARTIALLY_FILLED
    metrics = rig.platform.trade_monitor.metrics()
    assert set(METRICS) <= set(metrics)
    assert {name: int(metrics[name]) for name in METRICS} == {
        "orders_submitted": 5,
        "orders_filled": 1,
        "orders_rejected": 2,
        "orders_canceled": 1,
        "fills": 2,
        "volume": 15,
        "open_orders": 1,
    }


def test_the_life_of_an_alert_is_kept_and_said(rig):
    monitor, alert = rig.platform.trade_monitor, breach(rig)
    monitor.acknowledge(alert.id, "Ann")
    monitor.escalate(alert.id)
    monitor.resolve(alert.id, "Bob", "limit was right")
    (kept,) = rig.alerts("LIMIT_BREACH")
    states = [AlertState.RAISED, AlertState.ACKNOWLEDGED, AlertState.ESCALATED, AlertState.RESOLVED]
    assert [entry.state for entry in kept.trail] == states
    assert [entry.by for entry in kept.trail] == ["system", "Ann", "system", "Bob"]
    assert [event.state for event in rig.events if isinstance(event, Alert)] == states


@pytest.mark.parametrize(
    "act",
    [
        lambda monitor, alert: monitor.acknowledge(alert.id, " "),
        lambda monitor, alert: monitor.resolve(alert.id, "", "note"),
        lambda monitor, alert: monitor.resolve(alert.id, "Ann", " "),
    ],
)
def test_a_step_without_a_name_or_note_changes_nothing(rig, act):
    alert = breach(rig)
    with pytest.raises(ValueError, match="expected a n"):
        act(rig.platform.trade_monitor, alert)
    assert rig.alerts("LIMIT_BREACH") == [alert]


def test_illegal_and_unknown_steps_change_nothing(rig):
    monitor, alert = rig.platform.trade_monitor, breach(rig)
    monitor.resolve(alert.id, "Ann", "done")
    for act in (lambda: monitor.acknowledge(alert.id, "Ann"), lambda: monitor.escalate(alert.id)):
        with pytest.raises(ValueError, match="cannot go from RESOLVED"):
            act()
    with pytest.raises(KeyError, match="no alert"):
        monitor.escalate("ALERT-99")
    assert rig.alerts("LIMIT_BREACH")[0].state is AlertState.RESOLVED


def test_a_storm_is_one_alert_until_it_is_resolved(rig):
    for _ in range(50):
        rig.send(10_000_000)
    (alert,) = rig.alerts("LIMIT_BREACH")
    assert len(alert.trail) == 1
    rig.pass_time(0.1)
    assert rig.alerts("LIMIT_BREACH") == [alert]
    rig.pass_time(0.1)
    (alert,) = rig.alerts("LIMIT_BREACH")
    assert len(alert.trail) == 2
    assert alert.trail[-1].note.startswith("again: ")
    rig.pass_time(1)
    assert rig.alerts("LIMIT_BREACH") == [alert]
    rig.send(10_000_000)
    assert len(rig.alerts("LIMIT_BREACH")[0].trail) == 3
    rig.platform.trade_monitor.resolve(alert.id, "Ann", "seen")
    rig.send(10_000_000)
    assert [a.state for a in rig.alerts("LIMIT_BREACH")] == [AlertState.RESOLVED, AlertState.RAISED]


def test_each_limit_has_its_own_alert(rig):
    rig.send(10_000_000)
    rig.send(1, "1.00")
    texts = [alert.text for alert in rig.alerts("LIMIT_BREACH")]
    assert len(texts) == 2
    assert "max_order_qty" in texts[0]
    assert "price_band" in texts[1]


def test_many_rejects_are_alerted(rig):
    for _ in range(5):
        rig.send(10)
    for _ in range(4):
        rig.send("1.5")
    assert rig.alerts("REJECT_RATE") == []
    rig.send("1.5")
    assert len(rig.alerts("REJECT_RATE")) == 1
    for _ in range(20):
        rig.send(1)
    for _ in range(5):
        rig.send("1.5")
    assert len(rig.alerts("REJECT_RATE")) == 2


def test_everything_said_about_orders_is_said_once(rig):
    sent = rig.send(10)
    reports = [event for event in rig.events if isinstance(event, OrderUpdate)]
    assert [report.exec_type for report in reports] == [ExecType.NEW, ExecType.TRADE]
    assert {report.client_order_id for report in reports} == {sent}
