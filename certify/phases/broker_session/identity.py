"""Who the session is: its client id, its account, its share of the gateway's patience, its clock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from certify import clock
from certify.model.card import Parameter
from certify.model.measure import Bound, Measurement
from certify.model.trading import Environment, ExecType, Order
from certify.phases.api import (
    Check,
    Finding,
    Unmeasurable,
    bounded,
    check,
    expect,
    expect_equal,
    passed,
)
from certify.phases.broker_session.cards import (
    BACK_WITHIN,
    CRITICAL,
    MAJOR,
    SAID_WITHIN,
    SILENT_FOR,
    framework_card,
    link_card,
)
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.hearing import Hearing, back, connected, health_or_none, heard
from certify.phases.broker_session.house import House
from certify.phases.broker_session.intruder import Intruder, KnockCounter
from certify.phases.broker_session.links import OFF, ON, PORT, returned
from certify.phases.orders import ANSWERED, OrderDesk
from certify.phases.trial import Trial

STORM_S = 6.0


def own_client(trial: Trial, house: House) -> int:
    """Return the client id under which the system sends its orders."""
    back(trial, trial.seconds("back_within"))
    desk = SessionDesk(trial, PORT)
    order, at_house = desk.resting()
    desk.cancelled(order)
    if at_house.client_id not in house.clients():
        raise Unmeasurable("expected the sender of an order among the gateway's clients, was not there")
    return at_house.client_id


@check(
    framework_card(
        "intruder_harmless",
        "A second program under the same client id takes nothing away from the session that runs",
        MAJOR,
        steps=("connect another client with the system's client id", "see it refused (326)", "trade"),
        passes_when="the second is refused, the first says nothing of a loss and takes an order",
        remedy="one client id for one program; let the second one say clearly why it cannot start",
        ports=("broker_framework", "broker"),
        parameters=(BACK_WITHIN, SILENT_FOR),
        references=("FW-06", "QuickFIX 1b_DuplicateIdentity"),
        destructive=True,
    )
)
def intruder_harmless(trial: Trial) -> Finding:
    """Come a second time, trade on."""
    house = House(trial)
    client_id, hearing = own_client(trial, house), Hearing(trial)
    with Intruder(house.gateway.address, client_id) as second:
        expect(
            second.refused(trial.seconds("silent_for") + 1),
            f"expected the second client {client_id} to be refused, was taken",
        )
    trial.wait(PORT, hearing.links, trial.seconds("silent_for"))
    lost = [link.reason for link in hearing.links() if not link.connected]
    expect(not lost, f"expected the session to live on, was said to be lost: {'; '.join(lost)}")
    expect(client_id in house.clients(), f"expected client {client_id} at the gateway still, was gone")
    expect(SessionDesk(trial, PORT).takes_orders(), "expected an order to be taken, was not")
    return passed(f"a second client {client_id} was refused, the first lives")


@check(
    framework_card(
        "client_id_taken",
        "A client id that is in use (326) is no connection, and is tried again until it is free",
        MAJOR,
        steps=("close the gateway's port", "open it and take the system's client id", "ask", "give it back"),
        passes_when="the system does not say it is connected while it is not, and is back in time afterwards",
        remedy="call it connected when order ids and accounts have come; after 326 wait and try again",
        ports=("broker_framework", "broker"),
        parameters=(BACK_WITHIN, SAID_WITHIN, SILENT_FOR),
        references=("FW-06", "BR-01", "erdewit/ib_insync#360"),
        destructive=True,
    )
)
def client_id_taken(trial: Trial) -> Finding:
    """Take the id away, ask, give it back."""
    house = House(trial)
    client_id = own_client(trial, house)
    house.do("listen", on=False)
    heard(
        trial,
        lambda: not connected(trial),
        "expected not to be said as connected",
        trial.seconds("said_within"),
    )
    house.do("listen", on=True)
    with Intruder(house.gateway.address, client_id) as thief:
        if thief.refused(trial.seconds("silent_for")):
            raise Unmeasurable("expected to be first with the client id, was second")
        expect(not connected(trial), f"expected no connection while client id {client_id} is taken, was one")
    returned(trial)
    return passed(f"client id {client_id} was tried again until it was free")


@check(
    link_card(
        "no_login_storm",
        "While nobody answers the system knocks now and then, not all the time",
        MAJOR,
        steps=("close the gateway's port", "count who knocks there for a few seconds", "open it again"),
        passes_when="no more than `most_knocks` attempts in six seconds, and afterwards the session is back",
        remedy="wait longer after each failure, up to a limit; one reconnect loop for all components",
        parameters=(
            Parameter(name="most_knocks", default="80", text="attempts to connect in six seconds"),
            BACK_WITHIN,
        ),
        references=("BR-03", "BR-18"),
        destructive=True,
    )
)
def no_login_storm(trial: Trial) -> Finding:
    """Close, count, open."""
    house = House(trial)
    back(trial, trial.seconds("back_within"))
    with house.during("listen", OFF, ON), KnockCounter(house.gateway.address) as door:
        trial.wait(PORT, lambda: None, STORM_S)
        knocks = door.count
    returned(trial)
    return bounded(
        f"{knocks} attempts in {STORM_S:g} s, and back",
        (Measurement(name="knocks", value=knocks, unit="count"),),
        (Bound(name="knocks", op="<=", value=trial.number("most_knocks"), unit="count"),),
    )


@check(
    link_card(
        "account_identity",
        "The account is the one that the gateway manages, and no live one",
        CRITICAL,
        steps=(
            "ask for the account",
            "compare with the gateway's",
            "look where an order is booked",
        ),
        passes_when="account and bookings are the gateway's own account, and none is said to be live",
        remedy="take the account from managedAccounts, check its prefix, and name it in every order",
        parameters=(),
        references=("FW-02", "FW-03", "BR-24"),
    )
)
def account_identity(trial: Trial) -> Finding:
    """Compare accounts."""
    desk = SessionDesk(trial, PORT)
    wanted, state = desk.house.gateway.address.account, desk.account()
    expect_equal(state.account, wanted, "account")
    expect(state.environment is not Environment.LIVE, "expected no live account, was said to be LIVE")
    order = desk.bought()
    booked = {str(row["account"]) for row in desk.house.executions_of(order)}
    expect_equal(booked, {wanted}, "accounts that the order was booked to")
    named = {u.account for u in desk.updates(order) if u.account} | {wanted}
    expect_equal(named, {wanted}, "accounts said in the order's reports")
    return passed(f"account {wanted}")


@check(
    link_card(
        "pacing_kept",
        "A burst of orders stays under the gateway's limit of messages, and loses none",
        CRITICAL,
        steps=("send `burst` resting orders at once", "cancel them", "ask the gateway what it saw"),
        passes_when="no violation is counted, each order is acknowledged there and here, and cancelled",
        remedy="queue what is to be sent and let go at most 45 messages in a second (IB's limit is 50)",
        parameters=(
            Parameter(name="burst", default="60", text="orders sent at once"),
            Parameter(name="answer_within", default="20s", text="until all are acknowledged or cancelled"),
        ),
        references=("BR-18", "erdewit/ib_insync#35", "erdewit/ib_insync#443"),
    )
)
def pacing_kept(trial: Trial) -> Finding:
    """Send a burst, cancel it, ask."""
    house, desk = House(trial), SessionDesk(trial, PORT)
    before, within_s = house.violations(), trial.seconds("answer_within")
    desk.market()
    orders = [desk.order() for _ in range(int(trial.number("burst")))]
    for order in orders:
        OrderDesk.submit(desk, order)
    answered(trial, desk, orders, ANSWERED, within_s)
    missing = [order.client_order_id for order in orders if len(house.working(order)) != 1]
    expect(not missing, f"expected every order at the gateway once, was not so for {', '.join(missing[:5])}")
    for order in orders:
        trial.call(PORT, "cancel", order.client_order_id, order.instrument)
    answered(trial, desk, orders, {ExecType.CANCELED}, within_s)
    expect_equal(house.violations() - before, 0, "violations of the message limit")
    return passed(f"{len(orders)} orders and cancels, no violation")


def answered(trial: Trial, desk: SessionDesk, orders: list[Order], kinds: Any, within_s: float) -> None:
    """Wait until every order has an answer of these kinds."""

    def open_ones() -> list[str]:
        return [o.client_order_id for o in orders if not any(u.exec_type in kinds for u in desk.updates(o))]

    if trial.wait(PORT, lambda: not open_ones(), within_s) is None:
        words = "/".join(sorted(kind.value for kind in kinds))
        expect(False, f"expected {words} for each, was silence for {len(open_ones())} of {len(orders)}")


@check(
    link_card(
        "execution_times",
        "The time of an execution is the gateway's, in UTC, whatever zone it writes",
        MAJOR,
        steps=("trade", "compare the time of the fill with the gateway's and with the clock"),
        passes_when="both differ by no more than `most_off`",
        remedy="read the zone that comes with the time; without one it is the gateway's, not the machine's",
        parameters=(Parameter(name="most_off", default="2500ms", text="the wire carries whole seconds"),),
        references=("FW-10", "FW-09", "MD-16"),
    )
)
def execution_times(trial: Trial) -> Finding:
    """Trade, compare times."""
    desk = SessionDesk(trial, PORT)
    began_ns = clock.now_ns()
    fill = desk.fills(desk.bought())[0]
    expect(fill.ts_event_ns is not None, "expected the time of the fill, was none")
    slack_ns = int(trial.seconds("most_off") * clock.NS_PER_S)
    early, late = began_ns - slack_ns, clock.now_ns() + slack_ns
    off_s = ((fill.ts_event_ns or 0) - began_ns) / clock.NS_PER_S
    expect(
        early <= (fill.ts_event_ns or 0) <= late,
        f"expected the time of the fill to be now, was {off_s:.1f} s off",
    )
    return passed(f"the fill's time is {off_s:.1f} s after the order")


@check(
    link_card(
        "clock_offset_said",
        "A gateway whose clock is far off is said to be",
        MAJOR,
        steps=("let the gateway's clock run ahead", "reset the socket", "wait for a word"),
        passes_when="an alert or the health says so in time",
        remedy="compare reqCurrentTime with the own clock at each login; alert above a limit",
        parameters=(
            Parameter(name="offset", default="90s", text="how far the gateway's clock is off"),
            Parameter(name="said_within", default="45s", text="how long a system may take to say it"),
            BACK_WITHIN,
        ),
        references=("FW-09", "rts25.3"),
        destructive=True,
    )
)
def clock_offset_said(trial: Trial) -> Finding:
    """Put the clock off, wait."""
    house, offset_s = House(trial), Decimal(str(trial.seconds("offset")))
    with house.during("clock_offset", {"s": offset_s}, {"s": 0}):
        house.do("reset")
        trial.wait(PORT, lambda: None, 1.0)
        back(trial, trial.seconds("back_within"))
        hearing = Hearing(trial)
        text = "expected it to be said that the gateway's clock is off"
        took = hearing.until(lambda: _clock_word(trial, hearing), text, trial.seconds("said_within"))
    return passed(f"said after {took.value:.0f} ms", took)


def _clock_word(trial: Trial, hearing: Hearing) -> bool:
    health = health_or_none(trial.session("system"))
    texts = [f"{alert.kind} {alert.text}" for alert in hearing.alerts()] + [health.detail if health else ""]
    return any("clock" in text.lower() or "time" in text.lower() for text in texts)


CHECKS: tuple[Check, ...] = (
    account_identity,
    execution_times,
    pacing_kept,
    intruder_harmless,
    client_id_taken,
    no_login_storm,
    clock_offset_said,
)
