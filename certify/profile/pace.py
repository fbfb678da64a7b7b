"""How fast a gateway of Interactive Brokers may be talked to, and what of a profile is faster than that.

It takes 50 messages a second from a client and breaks the link of one that sends more
(TWS API documentation, "Pacing"). The tool stays below by default.
"""

from __future__ import annotations

from collections.abc import Mapping

from certify.profile.model import ComponentSpec, Safety
from certify.profile.shapes import Values

BROKEN_AT_PER_S = 50
LEAST_PER_S, MOST_PER_S = 1.0, 45.0
ORDER_PORTS = ("execution", "broker", "paper_trading")
"""Where the orders of a load go: the first of these that is in scope."""


def default_pace(safety: Values, components: Mapping[str, ComponentSpec]) -> dict[str, float]:
    """Return the cap of messages as a keyword argument where a gateway is behind a component.

    Raises:
        ProfileError: the profile's own cap is too near to what breaks the link.
    """
    if not any(spec.backend == "ibkr" for spec in components.values()):
        return {}
    given = safety.get("max_messages_per_s")
    if given is not None and not LEAST_PER_S <= given <= MOST_PER_S:
        raise safety.at("max_messages_per_s").error(
            f"a gateway of Interactive Brokers breaks the link at {BROKEN_AT_PER_S} messages/s: "
            f"expected {LEAST_PER_S:g} to {MOST_PER_S:g}, was {given:g}"
        )
    return {"max_messages_per_s": MOST_PER_S}


def hold_pace(performance: Values, components: Mapping[str, ComponentSpec], safety: Safety) -> None:
    """Refuse load levels that a real gateway would break the link for.

    Raises:
        ProfileError: at the first level above the cap.
    """
    port = next((port for port in ORDER_PORTS if port in components), None)
    cap = safety.max_messages_per_s
    if port is None or cap is None or not _real(components[port]):
        return
    for item, mark in performance.get("loads", ()):
        rate = float(item.get("orders", 0))
        if rate > cap:
            raise item.marks.get("orders", mark).error(
                f"load level {item.data['name']!r}: {rate:g} orders/s are more than the {cap:g} messages/s "
                "that a real gateway is sent at most (safety.max_messages_per_s)"
            )


def _real(spec: ComponentSpec) -> bool:
    return spec.backend == "ibkr" and spec.gateway is None
