"""How long each check of a plan will probably take: as in the last run of the profile, else a guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from certify.model.ids import PhaseId
from certify.plan import Plan
from certify.store.runs import RunStore

GUESS_MS = 350.0
"""Of a check of which nothing is known."""


def expected_ms(plan: Plan, store: RunStore) -> dict[str, float]:
    """Return check → milliseconds; decided checks take none."""
    known = _last_run(plan, store)
    wanted = [check for check in plan.checks if check.decided is None]
    times = {check.id: known.get(check.id, GUESS_MS) for check in wanted}
    load_ms = 1000 * sum(level.duration_s + level.warmup_s for level in plan.performance.loads)
    first = next((check.id for check in wanted if check.phase is PhaseId.PERFORMANCE), None)
    if first is not None and first not in known:
        times[first] += load_ms
    return times


def _last_run(plan: Plan, store: RunStore) -> dict[str, float]:
    for run_dir in reversed(store.all()[-20:]):
        found = _result(run_dir)
        if found.get("profile", {}).get("digest") == plan.profile.digest and found.get("stop") == "completed":
            return {c["id"]: float(c["took_ms"]) for p in found["phases"] for c in p["checks"]}
    return {}


def _result(run_dir: Path) -> dict[str, Any]:
    """Return a result without holding it to anything: only a display hangs on it."""
    try:
        found = json.loads((run_dir / "result.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
