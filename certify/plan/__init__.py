"""Profile, catalogue and what the system says of itself → the plan of a run.

Skips are decided here, with their reasons; a plan does not change while it runs.
"""

from __future__ import annotations

from certify.plan.backends import backend_plans
from certify.plan.facts import SystemFacts, assurance_of
from certify.plan.make import make_plan
from certify.plan.model import BackendPlan, GatewayPlan, Plan, PlannedCheck, plan_bytes, plan_digest
from certify.plan.prints import planned_fingerprint, with_installed

__all__ = [
    "BackendPlan",
    "GatewayPlan",
    "Plan",
    "PlannedCheck",
    "SystemFacts",
    "assurance_of",
    "backend_plans",
    "make_plan",
    "plan_bytes",
    "plan_digest",
    "planned_fingerprint",
    "with_installed",
]
