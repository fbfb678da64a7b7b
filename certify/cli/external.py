"""What gateways that are not the tool's own say of themselves: one greeting each, no session, no order."""

from __future__ import annotations

from collections.abc import Iterable

from certify.plan import BackendPlan

DEFAULT_HOST = "127.0.0.1"


def gateway_versions(backends: Iterable[BackendPlan]) -> dict[str, str]:
    """Return key of a backend → `server 178`, for each gateway that the profile names and that answers."""
    found = {}
    for backend in backends:
        if backend.gateway is not None and not backend.gateway.embedded and (said := _greeted(backend)):
            found[backend.key] = said
    return found


def _greeted(backend: BackendPlan) -> str:
    from certify.cli.doctor.line import connect, greet

    port = backend.options.get("port")
    if not isinstance(port, int):
        return ""
    try:
        line = connect(str(backend.options.get("host", DEFAULT_HOST)), port)
    except OSError:
        return ""
    try:
        return f"server {line.version}" if greet(line) else ""
    finally:
        line.close()
