"""What counts as a word of a system, and what does not."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from certify.errors import NotSupported
from certify.model.trading import Alert, AlertSeverity, AlertState, ConnectionChange, Health
from certify.phases.api import Unmet
from certify.phases.broker_session.hearing import Hearing, back, connected, heard
from certify.phases.inbox import Inbox
from certify.phases.ledger import Ledger


class Session:
    """A system that says what it is told to."""

    def __init__(self, health: Health | None = None) -> None:
        self.inbox = Inbox(Ledger(), threading.Event())
        self.health = health

    def call(self, _port: str, _method: str, **_options: Any) -> Health:
        if self.health is None:
            raise NotSupported("no health")
        return self.health


def alert(kind: str, text: str = "", component: str | None = None, instrument: str | None = None) -> Alert:
    return Alert("A", kind, AlertSeverity.WARNING, text, AlertState.RAISED, 1, component, instrument)


def trial_of(session: Session) -> Any:
    return SimpleNamespace(
        shared=SimpleNamespace(sessions={"broker": session, "market_data": session}),
        session=lambda _port: session,
        has=lambda _port, _method=None: False,
    )


def test_what_was_said_before_does_not_count() -> None:
    session = Session()
    session.inbox.take(0, ConnectionChange("broker", False))
    session.inbox.take(0, alert("DISCONNECT"))
    hearing = Hearing(trial_of(session))
    assert not hearing.down()
    assert not hearing.stale()
    assert not hearing.links()
    assert not hearing.alerts()


@pytest.mark.parametrize("event", [ConnectionChange("broker", False), alert("DISCONNECT")])
def test_a_loss_is_said_by_an_event_or_an_alert(event: Any) -> None:
    session = Session()
    hearing = Hearing(trial_of(session))
    session.inbox.take(0, event)
    assert hearing.down()


def test_a_loss_is_said_by_the_health() -> None:
    session = Session(Health(alive=True, connected=True))
    hearing = Hearing(trial_of(session))
    assert not hearing.down()
    session.health = Health(alive=True, connected=False)
    assert hearing.down()
    assert not connected(trial_of(session))


def test_an_alert_about_something_else_is_no_word_on_data() -> None:
    session = Session()
    hearing = Hearing(trial_of(session))
    session.inbox.take(0, alert("CLOCK_OFFSET", component="broker"))
    session.inbox.take(0, alert("POSITION_BREAK", instrument="AAPL.NASDAQ"))
    assert not hearing.stale()
    session.inbox.take(0, alert("STALE_DATA", "AAPL.NASDAQ: nothing for 4000 ms", "market_data"))
    assert hearing.stale()


def test_alerts_are_found_by_instrument_symbol_and_kind() -> None:
    session = Session()
    hearing = Hearing(trial_of(session))
    session.inbox.take(0, alert("STALE_DATA", "no data of AAPL"))
    session.inbox.take(0, alert("STALE_DATA", "x", instrument="MSFT.NASDAQ"))
    assert [a.text for a in hearing.of("AAPL.NASDAQ")] == ["no data of AAPL"]
    assert [a.text for a in hearing.of("MSFT.NASDAQ", "STALE_DATA")] == ["x"]
    assert hearing.of("MSFT.NASDAQ", "DATA_GAP") == []


def test_alerts_about_an_order_name_it_or_speak_of_an_order() -> None:
    session = Session()
    hearing = Hearing(trial_of(session))
    session.inbox.take(0, alert("CLOCK_OFFSET", "90 s ahead", "broker"))
    assert hearing.of_order("CT-1") == []
    session.inbox.take(0, alert("UNANSWERED", "an order was not answered", "broker"))
    session.inbox.take(0, alert("LOST", "CT-1 is lost"))
    assert len(hearing.of_order("CT-1")) == 2


def test_silence_fails_and_a_word_is_timed() -> None:
    session = Session()
    trial = trial_of(session)
    hearing = Hearing(trial)
    with pytest.raises(Unmet, match=r"expected a word within 0.05 s"):
        heard(trial, hearing.down, "expected a word", 0.05)
    session.inbox.take(0, ConnectionChange("broker", False))
    assert hearing.until(hearing.down, "expected a word", 1).value < 1000


def test_a_system_without_health_and_registry_counts_as_back() -> None:
    back(trial_of(Session()), 0.1)
