"""Which processes a profile asks for: components with the same backend and options share one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from certify.adapter.contract import PORTS
from certify.errors import UsageError
from certify.model import codec
from certify.plan.model import BackendPlan, GatewayPlan
from certify.plan.recordings import located
from certify.profile.model import ComponentSpec, Profile, Safety

OWN_ADAPTERS = {
    "mock": "certify.backends.mock:create",
    "replay": "certify.backends.replay:create",
    "ibkr": "certify.backends.ibkr:create",
}
"""Backend → the adapter that ships with certify."""


def backend_plans(profile: Profile) -> tuple[BackendPlan, ...]:
    """Return one plan for each process, in the order of their first ports.

    Raises:
        UsageError: nothing is in scope, or a backend is not available in this version.
    """
    if not profile.components:
        raise UsageError(
            f"profile {profile.name!r} puts no component in scope: expected 'backend' or 'components'"
        )
    groups: list[tuple[ComponentSpec, list[str]]] = []
    for port in (port for port in PORTS if port in profile.components):
        spec = profile.components[port]
        ports = next((ports for known, ports in groups if known == spec), None)
        if ports is None:
            groups.append((spec, [port]))
        else:
            ports.append(port)
    used: dict[str, int] = {}
    return tuple(_backend_plan(profile, spec, tuple(ports), used) for spec, ports in groups)


def _backend_plan(
    profile: Profile, spec: ComponentSpec, ports: tuple[str, ...], used: dict[str, int]
) -> BackendPlan:
    count = used[spec.backend] = used.get(spec.backend, 0) + 1
    adapter = _adapter(spec)
    return BackendPlan(
        key=spec.backend if count == 1 else f"{spec.backend}-{count}",
        backend=spec.backend,
        ports=ports,
        adapter=adapter,
        adapter_digest=_digest(adapter),
        python=spec.python,
        options=_options(profile, spec),
        gateway=_gateway(spec),
    )


def _gateway(spec: ComponentSpec) -> GatewayPlan | None:
    """Return the gateway behind a backend, where one is known of; no port: it is chosen at the launch."""
    if spec.gateway is None:
        return GatewayPlan(kind="external") if spec.backend == "ibkr" else None
    given = {
        "account": spec.gateway.account or spec.options.get("account"),
        "script": spec.gateway.script,
        "script_digest": _file_digest(Path(spec.gateway.script)) if spec.gateway.script else None,
        "max_version": spec.gateway.max_version,
    }
    options = {name: value for name, value in given.items() if value is not None}
    return GatewayPlan(kind=spec.gateway.kind, options=options)


def _adapter(spec: ComponentSpec) -> str:
    adapter = spec.adapter or OWN_ADAPTERS.get(spec.backend)
    if adapter is None:
        known = ", ".join(sorted({*OWN_ADAPTERS, "python"}))
        raise UsageError(f"backend {spec.backend!r} is not in this version: expected one of {known}")
    return adapter


def _digest(adapter: str) -> str:
    """Return the digest of an adapter's file, so that a plan of another adapter is another plan."""
    path = Path(adapter.rpartition(":")[0])
    if path.suffix != ".py" or not path.is_file():
        return ""
    return _file_digest(path)


def _file_digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _options(profile: Profile, spec: ComponentSpec) -> dict[str, Any]:
    """Return what the adapter gets as `ctx.config`: the profile's facts, under the options as written.

    The reference backends always get the profile's; a user's own options win under the same name.
    """
    facts: dict[str, Any] = {
        "instruments": [codec.encode(instrument, tag=False) for instrument in profile.instruments],
        "limits": {name: str(value) for name, value in profile.limits.items()},
        "seed": profile.seed,
    }
    if spec.backend == "replay":
        return {**located(spec.options, profile.path), **facts}
    if spec.backend == "ibkr":
        facts |= {"safety": _caps(profile.safety), "live": profile.safety.live}
    return {**facts, **spec.options} if spec.backend == "python" else {**spec.options, **facts}


def _caps(safety: Safety) -> dict[str, Any]:
    """Return the caps that the backend holds before its socket, numbers as text."""
    return {
        "allow_live": safety.allow_live,
        "max_order_qty": str(safety.max_order_qty),
        "max_order_notional": str(safety.max_order_notional),
        "max_orders": safety.max_orders,
        "max_messages_per_s": safety.max_messages_per_s,
    }
