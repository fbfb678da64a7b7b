"""A resolved profile written as a profile again: everything merged in, every figure with its unit."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from certify.model.ids import PhaseId
from certify.model.trading import LIMIT_UNITS, Instrument
from certify.profile.components import NOT_IN_PROFILE, SKIP
from certify.profile.model import CheckOverride, ComponentSpec, LoadLevel, Policy, Profile, Safety

_LIMIT_SUFFIX = {"1/s": "/s", "%": "%"}


def profile_text(profile: Profile) -> str:
    """Return the profile as YAML that loads to the same values."""
    import yaml

    return str(yaml.safe_dump(profile_data(profile), sort_keys=False, allow_unicode=True, width=110))


def profile_data(profile: Profile) -> dict[str, Any]:
    """Return the profile as plain data in the form of a profile file."""
    data = {
        "version": 1,
        "name": profile.name,
        "subject": {
            "name": profile.subject.name,
            "version": profile.subject.version,
            "paths": list(profile.subject.paths),
        },
        "components": {
            **{port: _component(spec) for port, spec in profile.components.items()},
            **{port: {SKIP: why} for port, why in profile.out_of_scope.items() if why != NOT_IN_PROFILE},
        },
        "instruments": [_instrument(instrument) for instrument in profile.instruments],
        "mode": profile.mode.value,
        "seed": profile.seed,
        "safety": _safety(profile.safety),
        "phases": _phases(profile),
        "policy": _policy(profile.policy),
        "hooks": dict(profile.hooks),
        "notify": list(profile.notify),
        "ping": profile.ping,
    }
    return {key: value for key, value in data.items() if value not in ({}, [], None) or key == "instruments"}


def exact(value: Decimal) -> int | str:
    """Return a price, quantity or amount as it is written in a profile: whole, or quoted."""
    return int(value) if value == value.to_integral_value() else format(value.normalize(), "f")


def _figure(value: float) -> str:
    return format(Decimal(repr(value)).normalize(), "f")


def _component(spec: ComponentSpec) -> dict[str, Any]:
    given = {
        "backend": spec.backend,
        "adapter": spec.adapter,
        "python": spec.python,
        "options": spec.options,
        "gateway": None if spec.gateway is None else _given(asdict(spec.gateway)),
    }
    return _given(given)


def _given(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value not in (None, {})}


def _instrument(instrument: Instrument) -> dict[str, Any]:
    data = {
        "id": instrument.id,
        "kind": instrument.kind,
        "currency": instrument.currency,
        "tick": exact(instrument.tick),
        "lot": exact(instrument.lot),
        "multiplier": exact(instrument.multiplier),
    }
    return {key: value.value if hasattr(value, "value") else value for key, value in data.items()}


def _safety(safety: Safety) -> dict[str, Any]:
    data: dict[str, Any] = {
        "allow_live": safety.allow_live,
        "max_order_qty": exact(safety.max_order_qty),
        "max_order_notional": exact(safety.max_order_notional),
        "max_orders": safety.max_orders,
    }
    if safety.max_messages_per_s is not None:
        data["max_messages_per_s"] = safety.max_messages_per_s
    return data


def _phases(profile: Profile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for phase in PhaseId:
        if phase.value not in profile.phases:
            found[phase.value] = None
            continue
        own: dict[str, Any] = {}
        for place, parameters in profile.parameters.items():
            name, _, component = place.partition(".")
            if name == phase.value:
                own[component] = dict(parameters)
        if phase is PhaseId.PERFORMANCE and profile.performance.loads:
            own["loads"] = [_load(level) for level in profile.performance.loads]
            own["thresholds"] = [threshold.text for threshold in profile.performance.thresholds]
        if phase is PhaseId.RISK and profile.limits:
            own["limits"] = {name: _limit(name, value) for name, value in profile.limits.items()}
        found[phase.value] = own
    return found


def _limit(name: str, value: Decimal) -> int | str:
    suffix = _LIMIT_SUFFIX.get(LIMIT_UNITS[name], "")
    return f"{format(value.normalize(), 'f')}{suffix}" if suffix else exact(value)


def _load(level: LoadLevel) -> dict[str, Any]:
    return {
        "name": level.name,
        "market_data": f"{_figure(level.market_data_per_s)}/s",
        "orders": f"{_figure(level.orders_per_s)}/s",
        "duration": f"{_figure(level.duration_s)}s",
        "warmup": f"{_figure(level.warmup_s)}s",
        "arrival": level.arrival,
    }


def _policy(policy: Policy) -> dict[str, Any]:
    data: dict[str, Any] = {
        "validity": f"{policy.validity_days}d",
        "conditional_validity": f"{policy.conditional_validity_days}d",
        "min_assurance": policy.min_assurance.value,
        "min_phase_score": dict(policy.min_phase_score),
        "checks": {name: _override(override) for name, override in policy.checks.items()},
        "waivers": [
            {"check": w.check, "reason": w.reason, "approved_by": w.approved_by, "expires": w.expires}
            for w in policy.waivers
        ],
    }
    return {key: value for key, value in data.items() if value not in ({}, [])}


def _override(override: CheckOverride) -> dict[str, Any]:
    given = {"severity": override.severity, "skip": override.skip, "parameters": override.parameters}
    return {key: value for key, value in given.items() if value not in (None, {})}
