"""Port `broker_framework`: which broker connections exist, which one is in use, and who takes over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from certify.model.trading import BrokerInfo, Decision, Environment
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import refuse
from certify.reference.session import BrokerSession

ALLOWED = Decision(accepted=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One registered connection; without a session it is known but cannot be connected."""

    name: str
    environment: Environment
    session: BrokerSession | None = None
    backup: bool = False
    """Whether it may take over by itself."""


class BrokerRegistry:
    """Every registered broker connection; exactly one is active."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        failover_after_ns: int,
        open_orders: Callable[[], int],
        live_approved: Callable[[], bool],
        on_switch: Callable[[str], None],
    ) -> None:
        """Ask `open_orders` and `live_approved` before a switch; tell `on_switch` the new name."""
        self.kernel = kernel
        self._failover_after_ns = failover_after_ns
        self._open_orders = open_orders
        self._live_approved = live_approved
        self._on_switch = on_switch
        self._brokers: dict[str, Broker] = {}
        self._active = ""

    def register(self, broker: Broker) -> None:
        """Add a connection; the first one is active."""
        self._brokers[broker.name] = broker
        if broker.session is not None:
            broker.session.on_reconnect = self.heal
        self._active = self._active or broker.name

    def heal(self) -> None:
        """Let every broken way come back: whoever mends the active link mends the one it took over from."""
        for broker in self._brokers.values():
            if broker.session is not None:
                broker.session.broken = False

    @property
    def session(self) -> BrokerSession:
        """Return the session of the active broker."""
        session = self._brokers[self._active].session
        if session is None:
            raise ConnectionError(f"{self._active} has no session")
        return session

    @locked
    def brokers(self) -> list[BrokerInfo]:
        """Return every registered connection."""
        return [
            BrokerInfo(
                name=broker.name,
                environment=broker.environment,
                connected=broker.session is not None and broker.session.connected,
                active=broker.name == self._active,
            )
            for broker in self._brokers.values()
        ]

    @locked
    def active(self) -> str:
        """Return the name of the connection in use."""
        return self._active

    @locked
    def switch(self, name: str, confirm: bool = False) -> Decision:
        """Use another connection, when nothing speaks against it."""
        broker = self._brokers.get(name)
        if broker is None:
            return refuse("UNKNOWN_BROKER", f"no broker {name}; known: {', '.join(self._brokers)}")
        if name == self._active:
            return ALLOWED
        refusal = self.check_live(broker, confirm=confirm) or self.check_open_orders()
        return refusal or self.activate(broker)

    def check_live(self, broker: Broker, *, confirm: bool) -> Decision | None:
        """Refuse a LIVE connection without confirmation, and without an approved go-live."""
        if broker.environment is not Environment.LIVE:
            return None
        if not confirm:
            return refuse("CONFIRM_REQUIRED", f"{broker.name} is LIVE: expected confirm=True")
        if not self._live_approved():
            return refuse("LIVE_NOT_APPROVED", f"{broker.name} is LIVE and going live has not been approved")
        return None

    def check_open_orders(self) -> Decision | None:
        """Refuse to leave working orders behind."""
        count = self._open_orders()
        return refuse("OPEN_ORDERS", f"{count} orders are working at {self._active}") if count else None

    def activate(self, broker: Broker) -> Decision:
        """Use `broker` from now on and keep the one before as a standby; on failure go back."""
        if broker.session is None:
            return refuse("NOT_CONNECTED", f"{broker.name} has no connection")
        previous = self.session
        self._active = broker.name
        if broker.session.login():
            previous.stand_by()
            self._on_switch(broker.name)
            return ALLOWED
        broker.session.release()
        self._active = previous.name
        return refuse("NOT_CONNECTED", f"{broker.name} cannot be reached")

    @locked
    def start(self) -> None:
        """Log in to the active broker and connect the backups."""
        self.session.reconnect()
        for session in self._standbys():
            session.stand_by()

    @locked
    def stop(self) -> None:
        """Log out everywhere."""
        for session in (*self._standbys(), self.session):
            session.logout()

    def _standbys(self) -> list[BrokerSession]:
        others = (broker for broker in self._brokers.values() if broker.name != self._active)
        return [broker.session for broker in others if broker.session is not None]

    @locked
    def maintain(self) -> None:
        """Let broken links come back; when the active one has been away too long, let a backup take over."""
        for session in (self.session, *self._standbys()):
            session.maintain()
        down = self.session.down_since_ns
        if down is not None and self.kernel.now_ns() - down >= self._failover_after_ns:
            self.fail_over()

    def fail_over(self) -> None:
        """Make the first backup that can be reached the active connection; it holds the same account."""
        for broker in self._brokers.values():
            usable = broker.backup and broker.name != self._active
            if usable and broker.session is not None and broker.session.ready and self._take_over(broker):
                return

    def _take_over(self, broker: Broker) -> bool:
        left = self.session
        if broker.session is None:
            return False
        for record in left.orders.values():
            broker.session.follow(record)
        if not self.activate(broker).accepted:
            return False
        self.kernel.log.warning("%s took over from %s", broker.name, left.name)
        return True
