"""The plan as frozen values: everything that a run needs, and the bytes that identify it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify.model import codec
from certify.model.ids import ComponentId, Outcome, PhaseId, Severity
from certify.model.judgement import VerdictPolicy
from certify.model.results import ProfileRef, Scope, Subject
from certify.model.trading import Instrument
from certify.profile.model import Performance, Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan:
    """The Interactive Brokers gateway behind a backend; never where it listens, which is not known yet."""

    kind: str
    """`embedded`: the tool runs a simulated one; `external`: the profile says where one listens."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of an embedded one: `account`, `script`, `max_version`, where the profile says so."""

    @property
    def embedded(self) -> bool:
        """Whether the tool runs it."""
        return self.kind == "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendPlan:
    """One process with a system under certification in it."""

    key: str
    """Short name, unique in the plan: `mock`, `python`, `python-2`."""
    backend: str
    ports: tuple[str, ...]
    """The components that this process answers for."""
    adapter: str
    """`module:function` or `path.py:function` that makes the system."""
    adapter_digest: str = ""
    """`sha256:…` of the adapter's file, wherever it lies; empty where the adapter is named by its module."""
    python: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    gateway: GatewayPlan | None = None
    """The gateway that the system connects to; `None`: nothing is known of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCheck:
    """One check of the plan, to be run or already decided."""

    id: str
    title: str
    phase: PhaseId
    component: ComponentId
    severity: Severity
    parameters: dict[str, str] = field(default_factory=dict)
    decided: Outcome | None = None
    """`skipped` or `not_applicable` where the plan already knows; `None`: it is run."""
    reason: str = ""
    waived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run needs, by value."""

    schema: str = "certify/plan/1"
    profile: ProfileRef
    subject: Subject
    seed: int
    mode: str
    scope: Scope
    backends: tuple[BackendPlan, ...]
    instruments: tuple[Instrument, ...]
    checks: tuple[PlannedCheck, ...]
    performance: Performance
    safety: Safety
    limits: dict[str, Decimal] = field(default_factory=dict)
    policy: VerdictPolicy = VerdictPolicy()
    partial_selection: bool = False


def plan_bytes(plan: Plan) -> bytes:
    """Return the plan as the bytes of `plan.json`: sorted keys, two spaces, UTF-8."""
    data = codec.encode(plan, tag=False)
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def plan_digest(plan: Plan) -> str:
    """Return `sha256:…` of the plan's bytes: its identity."""
    return "sha256:" + hashlib.sha256(plan_bytes(plan)).hexdigest()
