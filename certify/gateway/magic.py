"""Magic quantities: an order over one of these makes something happen, without a script.

They are off unless asked for (`certify gateway --magic`), so that a strategy that happens to trade 1001
shares meets nothing but the market. Where IB has a code for it, the quantity is that code, or 1000 more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from certify.gateway.script import Event, Script, Step

LASTS_S = 5.0
"""How long a fault that ends by itself lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action of a magic quantity; `after_s` 0: before the gateway looks at the order."""

    action: str
    arguments: Mapping[str, object]
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """What a quantity does."""

    says: str
    deeds: tuple[Deed, ...]


def _behaviour(says: str, name: str, **more: object) -> Magic:
    arguments = {"name": name, "count": 1, "client_id": "$client_id", **more}
    return Magic(says=says, deeds=(Deed(action="behaviour", arguments=arguments),))


def _for_a_while(says: str, action: str, begin: Mapping[str, object], end: Mapping[str, object]) -> Magic:
    return Magic(
        says=f"{says}, for {LASTS_S:g} s",
        deeds=(
            Deed(action=action, arguments=begin),
            Deed(action=action, arguments=end, after_s=LASTS_S),
        ),
    )


def _lost(says: str, restored: str) -> Magic:
    return _for_a_while(says, "connectivity", {"state": "lost"}, {"state": restored})


def _switched(says: str, action: str) -> Magic:
    return _for_a_while(says, action, {"on": True}, {"on": False})


def _afterwards(says: str, action: str, **arguments: object) -> Magic:
    return Magic(says=says, deeds=(Deed(action=action, arguments=arguments, after_s=1.0),))


MAGIC: Mapping[int, Magic] = MappingProxyType(
    {
        1001: _behaviour("fills in part, the rest follows", "partial_fill"),
        1002: _behaviour("is never acknowledged", "never_acknowledge"),
        1003: _behaviour("is acknowledged 2 s late", "acknowledge_late", delay_ms=2000),
        1004: _behaviour("rests, and fills when it is cancelled", "fill_on_cancel"),
        1005: _behaviour("is cancelled after 1 s though nobody asked", "cancel_unsolicited", delay_ms=1000),
        1006: _behaviour("the execution comes before openOrder", "execution_first"),
        1007: _behaviour("the execution comes twice", "duplicate_execution"),
        1008: _behaviour("the commission report comes 2 s late", "commission_late", delay_ms=2000),
        1009: _behaviour("the commission report never comes", "commission_lost"),
        1010: _behaviour("no orderStatus comes", "status_lost"),
        1011: _afterwards("the execution is taken back after 1 s", "bust", exec_id="$exec_id"),
        1012: _afterwards(
            "the execution is sent again after 1 s, corrected to another price", "correct",
            exec_id="$exec_id", price="1.00",
        ),
        1101: _lost("1100, later 1101: lost, then restored with data lost", "restored_data_lost"),
        1102: _lost("1100, later 1102: lost, then restored", "restored"),
        1197: _switched("10197: market data goes to a competing session", "competing_session"),
        1201: _behaviour("201: is rejected", "reject"),
        1300: Magic(
            says="the connection is reset",
            deeds=(Deed(action="reset", arguments={"client_id": "$client_id"}),),
        ),
        1301: Magic(
            says="the connection is reset in the middle of a message",
            deeds=(Deed(action="reset", arguments={"client_id": "$client_id", "mid_message": True}),),
        ),
        1302: _switched("half-open: the sockets stay open, nothing is answered or sent", "half_open"),
        1303: _for_a_while(
            "messages come in pieces of 7 bytes, slowly", "frames",
            {"fragment": 7, "delay_ms": 2}, {"fragment": None, "delay_ms": 0},
        ),
        1304: Magic(
            says=f"the nightly reset: farms flap, 1100, {LASTS_S:g} s of silence, 1102",
            deeds=(Deed(action="nightly_reset", arguments={"down_s": LASTS_S}),),
        ),
        1305: Magic(
            says=f"the auto-restart: the port is closed for {LASTS_S:g} s",
            deeds=(Deed(action="restart", arguments={"down_s": LASTS_S}, after_s=0.01),),
        ),
        1321: _switched("321: the API is read-only", "read_only"),
        1354: _for_a_while(
            "354: no market data subscription for the instrument", "subscribed",
            {"instrument": "$instrument", "on": False}, {"instrument": "$instrument", "on": True},
        ),
        1399: _behaviour("399: an order message, and the order lives", "message_399"),
        1404: _behaviour("404: is held while shares are located", "held"),
        2103: _for_a_while(
            "2103, later 2104: the market data farm breaks and comes back", "farm",
            {"kind": "market", "state": "broken"}, {"kind": "market", "state": "ok"},
        ),
    }
)  # fmt: skip
"""Quantity of an order → what it does. Any other quantity is accepted and fares as the market has it."""


def magic_script() -> Script:
    """Return the table as the steps of a script."""
    return Script(
        steps=tuple(
            Step(
                action=deed.action,
                arguments=deed.arguments,
                event=Event(kind="order", only={"qty": str(qty)}),
                after_s=deed.after_s,
            )
            for qty, magic in MAGIC.items()
            for deed in magic.deeds
        )
    )
