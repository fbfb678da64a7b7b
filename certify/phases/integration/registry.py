"""The registry of broker connections: which exist, which is active, switching."""

from __future__ import annotations

from functools import partial
from typing import cast

from certify.model.ids import ComponentId, Severity
from certify.model.trading import BrokerInfo, Decision, Environment, ExecType, Side
from certify.phases.api import Check, Finding, check, expect, expect_equal, not_applicable, passed
from certify.phases.integration.cards import card
from certify.phases.orders import OrderDesk
from certify.phases.trial import Trial

PORT = "broker_framework"


_card = partial(card, ComponentId.BROKER_FRAMEWORK)


def brokers(trial: Trial) -> dict[str, BrokerInfo]:
    """Return the registry by name."""
    return {info.name: info for info in cast("list[BrokerInfo]", trial.call(PORT, "brokers"))}


def active(trial: Trial) -> str:
    """Return the name of the broker in use."""
    return cast("str", trial.call(PORT, "active"))


def switch(trial: Trial, name: str, confirm: bool = False) -> Decision:
    """Ask for another broker and return the decision."""
    return cast("Decision", trial.call(PORT, "switch", name, confirm))


def refuse(trial: Trial, name: str, what: str) -> Decision:
    """Ask for a switch that must be refused and leave the active broker as it was."""
    before = active(trial)
    decision = switch(trial, name)
    after = active(trial)
    if after != before:
        switch(trial, before, True)
    expect(not decision.accepted, f"expected {what} to be refused, was accepted")
    expect_equal(after, before, "active broker after the refusal")
    expect(decision.code or decision.reason, "expected a reason with the refusal, was none")
    return decision


@check(
    _card(
        "one_active",
        "Exactly one broker is active, and it is connected",
        Severity.CRITICAL,
        ("list the brokers", "compare with the active one"),
        "the active one is marked, no other is, and it is connected",
        "keep the active broker in one place",
        references=("FW-13",),
        defects=("two_brokers_active", "active_broker_disconnected"),
    )
)
def one_active(trial: Trial) -> Finding:
    """Compare the list with the active one."""
    name, known = active(trial), brokers(trial)
    marked = sorted(info.name for info in known.values() if info.active)
    expect_equal(marked, [name], "brokers marked as active")
    expect(known[name].connected, f"expected {name} to be connected, was not")
    return passed(f"{name} of {len(known)} is active and connected")


@check(
    _card(
        "unknown_refused",
        "A switch to a broker that does not exist is refused",
        Severity.CRITICAL,
        ("ask for a broker that is not registered",),
        "it is refused with a reason and the active broker stays",
        "look the name up before anything is closed",
        references=("FW-13",),
        defects=("unknown_broker_accepted",),
    )
)
def unknown_refused(trial: Trial) -> Finding:
    """Ask for nonsense."""
    decision = refuse(trial, "NO-SUCH-BROKER", "an unknown broker")
    return passed(f"refused: {decision.code or decision.reason}")


@check(
    _card(
        "live_needs_confirmation",
        "A switch to a live broker without confirmation is refused",
        Severity.CRITICAL,
        ("ask for a LIVE broker without confirming",),
        "it is refused with a reason and the active broker stays",
        "ask for confirmation by name before anything reaches a live account",
        not_applicable_when="no live broker is registered, or it is the active one",
        references=("FW-02", "rts6.7.1"),
        defects=("live_switch_unconfirmed",),
    )
)
def live_needs_confirmation(trial: Trial) -> Finding:
    """Ask for a live broker."""
    now = active(trial)
    live = [i.name for i in brokers(trial).values() if i.environment is Environment.LIVE and i.name != now]
    if not live:
        return not_applicable("no other broker is live")
    decision = refuse(trial, live[0], f"a switch to {live[0]} without confirmation")
    return passed(f"refused: {decision.code or decision.reason}")


def backup(trial: Trial) -> str | None:
    """Return the name of a broker that is neither active nor live; a connected one if there is one."""
    now = active(trial)
    others = [i for i in brokers(trial).values() if i.name != now and i.environment is not Environment.LIVE]
    others.sort(key=lambda info: not info.connected)
    return others[0].name if others else None


@check(
    _card(
        "switch_works",
        "After a switch orders go through the other broker, and back again",
        Severity.MAJOR,
        ("switch to another connected broker", "trade one lot and close", "switch back"),
        "the active broker changes both times and orders are filled",
        "route by the active broker at the moment of the order",
        needs=("framework.switch",),
        ports=("broker_framework", "execution"),
        not_applicable_when="no second broker that is not live is registered",
        references=("FW-13",),
        defects=("switch_only_says_so", "switch_breaks_orders"),
    )
)
def switch_works(trial: Trial) -> Finding:
    """Switch, trade, switch back."""
    first, other = active(trial), backup(trial)
    if other is None:
        return not_applicable("no second broker that is not live is registered")
    decision = switch(trial, other)
    expect(decision.accepted, f"expected the switch to {other} to be accepted, was {decision.reason}")
    try:
        expect_equal(active(trial), other, "active broker after the switch")
        desk = OrderDesk(trial, "execution")
        trial.set_market()
        desk.fill(Side.BUY)
        desk.fill(Side.SELL)
    finally:
        back = switch(trial, first)
    expect(back.accepted, f"expected the switch back to {first} to be accepted, was {back.reason}")
    return passed(f"traded through {other}, back on {first}")


@check(
    _card(
        "switch_keeps_orders",
        "A switch with an open order is refused, or the order stays known and can be cancelled",
        Severity.CRITICAL,
        ("rest an order", "ask for a switch", "cancel the order"),
        "the switch is refused, or the order is still listed; the cancel is answered CANCELED",
        "refuse a switch while orders work, or carry them over",
        needs=("framework.switch",),
        ports=("broker_framework", "execution"),
        not_applicable_when="no second broker that is not live is registered",
        references=("EX-40",),
        defects=("switch_orphans_orders",),
    )
)
def switch_keeps_orders(trial: Trial) -> Finding:
    """Switch with an order open."""
    first, other = active(trial), backup(trial)
    if other is None:
        return not_applicable("no second broker that is not live is registered")
    desk = OrderDesk(trial, "execution")
    trial.set_market()
    order = desk.rest()
    decision = switch(trial, other)
    if decision.accepted:
        expect(
            order.client_order_id in desk.open_ids(),
            "expected the order to be listed after the switch, was not",
        )
    answer = desk.cancel(order)
    if decision.accepted:
        switch(trial, first)
    expect_equal(answer.exec_type, ExecType.CANCELED, "cancel after the switch")
    return passed("carried over" if decision.accepted else f"refused: {decision.code or decision.reason}")


CHECKS: tuple[Check, ...] = (
    one_active,
    unknown_refused,
    live_needs_confirmation,
    switch_works,
    switch_keeps_orders,
)
