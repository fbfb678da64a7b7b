"""Every condition raises its alert in time, once, and the list of alerts says the same as the events."""

from __future__ import annotations

from certify import clock
from certify.model.card import Parameter
from certify.model.measure import Bound, Measurement
from certify.model.trading import Alert, Order, OrderType, Side
from certify.phases.api import Check, Finding, bounded, check, expect, expect_equal, passed
from certify.phases.orders import with_terms
from certify.phases.risk.cards import (
    ALERT_WITHIN,
    CRITICAL,
    MAJOR,
    MINOR,
    READY_WITHIN,
    SET_MARKET,
    SLOW,
    monitor_card,
)
from certify.phases.risk.desk import RiskDesk
from certify.phases.risk.loss import losing
from certify.phases.risk.monitor import (
    ALERT_RULES,
    await_alert,
    breach_once,
    clean_slate,
    in_time,
    listed,
    provoke,
    word,
)
from certify.phases.trial import Trial

ORDER_PORTS = ("trade_monitor", "risk", "execution")
REJECTS = 20
REPEATS = 10
STORM = 3
"""More alerts than this for one condition that goes on are a storm."""
IN_TIME = "the alert comes within the limit and is in the list of alerts"
PASSES = (ALERT_WITHIN,)
MAX_STALE = Parameter(
    name="max_stale", default="10s", text="quiet time after which data is stale; the firm's"
)


@check(
    monitor_card(
        "alert_limit_breach",
        "An order above a limit raises LIMIT_BREACH in time",
        CRITICAL,
        steps=("lower max_order_qty", "send an order one lot above it", "wait for the alert"),
        passes_when=IN_TIME,
        remedy="raise the alert where the refusal is decided, and deliver it by the same way as any event",
        ports=ORDER_PORTS,
        needs=("alerts.limit", "risk.max_order_qty"),
        parameters=PASSES,
        references=ALERT_RULES,
    )
)
def alert_limit_breach(trial: Trial) -> Finding:
    """Breach, wait."""
    alert, took_ms = provoke(trial, breach_once(trial), "LIMIT_BREACH")
    return in_time(trial, alert, took_ms)


@check(
    monitor_card(
        "alert_kill_switch",
        "Using the kill switch raises KILL_SWITCH in time",
        CRITICAL,
        steps=("use the kill switch", "wait for the alert"),
        passes_when=IN_TIME,
        remedy="raise the alert when the state changes, before the cancels are sent",
        ports=("trade_monitor", "risk"),
        needs=("alerts.kill", "risk.halt"),
        parameters=PASSES,
        references=(*ALERT_RULES, "rts6.12.1"),
    )
)
def alert_kill_switch(trial: Trial) -> Finding:
    """Kill, wait."""
    alert, took_ms = provoke(trial, trial.kill, "KILL_SWITCH")
    return in_time(trial, alert, took_ms)


@check(
    monitor_card(
        "alert_reject_rate",
        "Many refused orders in a row raise REJECT_RATE in time",
        MAJOR,
        steps=(f"send {REJECTS} orders in a row that must be refused", "wait for the alert"),
        passes_when=IN_TIME,
        remedy="watch the share of refused orders over a short window, refusals of one's own included",
        ports=ORDER_PORTS,
        needs=("alerts.reject_rate", "risk.max_order_qty"),
        parameters=PASSES,
        references=(*ALERT_RULES, "MN-06"),
    )
)
def alert_reject_rate(trial: Trial) -> Finding:
    """Be refused again and again, wait."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty")
    for _ in range(REJECTS // 2):  # whatever was refused before is no longer what the share is made of
        desk.clear(desk.rest(Side.BUY))
    orders = [desk.make(Side.BUY, count + 1) for _ in range(REJECTS)]
    tick = trial.instrument.tick
    orders[1::2] = [with_terms(order, price=(order.price or tick) + tick / 3) for order in orders[1::2]]
    alert, took_ms = provoke(trial, lambda: desk.answers(_sent(desk, orders)), "REJECT_RATE")
    return in_time(trial, alert, took_ms)


def _sent(desk: RiskDesk, orders: list[Order]) -> list[Order]:
    desk.burst(orders)
    return orders


def _cut_alert(trial: Trial, port: str) -> Finding:
    alert, took_ms = provoke(trial, lambda: trial.cut(port), "DISCONNECT")
    trial.mend(port)
    if port == "broker" and trial.has("execution") and trial.has("risk"):
        RiskDesk(trial).ready(trial.seconds("ready_within"))
    return in_time(trial, alert, took_ms)


@check(
    monitor_card(
        "alert_disconnect",
        "A broken link to the broker raises DISCONNECT in time",
        CRITICAL,
        steps=("break the link to the broker", "wait for the alert", "let the link come back"),
        passes_when=IN_TIME,
        remedy="raise the alert from the session's own state, not from the next order that fails",
        ports=("trade_monitor", "broker"),
        needs=("alerts.disconnect", "orders.disconnect"),
        methods=("broker.disconnect", "broker.reconnect"),
        parameters=(ALERT_WITHIN, READY_WITHIN),
        references=(*ALERT_RULES, "MN-06"),
        modes=SLOW,
        destructive=True,
    )
)
def alert_disconnect(trial: Trial) -> Finding:
    """Break the broker's link, wait."""
    return _cut_alert(trial, "broker")


@check(
    monitor_card(
        "alert_feed_disconnect",
        "A broken link to the feed raises DISCONNECT in time",
        MAJOR,
        steps=("break the link to the feed", "wait for the alert", "let the link come back"),
        passes_when=IN_TIME,
        remedy="raise the alert from the feed's own state",
        ports=("trade_monitor", "market_data"),
        needs=("alerts.disconnect", "market_data.disconnect"),
        methods=("market_data.disconnect", "market_data.reconnect"),
        parameters=PASSES,
        references=(*ALERT_RULES, "MN-06", "rts7.9.3.c.feed"),
        modes=SLOW,
        destructive=True,
    )
)
def alert_feed_disconnect(trial: Trial) -> Finding:
    """Break the feed's link, wait."""
    trial.quote()
    return _cut_alert(trial, "market_data")


@check(
    monitor_card(
        "alert_stale_data",
        "Market data that stops raises STALE_DATA in time",
        MAJOR,
        steps=("subscribe to quotes", "break the link to the feed", "wait for the alert", "let it come back"),
        passes_when="the alert comes within max_stale and the limit together, and is in the list of alerts",
        remedy="compare the time of the last quote with now by a clock of its own, link or no link",
        ports=("trade_monitor", "market_data"),
        needs=("alerts.stale", "market_data.disconnect"),
        methods=("market_data.disconnect", "market_data.reconnect"),
        parameters=(ALERT_WITHIN, MAX_STALE),
        references=(*ALERT_RULES, "MN-06", "rts7.9.3.c.feed"),
        modes=SLOW,
        destructive=True,
    )
)
def alert_stale_data(trial: Trial) -> Finding:
    """Stop the quotes, wait."""
    trial.quote()
    limit_s = trial.seconds("max_stale") + trial.seconds("alert_within")
    known = clean_slate(trial, "STALE_DATA")
    began = clock.monotonic_ns()
    trial.cut("market_data")
    alert = await_alert(trial, known, limit_s, "STALE_DATA")
    took_ms = round((clock.monotonic_ns() - began) / clock.NS_PER_MS, 3)
    trial.mend("market_data")
    trial.poll(lambda: alert.id in listed(trial), f"expected {alert.id} in the list of alerts")
    return bounded(
        f"{alert.kind} {alert.severity.value}: {alert.text}",
        (Measurement(name="alert", value=took_ms, unit="ms"),),
        (Bound(name="alert", op="<=", value=limit_s * 1000, unit="ms"),),
    )


@check(
    monitor_card(
        "alert_daily_loss",
        "Losing more than a day may cost raises DAILY_LOSS in time",
        CRITICAL,
        steps=("buy, and set max_daily_loss below the loss to come", "let the market fall in steps", "wait"),
        passes_when=IN_TIME,
        remedy="judge the day's loss at every fill and every move of the market, and raise the alert there",
        ports=(*ORDER_PORTS, "market_data"),
        needs=("alerts.loss", "risk.max_daily_loss", "risk.set_limit", "orders.market"),
        methods=SET_MARKET,
        parameters=PASSES,
        references=(*ALERT_RULES, "RK-16"),
        modes=SLOW,
    )
)
def alert_daily_loss(trial: Trial) -> Finding:
    """Lose, wait; an order is tried too, as some systems look only then."""
    with losing(trial) as loss:

        def lose() -> None:
            loss.fall()
            loss.desk.place(loss.desk.make(Side.BUY, 1, OrderType.MARKET))

        alert, took_ms = provoke(trial, lose, "DAILY_LOSS")
    return in_time(trial, alert, took_ms)


@check(
    monitor_card(
        "alerts_listed",
        "Every alert that is raised is in the list, and every alert in the list was raised",
        MAJOR,
        steps=("note the alerts", "breach a limit", "compare the events since with the list since"),
        passes_when="both have the same alerts, with the same kind, severity and time",
        remedy="keep the alert first, then publish that same alert",
        ports=ORDER_PORTS,
        needs=("alerts.limit", "risk.max_order_qty"),
        parameters=PASSES,
        references=("MN-01",),
    )
)
def alerts_listed(trial: Trial) -> Finding:
    """Compare events and list."""
    condition = breach_once(trial)
    before = clean_slate(trial, "LIMIT_BREACH")
    condition()
    await_alert(trial, before, trial.seconds("alert_within"), "LIMIT_BREACH")
    inbox = trial.session("trade_monitor").inbox

    def agree() -> bool:
        return {alert.id for alert in inbox.current_alerts()} - before >= set(listed(trial)) - before

    trial.poll(agree, "expected every new alert of the list as an event")
    now, fresh = listed(trial), [alert for alert in inbox.current_alerts() if alert.id not in before]
    for alert in fresh:
        expect(alert.id in now, f"expected {alert.id} in the list of alerts, was not")
        expect_equal(_identity(now[alert.id]), _identity(alert), f"{alert.id} in the list")
    return passed(f"{len({alert.id for alert in fresh})} new alerts, the same as events and in the list")


def _identity(alert: Alert) -> tuple[str, str, int]:
    return word(alert.kind), alert.severity.value, alert.raised_at_ns


@check(
    monitor_card(
        "alerts_no_storm",
        "A condition that goes on is one alert, not a storm of them",
        MINOR,
        steps=(f"breach the same limit {REPEATS} times", "count the alerts of its kind"),
        passes_when=f"there is at least one new alert and at most {STORM}",
        remedy="add what repeats to the alert that is open, with a count, instead of raising another",
        ports=ORDER_PORTS,
        needs=("alerts.limit", "risk.max_order_qty"),
        parameters=PASSES,
        references=("MN-05",),
    )
)
def alerts_no_storm(trial: Trial) -> Finding:
    """Breach the same limit again and again."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty")
    before = clean_slate(trial, "LIMIT_BREACH")
    for _ in range(REPEATS):
        desk.refused(desk.make(Side.BUY, count + 1, OrderType.LIMIT), f"by max_order_qty {desk.lots(count)}")
    await_alert(trial, before, trial.seconds("alert_within"), "LIMIT_BREACH")
    trial.wait("trade_monitor", lambda: None, 0.5)
    fresh = [a for a in listed(trial).values() if a.id not in before and word(a.kind) == "LIMIT_BREACH"]
    expect(len(fresh) <= STORM, f"expected at most {STORM} alerts of {REPEATS} breaches, was {len(fresh)}")
    return passed(f"{REPEATS} breaches made {len(fresh)} alerts")


CHECKS: tuple[Check, ...] = (
    alert_limit_breach,
    alert_kill_switch,
    alert_reject_rate,
    alerts_listed,
    alerts_no_storm,
)
SLOW_CHECKS: tuple[Check, ...] = (
    alert_disconnect,
    alert_feed_disconnect,
    alert_stale_data,
    alert_daily_loss,
)
