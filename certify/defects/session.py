"""Defects of the broker's session and of the registry of brokers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from certify import clock
from certify.defects.api import Defect, defect, rewrite_events
from certify.model.trading import BrokerInfo, ConnectionChange, Decision, ExecType, OrderUpdate

ACCEPTED = Decision(True)


def _sessions(platform: Any) -> list[Any]:
    registry = platform.broker_framework
    return [registry.session, *registry._standbys()]


@defect("broker_fills_unbooked", "Fills of orders sent straight to the broker are not in its positions.")
def broker_fills_unbooked(platform: Any) -> None:
    """Report no position."""
    platform.broker.positions = list


@defect("equity_ignores_positions", "The account's equity is its cash, whatever is held.")
def equity_ignores_positions(platform: Any) -> None:
    """Report cash as equity."""
    account = platform.broker.account

    def wrong() -> Any:
        state = account()
        return replace(state, equity=state.cash)

    platform.broker.account = wrong


@defect("broker_link_loss_silent", "A broken link to the broker is never said.")
def broker_link_loss_silent(platform: Any) -> None:
    """Drop the word on the broker's link."""

    def said(event: Any) -> bool:
        return isinstance(event, ConnectionChange) and event.component == "broker"

    rewrite_events(platform, lambda e: () if said(e) else (e,))


@defect("query_hangs_while_away", "A question asked while the link is broken is answered when it is back.")
def query_hangs_while_away(platform: Any) -> None:
    """Wait for the link."""
    positions = platform.broker.positions

    def wait() -> Any:
        if not platform.broker_framework.session.connected:
            clock.sleep_s(60)
        return positions()

    platform.broker.positions = wait


@defect("reconnect_forgets_orders", "After a reconnect the open orders are not known any more.")
def reconnect_forgets_orders(platform: Any) -> None:
    """List none of them."""
    listed, reconnect = platform.broker.open_orders, platform.broker.reconnect
    again: list[bool] = []

    def reconnected() -> None:
        reconnect()
        again.append(True)

    platform.broker.reconnect = reconnected
    platform.broker.open_orders = lambda: [] if again else listed()


@defect("reconnect_doubles_orders", "After a reconnect each open order is listed twice.")
def reconnect_doubles_orders(platform: Any) -> None:
    """List what the broker sent again beside what was known."""
    listed, reconnect = platform.broker.open_orders, platform.broker.reconnect
    again: list[bool] = []

    def reconnected() -> None:
        reconnect()
        again.append(True)

    platform.broker.reconnect = reconnected
    platform.broker.open_orders = lambda: listed() * (2 if again else 1)


@defect("missed_fill_lost", "Fills while the link is broken are never learned of.")
def missed_fill_lost(platform: Any) -> None:
    """Do not ask for executions."""
    for session in _sessions(platform):
        session.recover_executions = lambda: None
        session.refresh_orders = lambda: None


@defect("missed_fill_doubled", "A fill recovered after a reconnect is reported twice.")
def missed_fill_doubled(platform: Any) -> None:
    """Say what is recovered twice, under another execution id."""
    recovering: list[bool] = []
    for session in _sessions(platform):
        _mark_recovery(session, recovering)

    def rewrite(event: Any) -> Iterator[Any]:
        yield event
        if recovering and isinstance(event, OrderUpdate) and event.exec_type is ExecType.TRADE:
            yield replace(event, exec_id=f"{event.exec_id}-R")

    rewrite_events(platform, rewrite)


def _mark_recovery(session: Any, recovering: list[bool]) -> None:
    recover = session.recover_executions

    def marked() -> None:
        recovering.append(True)
        try:
            recover()
        finally:
            recovering.clear()

    session.recover_executions = marked


@defect("second_reconnect_fails", "The session comes back once, and never again.")
def second_reconnect_fails(platform: Any) -> None:
    """Ignore every reconnect but the first."""
    reconnect, once = platform.broker.reconnect, iter([True])
    platform.broker.reconnect = lambda: reconnect() if next(once, False) else None


@defect("two_brokers_active", "Two brokers are marked as active.")
def two_brokers_active(platform: Any) -> None:
    """Mark them all."""
    brokers = platform.broker_framework.brokers
    platform.broker_framework.brokers = lambda: [replace(info, active=True) for info in brokers()]


@defect("active_broker_disconnected", "The active broker is the one that was never connected.")
def active_broker_disconnected(platform: Any) -> None:
    """Say of the active broker that it is not connected."""
    brokers = platform.broker_framework.brokers
    platform.broker_framework.brokers = lambda: [replace(i, connected=not i.active) for i in brokers()]


@defect("unknown_broker_accepted", "A switch to a broker that does not exist is accepted.")
def unknown_broker_accepted(platform: Any) -> None:
    """Say yes to any name."""
    switch = platform.broker_framework.switch
    known = {info.name for info in platform.broker_framework.brokers()}
    platform.broker_framework.switch = lambda n, c=False: switch(n, c) if n in known else ACCEPTED


@defect("live_switch_unconfirmed", "A switch to the live broker needs no confirmation.")
def live_switch_unconfirmed(platform: Any) -> None:
    """Switch to it, whatever was confirmed."""
    registry = platform.broker_framework
    switch, active, gone = registry.switch, registry.active, list[str]()

    def careless(name: str, confirm: bool = False) -> Decision:
        gone[:] = [name] if name.startswith("LIVE") else []
        return ACCEPTED if gone else switch(name, confirm)

    registry.switch = careless
    registry.active = lambda: gone[0] if gone else active()


@defect("switch_only_says_so", "A switch is accepted, but the broker before stays active.")
def switch_only_says_so(platform: Any) -> None:
    """Say yes and do nothing."""
    registry = platform.broker_framework
    switch, known = registry.switch, {info.name: info for info in registry.brokers()}

    def idle(name: str, confirm: bool = False) -> Decision:
        info: BrokerInfo | None = known.get(name)
        harmless = info is not None and info.environment.value == "SIMULATED"
        return ACCEPTED if harmless else switch(name, confirm)

    registry.switch = idle


@defect("switch_breaks_orders", "After a switch orders go nowhere.")
def switch_breaks_orders(platform: Any) -> None:
    """Keep sending through the session that was left."""
    session = platform.broker_framework.session
    send = platform.execution.send

    def lost(*args: Any, **kwargs: Any) -> None:
        if platform.broker_framework.session is session:
            send(*args, **kwargs)

    platform.execution.send = lost


@defect("switch_orphans_orders", "A switch is allowed while orders work, and they are forgotten.")
def switch_orphans_orders(platform: Any) -> None:
    """Do not look for open orders, and lose them."""
    registry = platform.broker_framework
    activate = registry.activate
    registry.check_open_orders = lambda: None

    def forget(broker: Any) -> Decision:
        decision: Decision = activate(broker)
        platform.execution.records.clear()
        registry.session.orders.clear()
        return decision

    registry.activate = forget


DEFECTS: tuple[Defect, ...] = (
    broker_fills_unbooked,
    equity_ignores_positions,
    broker_link_loss_silent,
    query_hangs_while_away,
    reconnect_forgets_orders,
    reconnect_doubles_orders,
    missed_fill_lost,
    missed_fill_doubled,
    second_reconnect_fails,
    two_brokers_active,
    active_broker_disconnected,
    unknown_broker_accepted,
    live_switch_unconfirmed,
    switch_only_says_so,
    switch_breaks_orders,
    switch_orphans_orders,
)
