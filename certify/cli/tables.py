"""Tables of plans and cards for the terminal."""

from __future__ import annotations

from typing import TextIO

from certify.plan import Plan


def plan_table(plan: Plan, out: TextIO) -> None:
    """Write one line for each check of a plan, with the reason where it is not run."""
    for check in plan.checks:
        decided = f"{check.decided.value}: {check.reason}" if check.decided else "run"
        out.write(f"{check.phase.value:<14} {check.severity.value:<9} {check.id:<36} {decided}\n")
