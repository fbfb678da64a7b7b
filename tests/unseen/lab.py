"""The systems of this directory with their profiles, and how one of them is certified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STOCKS = [
    {"id": "AAPL.NASDAQ", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": 1},
    {"id": "MSFT.NASDAQ", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": 1},
]
SAFETY = {"max_order_qty": 5000, "max_order_notional": 50000000, "max_orders": 100000}
ORDERS = ("market_data", "execution")


@dataclass(frozen=True)
class System:
    """One healthy system: its adapter, its ports, its instruments."""

    adapter: str
    ports: tuple[str, ...] = ORDERS
    instruments: list[dict[str, Any]] = field(default_factory=lambda: STOCKS)
    limits: dict[str, Any] = field(default_factory=dict)
    elsewhere: bool = False
    """Whether it lives in another interpreter than certify's."""


FUTURES = [
    {"id": f"{name}.CME", "kind": "FUT", "currency": "USD", "tick": "0.25", "lot": 1, "multiplier": 50}
    for name in ("ESZ6", "ESH7")
]
COINS = [
    {"id": "XRPEUR.HOUSE", "kind": "CRYPTO", "currency": "EUR", "tick": "0.00001", "lot": "0.001"},
    {"id": "ADAEUR.HOUSE", "kind": "CRYPTO", "currency": "EUR", "tick": "0.00001", "lot": "0.001"},
]
HOUSE_LIMITS = {
    "max_order_qty": 400,
    "max_order_notional": 2000,
    "max_position_qty": 900,
    "max_position_notional": 4000,
    "max_open_orders": 50,
    "max_order_rate": "60/s",
    "max_daily_loss": 500,
    "price_band": "5%",
}
OTHERS = ("python3.13", "python3.12", "python3.10", "python3.9", "python3.8")


def another_interpreter() -> str | None:
    """Return an interpreter that is not this one, if the machine has any that works."""
    versions = Path.home() / ".pyenv" / "versions"
    found = [shutil.which(name) for name in OTHERS]
    found += [str(next(versions.glob(f"{name[6:]}.*/bin/python"), "")) for name in OTHERS]
    for place in filter(None, found):
        answer = subprocess.run([place, "-c", "import sqlite3"], check=False, capture_output=True)
        if answer.returncode == 0:
            return place
    return None


SEVEN = ("market_data", "broker", "execution", "paper_trading", "broker_framework", "risk", "trade_monitor")
SYSTEMS: dict[str, System] = {
    "swift": System("swift.py"),
    "ringer": System("ringer.py"),
    "kiosk": System("kiosk.py"),
    "floor": System("floor.py", ("market_data", "broker", "execution", "risk"), FUTURES),
    "house": System("house.py", SEVEN, COINS, HOUSE_LIMITS),
    "keeper": System(
        "keeper.py", ("market_data", "execution", "risk"), STOCKS, {"max_order_qty": 300}, elsewhere=True
    ),
}


def profile(name: str, *, mode: str, mutant: str = "", load: bool = True) -> dict[str, Any]:
    """Return the profile of a system, whole or with one of its mutants in its place."""
    system = SYSTEMS[name]
    adapter = HERE / ("mutants.py" if mutant else f"systems/{system.adapter}")
    whole: dict[str, Any] = {
        "version": 1,
        "name": f"{name}-{mutant}" if mutant else name,
        "subject": {"name": name, "version": "1", "paths": [str(HERE)]},
        "components": {
            port: {
                "backend": "python",
                "adapter": f"{adapter}:create",
                **_interpreter(system),
                **_options(name, mutant),
            }
            for port in system.ports
        },
        "instruments": system.instruments,
        "mode": mode,
        "safety": SAFETY,
        "phases": {"performance": _load() if load else None, "risk": {"limits": system.limits}},
    }
    return whole


def _interpreter(system: System) -> dict[str, Any]:
    place = another_interpreter() if system.elsewhere else None
    return {"python": place} if place else {}


def _options(name: str, mutant: str) -> dict[str, Any]:
    return {"options": {"system": name, "mutant": mutant}} if mutant else {}


def _load() -> dict[str, Any]:
    level = {"name": "light", "market_data": "10/s", "orders": "20/s", "duration": "3s", "warmup": "500ms"}
    return {"loads": [level], "thresholds": ["orders.latency.p50 < 200ms", "orders.error_rate < 2%"]}


def certify(
    name: str,
    out: Path,
    *,
    mode: str = "standard",
    mutant: str = "",
    load: bool = True,
    phases: Sequence[str] = (),
    checks: Sequence[str] = (),
) -> dict[str, Any]:
    """Certify one system and return its `result.json`; an empty one when there was none."""
    out.mkdir(parents=True, exist_ok=True)
    place = out / "profile.yaml"
    place.write_text(json.dumps(profile(name, mode=mode, mutant=mutant, load=load)), encoding="utf-8")
    return run(place, out, phases=phases, checks=checks)


def run(place: Path, out: Path, *, phases: Sequence[str] = (), checks: Sequence[str] = ()) -> dict[str, Any]:
    """Certify what a profile names and return its `result.json`; an empty one when there was none."""
    command = [sys.executable, "-c", "from certify.cli import main; main()", "run", "--profile", str(place)]
    command += ["--progress", "plain", "--out", str(out)]
    for phase in phases:
        command += ["--phase", phase]
    for check in checks:
        command += ["--check", check]
    with (out / "talk.txt").open("w", encoding="utf-8") as talk:
        subprocess.run(
            command,
            stdout=talk,
            stderr=talk,
            timeout=900,
            check=False,
            cwd=out,
            env={**os.environ, "NO_COLOR": "1"},
        )
    found = sorted(out.glob("**/result.json"))
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else {}


def outcomes(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each check of a result by its id."""
    return {check["id"]: check for phase in result.get("phases", ()) for check in phase["checks"]}
