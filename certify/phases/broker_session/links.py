"""The session's own link: each way to break it is noticed and said, and each way back is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.card import Parameter
from certify.model.measure import Bound, Measurement
from certify.model.trading import ExecType, Order
from certify.phases.api import Check, Finding, bounded, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import (
    BACK_WITHIN,
    CRITICAL,
    FOUND_WITHIN,
    MAJOR,
    SAID_WITHIN,
    framework_card,
    link_card,
    monitor_card,
)
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.hearing import Hearing, back, brokers_connected, heard, unwell
from certify.phases.broker_session.house import House
from certify.phases.trial import Trial

PORT = "broker"
OFF, ON = {"on": False}, {"on": True}
LOST, KEPT, DATA_LOST = {"state": "lost"}, {"state": "restored"}, {"state": "restored_data_lost"}
DOWN_S = 3
ROUNDS = 3
ASK_EVERY_S = 0.5
QUESTIONS = ("account", "positions", "open_orders")


@contextmanager
def resting_through(trial: Trial) -> Iterator[tuple[SessionDesk, Order]]:
    """Rest an order; after the block fail unless it is still there, and can be cancelled."""
    desk = SessionDesk(trial, PORT)
    order, at_house = desk.resting(2)
    yield desk, order
    found = desk.house.one(order)
    expect_equal(found.perm_id, at_house.perm_id, "permanent id at the gateway")
    listed = trial.poll(
        lambda: [u for u in asked(desk) if u.client_order_id == order.client_order_id],
        f"expected {order.client_order_id} to be listed",
        trial.seconds("back_within"),
    )
    expect_equal(len(listed), 1, "times that the order is listed")
    expect_equal((listed[0].qty, listed[0].price), (order.qty, order.price), "quantity and price listed")
    expect_equal(desk.ends(order), [], "said to have ended")
    trial.poll(
        lambda: cancels(desk, order), "expected the order to be cancelled", trial.seconds("back_within")
    )
    desk.gone(order, "after its cancel")


def cancels(desk: SessionDesk, order: Order) -> bool:
    """Whether a cancel is answered with CANCELED; refused while the session is not back yet."""
    return desk.cancel(order).exec_type is ExecType.CANCELED


def asked(desk: SessionDesk) -> list[Any]:
    """Return the open orders, or nothing while the session cannot be asked."""
    try:
        return list(desk.listed("open_orders"))
    except SystemUnavailable:
        raise
    except CertifyError:
        return []


def loss_and_return(trial: Trial, action: str, begin: Mapping[str, Any], end: Mapping[str, Any]) -> Finding:
    """Break the link; fail unless that is said in time, and the session is back in time after the end."""
    house = House(trial)
    back(trial, trial.seconds("back_within"))
    hearing = Hearing(trial)
    limit = "found_within" if action == "half_open" else "said_within"
    with house.during(action, begin, end):
        took = hearing.until(hearing.down, "expected the loss to be said", trial.seconds(limit))
    returned(trial)
    return passed(f"said after {took.value:.0f} ms, and back", took)


def returned(trial: Trial) -> None:
    """Wait until the session is said to be up, and an order is taken."""
    within_s = trial.seconds("back_within")
    back(trial, within_s)
    desk = SessionDesk(trial, PORT)
    trial.poll(desk.takes_orders, "expected an order to be taken after the return", within_s)


@check(
    link_card(
        "half_open_found",
        "A link that is open but silent is found out in time",
        CRITICAL,
        steps=(
            "let the gateway keep the socket open and say nothing",
            "wait for a word",
            "let it talk again",
        ),
        passes_when="the loss is said within `found_within`, and afterwards the session is back in time",
        remedy="ask for the time regularly (reqCurrentTime) and take a missing answer for a lost link",
        parameters=(FOUND_WITHIN, BACK_WITHIN),
        references=("MD-19", "BR-02", "deepentropy/ibx#113"),
        destructive=True,
    )
)
def half_open_found(trial: Trial) -> Finding:
    """Go silent, wait."""
    return loss_and_return(trial, "half_open", ON, OFF)


@check(
    link_card(
        "port_closed_said",
        "A gateway that goes away is said to be away, and found again when it is back",
        CRITICAL,
        steps=("let the gateway close every session and its port", "wait for a word", "open it again"),
        passes_when="the loss is said in time, and afterwards an order is taken in time",
        remedy="hear the end of the connection and try again, less and less often",
        parameters=(SAID_WITHIN, BACK_WITHIN),
        references=("BR-01", "BR-02"),
        destructive=True,
    )
)
def port_closed_said(trial: Trial) -> Finding:
    """Close, wait, open."""
    return loss_and_return(trial, "listen", OFF, ON)


@check(
    link_card(
        "connectivity_said",
        "The loss of IB behind the gateway (1100) is said, though the socket stays open",
        CRITICAL,
        steps=("let the gateway lose IB (1100)", "wait for a word", "let it come back (1102)"),
        passes_when="the loss is said in time, and afterwards an order is taken in time",
        remedy="take 1100, 1101 and 1102 for what they are: the link behind the gateway",
        parameters=(SAID_WITHIN, BACK_WITHIN),
        references=("BR-05", "BR-07", "MN-06"),
        destructive=True,
    )
)
def connectivity_said(trial: Trial) -> Finding:
    """Lose IB, wait, come back."""
    return loss_and_return(trial, "connectivity", LOST, KEPT)


@check(
    link_card(
        "order_survives_reset",
        "An order is still the same one after the socket was reset",
        CRITICAL,
        steps=("rest an order", "reset the socket", "look for it here and at the gateway", "cancel it"),
        passes_when="it is listed once with its terms, has its permanent id, and the cancel works",
        remedy="after a login ask for open orders and match them by permanent id, not by objects of before",
        parameters=(BACK_WITHIN,),
        references=("BR-04", "BR-17", "erdewit/ib_insync#130", "erdewit/ib_insync#469"),
        destructive=True,
    )
)
def order_survives_reset(trial: Trial) -> Finding:
    """Rest, reset, look, cancel."""
    with resting_through(trial) as (desk, _):
        desk.house.do("reset")
        trial.wait(PORT, lambda: None, 1.0)
        back(trial, trial.seconds("back_within"))
    return passed("the order was kept, and cancelled")


@check(
    link_card(
        "nightly_reset",
        "The session and a resting order survive the nightly reset",
        CRITICAL,
        steps=("rest an order", "let the gateway go through its nightly reset", "look for the order"),
        passes_when="the order is still there with its terms, can be cancelled, and orders are taken again",
        remedy="pause, wait for 1101 or 1102, then ask for orders, executions and positions before going on",
        parameters=(BACK_WITHIN,),
        references=("BR-07", "FW-16", "IbcAlpha/IBC#143"),
        destructive=True,
    )
)
def nightly_reset(trial: Trial) -> Finding:
    """Rest, go through the night, look."""
    with resting_through(trial) as (desk, _):
        desk.house.do("nightly_reset", down_s=DOWN_S, data_lost=True)
        trial.wait(PORT, lambda: None, DOWN_S + 1.0)
        back(trial, trial.seconds("back_within"))
    returned(trial)
    return passed("session and order came through the night")


@check(
    link_card(
        "auto_restart",
        "The session comes back after a restart of the gateway, its client id in use for a while",
        CRITICAL,
        steps=("rest an order", "let the gateway restart", "wait until orders are taken"),
        passes_when="the session is back within the limit, and the order is still there and can be cancelled",
        remedy="try again with the same client id after 326; another id cannot touch the orders of this one",
        parameters=(BACK_WITHIN,),
        references=("BR-01", "FW-06", "erdewit/ib_insync#376", "ib-api-reloaded/ib_async#152"),
        destructive=True,
    )
)
def auto_restart(trial: Trial) -> Finding:
    """Rest, restart, wait, cancel."""
    with resting_through(trial) as (desk, _):
        desk.house.do("restart", down_s=DOWN_S)
        trial.wait(PORT, lambda: None, DOWN_S + 1.0)
        back(trial, trial.seconds("back_within"))
    returned(trial)
    return passed("back after the restart, with its order")


@check(
    link_card(
        "questions_half_open",
        "A question on a link that has gone silent ends in bounded time",
        MAJOR,
        steps=("let the gateway go silent", "ask for account, positions and open orders for a while"),
        passes_when="each ends, with an answer or an error, within `answer_within`",
        remedy="give every request a time limit: the libraries wait for ever by default",
        parameters=(
            Parameter(name="answer_within", default="9s", text="how long one question may take"),
            Parameter(name="ask_for", default="6s", text="how long to go on asking"),
            BACK_WITHIN,
        ),
        references=("BR-03", "erdewit/ib_insync#638"),
        destructive=True,
    )
)
def questions_half_open(trial: Trial) -> Finding:
    """Ask into silence."""
    worst_ms, house, count = 0.0, House(trial), 0
    until_ns = clock.monotonic_ns() + int(trial.seconds("ask_for") * clock.NS_PER_S)
    with house.during("half_open", ON, OFF):
        while clock.monotonic_ns() < until_ns:
            worst_ms = max(worst_ms, *(_took_ms(trial, question) for question in QUESTIONS))
            count += len(QUESTIONS)
            trial.wait(PORT, lambda: None, ASK_EVERY_S)
    back(trial, trial.seconds("back_within"))
    return bounded(
        f"{count} questions were answered",
        (Measurement(name="answered", value=round(worst_ms / 1000, 3), unit="s"),),
        (Bound(name="answered", op="<=", value=trial.seconds("answer_within"), unit="s"),),
    )


def _took_ms(trial: Trial, question: str) -> float:
    """Return how long the answer to a question took; an error in time is an answer."""
    began = clock.monotonic_ns()
    try:
        trial.call(PORT, question)
    except SystemUnavailable:
        raise
    except CertifyError as error:
        trial.note(f"{question}: {error}")
    return (clock.monotonic_ns() - began) / clock.NS_PER_MS


@check(
    framework_card(
        "connected_true",
        "What is said of the connection is what is so: up and down, several times over",
        MAJOR,
        steps=("close the gateway's port, ask, open it, ask; three times",),
        passes_when="the registry or the health says down while it is down, up while a client is there",
        remedy="compute `connected` from the socket and the last answer when it is asked for",
        parameters=(SAID_WITHIN, BACK_WITHIN),
        references=("BR-01", "Lean IsConnectedUpdatesCorrectly"),
        destructive=True,
    )
)
def connected_true(trial: Trial) -> Finding:
    """Down and up, three times."""
    house, session = House(trial), trial.session("broker_framework")
    for number in range(1, ROUNDS + 1):
        with house.during("listen", OFF, ON):
            text = f"expected to be said as not connected in round {number}"
            heard(
                trial,
                lambda: brokers_connected(trial) is False or unwell(session),
                text,
                trial.seconds("said_within"),
            )
        back(trial, trial.seconds("back_within"))
        expect(house.clients(), "expected a client at the gateway of what says it is connected, was none")
    return passed(f"{ROUNDS} times down and up, each time as it was")


@check(
    monitor_card(
        "link_alert_silent_link",
        "The loss of IB behind an open socket (1100) raises an alert",
        MAJOR,
        steps=("let the gateway lose IB (1100)", "wait for an alert", "let it come back (1102)"),
        passes_when="an alert of the kind DISCONNECT is raised in time",
        remedy="raise the same alert for 1100 as for a closed socket",
        needs=("alerts.disconnect",),
        ports=("trade_monitor", "broker"),
        parameters=(SAID_WITHIN, BACK_WITHIN),
        references=("MN-06", "BR-07", "rts6.16.5"),
        destructive=True,
    )
)
def link_alert_silent_link(trial: Trial) -> Finding:
    """Lose IB, wait for the alert."""
    house, hearing = House(trial), Hearing(trial)
    with house.during("connectivity", LOST, KEPT):
        took = hearing.until(
            lambda: any(alert.kind == "DISCONNECT" for alert in hearing.alerts()),
            "expected an alert DISCONNECT",
            trial.seconds("said_within"),
        )
    back(trial, trial.seconds("back_within"))
    return passed(f"alert after {took.value:.0f} ms", took)


@check(
    monitor_card(
        "nightly_no_flood",
        "The nightly reset raises few alerts, not a flood",
        MAJOR,
        steps=("let the gateway go through its nightly reset", "count alerts and repetitions"),
        passes_when="they are at least one and no more than `most_alerts`",
        remedy="one alert for one cause; add what repeats to it now and then",
        needs=("alerts.disconnect",),
        ports=("trade_monitor", "broker"),
        parameters=(
            Parameter(name="most_alerts", default="60", text="alerts and repetitions of one reset"),
            BACK_WITHIN,
        ),
        references=("BR-07", "MN-05", "Lean 1100 suppression"),
        destructive=True,
    )
)
def nightly_no_flood(trial: Trial) -> Finding:
    """Go through the night, count."""
    house, hearing = House(trial), Hearing(trial)
    house.do("nightly_reset", down_s=DOWN_S, data_lost=False)
    trial.wait(PORT, lambda: None, DOWN_S + 1.0)
    back(trial, trial.seconds("back_within"))
    count = len(hearing.alerts())
    expect(count, "expected an alert of the loss of IB, was none")
    return bounded(
        f"{count} alerts and repetitions in one reset",
        (Measurement(name="alerts", value=count, unit="count"),),
        (Bound(name="alerts", op="<=", value=trial.number("most_alerts"), unit="count"),),
    )


INTEGRATION: tuple[Check, ...] = (
    port_closed_said,
    connectivity_said,
    half_open_found,
    questions_half_open,
    order_survives_reset,
    nightly_reset,
    auto_restart,
    connected_true,
)
MONITORING: tuple[Check, ...] = (link_alert_silent_link, nightly_no_flood)
