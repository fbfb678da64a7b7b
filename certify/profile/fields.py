"""The keys of a profile: one table that both the loader and the JSON Schema are made of."""

from __future__ import annotations

from collections.abc import Mapping

from certify.adapter.contract import PORTS
from certify.model.ids import Assurance, ComponentId, Mode, PhaseId, Severity
from certify.model.trading import LIMIT_UNITS
from certify.profile.kinds import (
    AGE,
    ANY_TEXT,
    BOOLEAN,
    DATE,
    DURATION,
    INSTRUMENT,
    NAME,
    PERCENT,
    RATE,
    TEXT,
    choice,
    exact,
    like,
    number,
    whole,
)
from certify.profile.shapes import Data, ListOf, MapOf, OneOrMany, Record, Shape, Values
from certify.profile.thresholds import THRESHOLD
from certify.profile.vocabulary import Vocabulary
from certify.profile.yaml import Node, Scalar

BACKENDS = ("mock", "python", "replay", "ibkr")
GATEWAY_KINDS = ("embedded",)
OLDEST_SERVER, NEWEST_SERVER = 157, 178
"""Server versions that the simulated gateway speaks."""


class _Gateway:
    """`embedded`, or a mapping that says more of it; read as the mapping's values."""

    _kind = choice("gateway", GATEWAY_KINDS)
    _record = Record(
        "gateway",
        {
            "kind": _kind,
            "account": TEXT,
            "script": TEXT,
            "max_version": whole(OLDEST_SERVER, NEWEST_SERVER),
        },
    )

    def read(self, node: Node) -> Values:
        """Return the values, `kind` always among them."""
        if isinstance(node, Scalar):
            return Values(node.mark, {"kind": self._kind.read(node)})
        values: Values = self._record.read(node)
        values.data.setdefault("kind", GATEWAY_KINDS[0])
        return values

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of a word or a mapping."""
        return {"anyOf": [self._kind.schema(), self._record.schema()]}


GATEWAY = _Gateway()
BACKEND_KEYS: Mapping[str, Mapping[str, Shape]] = {
    "ibkr": {
        "host": TEXT,
        "port": whole(1, 65535),
        "client_id": whole(),
        "account": TEXT,
        "paper_account": TEXT,
        "gateway": GATEWAY,
    },
    "python": {"gateway": GATEWAY},
}
"""Backend → keys of its own; all but `gateway` become options."""
ARRIVALS = ("constant", "poisson", "ramp", "spike")
HOOKS = ("pre", "certified", "failed", "expiring")
MAX_VALIDITY_DAYS = 365

_LIMIT_KINDS: Mapping[str, Shape] = {
    "qty": exact("a quantity", above_zero=True),
    "money": exact("an amount of money", above_zero=True),
    "orders": whole(1),
    "1/s": RATE,
    "%": PERCENT,
}

SUBJECT = Record("subject", {"name": TEXT, "version": TEXT, "paths": OneOrMany("paths", TEXT)})
SAFETY = Record(
    "safety",
    {
        "allow_live": BOOLEAN,
        "max_order_qty": exact("a quantity", above_zero=True),
        "max_order_notional": exact("an amount of money", above_zero=True),
        "max_orders": whole(1),
        "max_messages_per_s": number(0.001),
    },
)
INSTRUMENT_RECORD = Record(
    "an instrument",
    {
        "id": INSTRUMENT,
        "kind": NAME,
        "currency": NAME,
        "tick": exact("a price step", above_zero=True),
        "lot": exact("a quantity step", above_zero=True),
        "multiplier": exact("a multiplier", above_zero=True),
    },
    required=("id",),
)
LOAD = Record(
    "a load level",
    {
        "name": NAME,
        "duration": DURATION,
        "warmup": DURATION,
        "market_data": RATE,
        "orders": RATE,
        "arrival": choice("arrival", ARRIVALS),
    },
    required=("name", "duration"),
)
LIMITS = Record("limits", {name: _LIMIT_KINDS[unit] for name, unit in LIMIT_UNITS.items()})
WAIVER = Record(
    "a waiver",
    {"check": TEXT, "reason": TEXT, "approved_by": TEXT, "expires": DATE},
    required=("check", "reason", "approved_by", "expires"),
)
WAIVERS = ListOf("waivers", WAIVER)
_EXTRA_PHASE_KEYS: Mapping[str, Mapping[str, Shape]] = {
    PhaseId.PERFORMANCE: {"loads": ListOf("loads", LOAD), "thresholds": ListOf("thresholds", THRESHOLD)},
    PhaseId.RISK: {"limits": LIMITS},
}
PHASE_KEYS = frozenset(name for keys in _EXTRA_PHASE_KEYS.values() for name in keys)
"""Keys of a phase that are not components."""


class _WaiversOrFile:
    """A list of waivers; the loader has already put the content of a file in its place."""

    read = staticmethod(WAIVERS.read)

    @staticmethod
    def schema() -> dict[str, object]:
        """Return the JSON Schema of a list or the path of a file."""
        return {"anyOf": [WAIVERS.schema(), {"type": "string", "minLength": 1}]}


def component_record(backend: str | None = None) -> Record:
    """Return the keys of a component; without a backend, those of every backend together."""
    common: dict[str, Shape] = {
        "backend": choice("backend", BACKENDS),
        "adapter": TEXT,
        "python": TEXT,
        "options": Data("options"),
        "skip": TEXT,
    }
    for name, keys in BACKEND_KEYS.items():
        if backend in (None, name):
            common.update(keys)
    return Record(f"a component with backend {backend}" if backend else "a component", common)


def backend_keys() -> dict[str, Shape]:
    """Return the keys of every backend together."""
    return {name: shape for keys in BACKEND_KEYS.values() for name, shape in keys.items()}


def _parameters(defaults: Mapping[str, str] | None, what: str) -> Shape:
    """Return the shape of a check's parameters; unknown ones are refused where the catalogue is known."""
    if defaults is None:
        return MapOf(what, ANY_TEXT)
    return Record(what, {name: like(default) for name, default in defaults.items()})


def _phase(phase: PhaseId, known: Vocabulary | None) -> Record:
    fields: dict[str, Shape] = {}
    for component in ComponentId:
        place = f"{phase}.{component}"
        defaults = None if known is None else known.parameters.get(place, {})
        fields[component] = _parameters(defaults, f"phases.{place}")
    return Record(f"phases.{phase}", {**_EXTRA_PHASE_KEYS.get(phase, {}), **fields})


def _override(defaults: Mapping[str, str] | None) -> Record:
    severities = choice("severity", tuple(Severity))
    parameters = _parameters(defaults, "parameters")
    return Record("a check", {"severity": severities, "skip": TEXT, "parameters": parameters})


def _checks(known: Vocabulary | None) -> Shape:
    if known is None:
        return MapOf("checks", _override(None))
    return Record("checks", {name: _override(defaults) for name, defaults in known.checks.items()})


def _policy(known: Vocabulary | None) -> Record:
    return Record(
        "policy",
        {
            "validity": DURATION,
            "conditional_validity": DURATION,
            "retention": AGE,
            "min_assurance": choice("assurance", tuple(Assurance)),
            "min_phase_score": Record("min_phase_score", {phase: number(0, 100) for phase in PhaseId}),
            "checks": _checks(known),
            "waivers": _WaiversOrFile(),
        },
    )


def profile_record(known: Vocabulary | None) -> Record:
    """Return the keys of a whole profile; the names of checks and parameters are held to `known`."""
    return Record(
        "the profile",
        {
            "version": whole(1, 1),
            "name": NAME,
            "extends": OneOrMany("extends", TEXT),
            "subject": SUBJECT,
            "backend": choice("backend", BACKENDS),
            "adapter": TEXT,
            "python": TEXT,
            "options": Data("options"),
            **backend_keys(),
            "components": Record("components", dict.fromkeys(PORTS, component_record())),
            "instruments": ListOf("instruments", INSTRUMENT_RECORD),
            "mode": choice("mode", tuple(Mode)),
            "seed": whole(0, 2**63 - 1),
            "safety": SAFETY,
            "phases": Record("phases", {phase: _phase(phase, known) for phase in PhaseId}),
            "policy": _policy(known),
            "hooks": Record("hooks", dict.fromkeys(HOOKS, TEXT)),
            "notify": OneOrMany("notify", TEXT),
            "ping": TEXT,
        },
    )
