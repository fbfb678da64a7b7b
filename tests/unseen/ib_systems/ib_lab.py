"""The systems over the TWS API with their profiles: certified over a simulated gateway that the tool runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BOT = ROOT / "examples" / "ib_insync_bot"
sys.path.insert(0, str(HERE.parent))

import lab  # noqa: E402

SYSTEMS = {
    "bot": (HERE / "bot_system.py", ("market_data", "broker", "execution", "broker_framework")),
    "mill": (HERE / "mill.py", ("market_data", "broker", "execution")),
    "warden": (HERE / "warden.py", ("market_data", "execution", "risk", "trade_monitor")),
}
SAFETY = {
    "max_order_qty": 5000,
    "max_order_notional": 5000000,
    "max_orders": 100000,
    "max_messages_per_s": 45,
}
LIMITS = {"max_order_qty": 400, "max_order_notional": 80000, "max_position_qty": 900, "price_band": "4%"}


def profile(name: str, mutant: str = "", mode: str = "standard") -> dict[str, Any]:
    """Return the profile of a system, whole or with one of its mutants in its place."""
    adapter, ports = SYSTEMS[name]
    place = HERE / "ib_mutants.py" if mutant else adapter
    component: dict[str, Any] = {"backend": "python", "adapter": f"{place}:create", "gateway": "embedded"}
    if mutant:
        component["options"] = {"mutant": mutant}
    return {
        "version": 1,
        "name": f"{name}-{mutant}" if mutant else name,
        "subject": {"name": name, "version": "1", "paths": [str(HERE), str(BOT)]},
        "components": dict.fromkeys(ports, component),
        "instruments": lab.STOCKS,
        "mode": mode,
        "safety": SAFETY,
        "phases": {"performance": None, "risk": {"limits": LIMITS if "risk" in ports else {}}},
    }


def certify(
    name: str, out: Path, *, mutant: str = "", phases: Sequence[str] = (), checks: Sequence[str] = ()
) -> dict[str, Any]:
    """Certify one system and return its `result.json`; an empty one when there was none."""
    out.mkdir(parents=True, exist_ok=True)
    place = out / "profile.yaml"
    place.write_text(json.dumps(profile(name, mutant)), encoding="utf-8")
    return lab.run(place, out, phases=phases, checks=checks)
