"""What goes wrong between a client, the gateway and IB: the flags desks look at, the actions that set them.

After a change every desk with a method `fault(name)` is called with one of these names:

| name | what has happened |
| --- | --- |
| `lost` | 1100: IB cannot be reached; nothing flows, new orders wait |
| `restored` | 1102: IB is back, subscriptions go on, waiting orders go on |
| `restored_data_lost` | 1101: IB is back, market data subscriptions are gone, waiting orders go on |
| `farm` | a data farm broke or came back: `market_farm_ok`, `history_farm_ok`, `secdef_farm_ok` |
| `heal` | every fault is undone; what is due from behaviours is too |
| `competing_session` · `delayed` · `subscribed` · `read_only` | that flag has changed |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from certify import clock
from certify.errors import UsageError
from certify.gateway.values import decimal, seconds, switch, whole
from certify.gateway.wire.codes import CODES

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

FARMS = {"market": "usfarm", "history": "ushmds", "secdef": "secdefnj"}
"""Kinds of data farms and the name each has here."""

NOTICES = {
    ("market", "broken"): 2103, ("market", "ok"): 2104, ("market", "inactive"): 2108,
    ("market", "connecting"): 2119, ("history", "broken"): 2105, ("history", "ok"): 2106,
    ("history", "inactive"): 2107, ("secdef", "broken"): 2157, ("secdef", "ok"): 2158,
}  # fmt: skip
"""The code that tells a farm's state; a kind has only the states for which IB has one."""

CONNECTIVITY = {"lost": 1100, "restored": 1102, "restored_data_lost": 1101}
"""What can become of the link to IB, and the code that tells it."""

_FLAP_S = 0.05
"""Between the notices of a flap."""


class Faults:
    """The state of everything that can be made to fail; a fresh gateway has nothing wrong."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with all well."""
        self._gateway = gateway
        self.connected_to_ib = True
        """Whether order, execution and account news reach the gateway."""
        self.market_farm_ok = self.history_farm_ok = self.secdef_farm_ok = True
        self.half_open = False
        """The sockets stay open, nothing is answered, sent or heard."""
        self.read_only = gateway.settings.read_only
        """Orders are answered with 321."""
        self.competing_session = False
        """Market data goes to another session of the same user: 10197."""
        self.delayed = False
        """Real-time data is not subscribed, delayed data is sent: 10167."""
        self.unsubscribed: set[str] = set()
        """Instruments without a market data subscription: 354."""
        self.clock_offset_ns = 0
        """How far the gateway's time runs ahead."""
        self.fragment: int | None = None
        """Outgoing bytes leave in pieces of so many."""
        self.delay_s = 0.0
        """So late, or for pieces: so long after one another."""
        self.market_flows = True
        """Whether ticks may be sent at all."""
        self.farms: dict[str, tuple[str, str]] = {kind: ("ok", name) for kind, name in FARMS.items()}
        """State and name of each kind of farm."""
        self._in_use_until_ns: dict[int, int] = {}
        self._healed = 0

    # -- questions of the desks

    def is_subscribed(self, instrument: str) -> bool:
        """Whether there is a market data subscription for an instrument."""
        return instrument not in self.unsubscribed

    def still_in_use(self, client_id: int) -> bool:
        """Whether a client id that is not connected is not given back yet."""
        return self._in_use_until_ns.get(client_id, 0) > clock.monotonic_ns()

    def hold_id(self, client_id: int, for_s: float) -> None:
        """Keep a client id in use for a while after its connection has ended."""
        now_ns = clock.monotonic_ns()
        self._in_use_until_ns = {key: ns for key, ns in self._in_use_until_ns.items() if ns > now_ns}
        if for_s > 0:
            self._in_use_until_ns[client_id] = now_ns + int(for_s * clock.NS_PER_S)

    def greet(self, client: ClientSession) -> None:
        """Send what a new session hears about the farms."""
        if not self.connected_to_ib:
            client.error(-1, 2110)
            return
        for kind, (state, name) in self.farms.items():
            client.error(-1, NOTICES[kind, state], farm=name)

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Answer no request."""
        return {}

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the actions of the session."""
        return {
            "connectivity": self.connectivity, "farm": self.farm, "half_open": self.set_half_open,
            "reset": self.reset, "listen": self.listen, "nightly_reset": self.nightly_reset,
            "restart": self.restart, "read_only": self.set_read_only,
            "competing_session": self.set_competing_session, "delayed": self.set_delayed,
            "subscribed": self.set_subscribed, "clock_offset": self.set_clock_offset,
            "notice": self.notice, "frames": self.frames, "heal": self.heal,
        }  # fmt: skip

    # -- connectivity

    def connectivity(self, state: str) -> None:
        """Lose the link to IB (1100), or restore it (1102 `restored`, 1101 `restored_data_lost`)."""
        if state not in CONNECTIVITY:
            raise UsageError(f"connectivity: expected {', '.join(CONNECTIVITY)}, was {state}")
        self.connected_to_ib = state != "lost"
        self._refresh()
        self._everyone(CONNECTIVITY[state])
        self._gateway.tell_fault(state)

    def farm(self, kind: str, state: str, name: str | None = None) -> None:
        """Break a data farm or bring it back, with IB's notice; without the market farm no ticks flow."""
        if (kind, state) not in NOTICES:
            expected = ", ".join(f"{farm} {each}" for farm, each in NOTICES)
            raise UsageError(f"farm: expected one of {expected}, was {kind} {state}")
        called = name or FARMS[kind]
        self.farms[kind] = (state, called)
        up = state in ("ok", "inactive")
        if kind == "market":
            self.market_farm_ok = up
        elif kind == "history":
            self.history_farm_ok = up
        else:
            self.secdef_farm_ok = up
        self._refresh()
        self._everyone(NOTICES[kind, state], farm=called)
        self._gateway.tell_fault("farm")

    def nightly_reset(self, down_s: object = 1.0, data_lost: object = False) -> None:
        """Do the nightly reset: farms flap, 1100, `down_s` of silence, 1102 or 1101; sockets stay open."""
        down, lost = seconds(down_s, "down_s"), switch(data_lost, "data_lost")
        flaps = (
            ("market", "broken"), ("history", "broken"), ("secdef", "broken"), ("market", "connecting"),
            ("market", "ok"), ("history", "ok"), ("market", "broken"), ("history", "broken"),
        )  # fmt: skip
        for number, (kind, state) in enumerate(flaps):
            self._plan(number * _FLAP_S, self.farm, kind, state)
        begin_s = len(flaps) * _FLAP_S
        self._plan(begin_s, self.connectivity, "lost")
        self._plan(begin_s + down, self._after_the_night, lost)

    def _after_the_night(self, data_lost: bool) -> None:
        self.farms.update({kind: ("ok", name) for kind, name in FARMS.items()})
        self.market_farm_ok = self.history_farm_ok = self.secdef_farm_ok = True
        self.connectivity("restored_data_lost" if data_lost else "restored")
        for kind in FARMS:
            self.farm(kind, "ok")

    # -- sockets

    def set_half_open(self, on: object) -> None:
        """Leave the sockets open and answer, send and hear nothing, or go on; what came meanwhile is lost."""
        self.half_open = switch(on, "on")
        self._refresh()

    def reset(self, client_id: object = None, mid_message: object = False) -> list[int]:
        """Reset (RST) the connection of one client or all, after half a message if asked; return whose."""
        which = None if client_id is None else whole(client_id, "client_id")
        server = self._gateway.server
        return server.reset(which, mid_message=switch(mid_message, "mid_message")) if server else []

    def listen(self, on: object) -> None:
        """Close the port and all clients, or open it again."""
        server = self._gateway.server
        if server is None:
            return
        if switch(on, "on"):
            server.open_later()
        else:
            server.shut()

    def restart(self, down_s: object = 1.0, in_use_s: object = 1.0) -> None:
        """Go through the gateway's auto-restart: the port is closed for `down_s`, then open again.

        The client ids that were connected stay in use for `in_use_s` after that.
        """
        down, held = seconds(down_s, "down_s"), seconds(in_use_s, "in_use_s")
        connected = [client.client_id for client in self._gateway.everyone()]
        self.listen("off")
        for client_id in connected:
            self.hold_id(client_id, down + held)
        server = self._gateway.server
        if server is not None:
            self._plan(down, server.open_later)

    def frames(self, fragment: object = None, delay_ms: object = 0) -> None:
        """Send bytes in pieces of `fragment`, each `delay_ms` after the last; only a delay: all so late."""
        size = None if fragment is None else whole(fragment, "fragment")
        if size is not None and size < 1:
            raise UsageError(f"fragment: expected 1 byte or more, was {size}")
        delay_s = float(decimal(delay_ms, "delay_ms")) / 1000
        if not 0 <= delay_s <= 60:
            raise UsageError(f"delay_ms: expected 0 to 60000, was {delay_ms}")
        self.fragment, self.delay_s = size, delay_s

    # -- what is allowed

    def set_read_only(self, on: object) -> None:
        """Refuse orders with 321, or take them again."""
        self.read_only = switch(on, "on")
        self._gateway.tell_fault("read_only")

    def set_competing_session(self, on: object) -> None:
        """Give the market data to another session (10197), or take it back."""
        self.competing_session = switch(on, "on")
        self._refresh()
        self._gateway.tell_fault("competing_session")

    def set_delayed(self, on: object) -> None:
        """Have delayed data only (10167), or real-time data."""
        self.delayed = switch(on, "on")
        self._gateway.tell_fault("delayed")

    def set_subscribed(self, instrument: str, on: object) -> None:
        """Take the market data subscription of an instrument away (354), or give it."""
        if switch(on, "on"):
            self.unsubscribed.discard(instrument)
        else:
            self.unsubscribed.add(instrument)
        self._gateway.tell_fault("subscribed")

    def set_clock_offset(self, s: object) -> None:
        """Let the gateway's time run `s` seconds ahead (behind when negative)."""
        offset = decimal(s, "s")
        if abs(offset) > 86_400:
            raise UsageError(f"s: expected at most a day, was {offset}")
        self.clock_offset_ns = int(offset * clock.NS_PER_S)

    def notice(
        self, code: object, text: str | None = None, req_id: object = -1, client_id: object = None
    ) -> int:
        """Send any error message to one client or to all; return to how many."""
        which = None if client_id is None else whole(client_id, "client_id")
        number, about = whole(code, "code"), whole(req_id, "req_id")
        if text is None and number not in CODES:
            raise UsageError(f"notice: no text is known for code {number}; give one")
        told = [each for each in self._gateway.everyone() if which in (None, each.client_id)]
        for client in told:
            client.error(about, number, text)
        return len(told)

    def heal(self) -> None:
        """Undo every fault that lasts, with the notices that say so; what was planned is not done."""
        self._healed += 1
        self._in_use_until_ns.clear()
        self.set_half_open("off")
        self.frames()
        self.clock_offset_ns = 0
        self.listen("on")
        for kind, (state, _) in tuple(self.farms.items()):
            if state != "ok":
                self.farm(kind, "ok")
        if not self.connected_to_ib:
            self.connectivity("restored")
        if self.read_only != self._gateway.settings.read_only:
            self.set_read_only(self._gateway.settings.read_only)
        if self.competing_session:
            self.set_competing_session("off")
        if self.delayed:
            self.set_delayed("off")
        for instrument in tuple(self.unsubscribed):
            self.set_subscribed(instrument, "on")
        self._gateway.tell_fault("heal")

    # -- inside

    def _plan(self, delay_s: float, call: Callable[..., object], *arguments: object) -> None:
        """Do something later, unless everything is healed before."""
        healed = self._healed

        def unless_healed() -> None:
            if self._healed == healed:
                call(*arguments)

        self._gateway.later(delay_s, unless_healed)

    def _refresh(self) -> None:
        """Work out once what every tick asks."""
        self.market_flows = (
            self.connected_to_ib and self.market_farm_ok and not self.competing_session and not self.half_open
        )

    def _everyone(self, code: int, **parts: str) -> None:
        for client in self._gateway.everyone():
            client.error(-1, code, **parts)
