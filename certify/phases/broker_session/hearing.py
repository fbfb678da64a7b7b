"""What a system says of its session: link events, alerts, health. Any of them is a word; silence is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from certify import clock
from certify.errors import CertifyError, NotSupported, SystemUnavailable
from certify.model.measure import Measurement
from certify.model.trading import Alert, BrokerInfo, ConnectionChange, Health
from certify.phases.api import Unmet
from certify.phases.session import SystemSession
from certify.phases.trial import Trial

LOOK_EVERY_S = 0.1
FEED = "market_data"
ORDER_PORTS = ("broker", "execution")
DATA_ALERTS = ("STALE_DATA", "DATA_GAP", "DISCONNECT")
HEALTH_TIMEOUT_S = 12.0
"""How long a word on its own health may take while the link hangs."""


class Hearing:
    """What is said from the moment of its making on."""

    def __init__(self, trial: Trial) -> None:
        """Begin to listen."""
        self.trial = trial
        self._sessions = list({id(s): s for s in trial.shared.sessions.values()}.values())
        self._marks = {id(s): (len(s.inbox.links), len(s.inbox.alerts)) for s in self._sessions}
        self.began_ns = clock.monotonic_ns()

    def links(self) -> list[ConnectionChange]:
        """Return the ups and downs that were said."""
        return [link for s in self._sessions for link in s.inbox.links[self._marks[id(s)][0] :]]

    def alerts(self) -> list[Alert]:
        """Return the alerts that were said, repetitions too."""
        return [alert for s in self._sessions for alert in s.inbox.alerts[self._marks[id(s)][1] :]]

    def of(self, instrument: str, *kinds: str) -> list[Alert]:
        """Return the alerts that name an instrument, or its symbol; only of these kinds, where named."""
        words = (instrument, instrument.split(".", maxsplit=1)[0])
        named = (a for a in self.alerts() if a.instrument == instrument or any(w in a.text for w in words))
        return [alert for alert in named if not kinds or alert.kind in kinds]

    def down(self) -> bool:
        """Whether it was said that a link is down: by an event, an alert, or the health."""
        if any(not link.connected for link in self.links()):
            return True
        return any(alert.kind == "DISCONNECT" for alert in self.alerts()) or unwell(self._sessions[0])

    def stale(self) -> bool:
        """Whether it was said that market data has stopped: by a link, an alert of it, or the health."""
        if any(not link.connected for link in self.links()):
            return True
        about = (alert.component == FEED or alert.kind in DATA_ALERTS for alert in self.alerts())
        return any(about) or unwell(self._sessions[0])

    def of_order(self, *names: str) -> list[Alert]:
        """Return the alerts that name an order, or speak of an order on an order port."""
        return [
            alert
            for alert in self.alerts()
            if any(name in alert.text for name in names)
            or (alert.component in ORDER_PORTS and "order" in alert.text.lower())
        ]

    def until(self, look: Callable[[], object], text: str, within_s: float) -> Measurement:
        """Wait for a word and return how long it took; silence fails the check."""
        heard(self.trial, look, text, within_s)
        took_ms = (clock.monotonic_ns() - self.began_ns) / clock.NS_PER_MS
        return Measurement(name="said", value=round(took_ms, 3), unit="ms")


def heard(trial: Trial, look: Callable[[], object], text: str, within_s: float) -> None:
    """Look ten times a second until `look` finds something; else the check fails."""
    deadline_ns = clock.monotonic_ns() + int(within_s * clock.NS_PER_S)
    while not look():
        if clock.monotonic_ns() > deadline_ns:
            raise Unmet(f"{text} within {within_s:g} s, was not so")
        trial.session("system").inbox.wait(lambda: None, LOOK_EVERY_S)


def unwell(session: SystemSession) -> bool:
    """Whether the system says of itself that it is not connected."""
    health = health_or_none(session)
    return health is not None and not health.connected


def health_or_none(session: SystemSession) -> Health | None:
    """Return what a system says of itself, or nothing where it has no such word or does not find it."""
    try:
        return cast("Health", session.call("system", "health", timeout_s=HEALTH_TIMEOUT_S))
    except NotSupported:
        return None
    except SystemUnavailable:
        raise
    except CertifyError:
        return None


def brokers_connected(trial: Trial) -> bool | None:
    """Return what the registry says of the active broker; None without a registry."""
    if not trial.has("broker_framework"):
        return None
    infos = cast("list[BrokerInfo]", trial.call("broker_framework", "brokers"))
    return any(info.active and info.connected for info in infos)


def connected(trial: Trial) -> bool:
    """Whether everything that can be asked says that the session is up."""
    session = trial.session("system")
    health = health_or_none(session)
    return (health is None or health.connected) and brokers_connected(trial) is not False


def back(trial: Trial, within_s: float) -> None:
    """Wait until the system says that its session is up again."""
    heard(trial, lambda: connected(trial), "expected the session to be back", within_s)
