"""Defects of a session with an Interactive Brokers gateway, on the client's side: the link and who it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from certify import clock
from certify.defects.api import rewrite_events
from certify.defects.ib_wrap import Collected, drop, on_notices, on_sockets, seems_connected, sessions
from certify.defects.trading_wrap import wrap
from certify.model.trading import Alert, AlertKind, ConnectionChange

planted = Collected()

FLOOD = 100
DATA_LOST, DATA_KEPT = 1101, 1102
FIRST_FARM, LAST_FARM = 2103, 2158
HANG_S = 60.0


def _is_disconnect(event: Any) -> bool:
    return isinstance(event, Alert) and event.kind == AlertKind.DISCONNECT.value


@planted("ib_losses_unsaid", "the loss of a link is never said, by no event, alert or health")
def _ib_losses_unsaid(platform: Any) -> None:
    drop(platform, lambda e: _is_disconnect(e) or (isinstance(e, ConnectionChange) and not e.connected))
    seems_connected(platform)


@planted("ib_disconnect_without_alert", "the loss of a link is said as an event and raises no alert")
def _ib_disconnect_without_alert(platform: Any) -> None:
    drop(platform, _is_disconnect)


@planted("ib_alert_flood", "every message about a link is an alert, a hundred times over")
def _ib_alert_flood(platform: Any) -> None:
    def rewrite(event: Any) -> Iterator[Any]:
        for _ in range(FLOOD if isinstance(event, Alert) else 1):
            yield event

    rewrite_events(platform, rewrite)


@planted("ib_connected_whatever_happens", "health and registry say connected without looking")
def _ib_connected_whatever_happens(platform: Any) -> None:
    seems_connected(platform)


@planted("ib_no_back_off", "a login that failed is tried again at once, for ever")
def _ib_no_back_off(platform: Any) -> None:
    for session in sessions(platform):
        session.back_off = lambda: None


@planted("ib_gives_up", "a link that was lost is not tried again")
def _ib_gives_up(platform: Any) -> None:
    for session in sessions(platform):
        session.maintain = lambda: None


@planted("ib_login_ends_orders", "at each new login the orders of before are taken for ended")
def _ib_login_ends_orders(platform: Any) -> None:
    def ends(session: Any) -> None:
        reconcile = session.reconcile

        def ended() -> None:
            for record in list(session.orders.values()):
                session.handle(session._ended(record))
            reconcile()

        session.reconcile = ended

    for session in sessions(platform):
        ends(session)


@planted("ib_questions_wait_for_ever", "a question waits for its answer until the link is back")
def _ib_questions_wait_for_ever(platform: Any) -> None:
    def make(positions: Any) -> Any:
        def waiting() -> Any:
            if not platform.broker_framework.session.connected:
                clock.sleep_s(HANG_S)
            return positions()

        return waiting

    wrap(platform.broker, "positions", make)


@planted("ib_account_of_somebody_else", "the account is asked for under another name than that of the login")
def _ib_account_of_somebody_else(platform: Any) -> None:
    def make(account: Any) -> Any:
        def wrong() -> Any:
            return replace(account(), account="DU0000000")

        return wrong

    wrap(platform.broker, "account", make)


@planted("ib_pacing_off", "messages leave as fast as they are made")
def _ib_pacing_off(platform: Any) -> None:
    def unbound(socket: Any) -> None:
        socket.client.MaxRequests = 0

    on_sockets(platform, unbound)


@planted("ib_clock_never_compared", "the gateway's clock is never compared with the own one")
def _ib_clock_never_compared(platform: Any) -> None:
    def blind(socket: Any) -> None:
        socket._measure = lambda _answer: None

    on_sockets(platform, blind)


@planted("ib_1101_taken_for_1102", "after lost data (1101) nothing is subscribed again")
def _ib_1101_taken_for_1102(platform: Any) -> None:
    on_notices(platform, lambda code, text: (DATA_KEPT if code == DATA_LOST else code, text))


@planted("ib_1102_taken_for_1101", "after kept data (1102) everything is subscribed once more")
def _ib_1102_taken_for_1101(platform: Any) -> None:
    on_notices(platform, lambda code, text: (DATA_LOST if code == DATA_KEPT else code, text))


@planted("ib_good_news_alarms", "every notice about a farm is an alarm, also that it is well")
def _ib_good_news_alarms(platform: Any) -> None:
    def alarm(code: int, text: str) -> tuple[int, str]:
        if FIRST_FARM <= code <= LAST_FARM:
            platform.connection.deliver(lambda: platform.trade_monitor.raise_alert("FARM", f"{code} {text}"))
        return code, text

    on_notices(platform, alarm)


DEFECTS = tuple(planted.defects)
