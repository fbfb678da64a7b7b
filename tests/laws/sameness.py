"""What two runs with the same seed and profile must have in common: all but times and measured values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from certify.model import codec
from certify.model.events import (
    CheckFinished,
    CheckStarted,
    CommandSent,
    Event,
    LoadFinished,
    LoadProgress,
    Note,
    Observed,
)
from certify.model.trading import Alert

TIMES = {"at_ns", "took_ms", "pid", "ts_event_ns", "ts_recv_ns", "raised_at_ns", "run_id", "plan_digest"}
VENUES_OWN = {"broker_order_id", "exec_id", "exec_ref_id"}
"""Counted by the venue over its own market makers too, whose orders follow the clock."""
MEASURED = {"measurements", "environment", "subject", "value"}
TAPE = ("market_data.", "performance.", "certify.")
"""Families of checks whose words count what came in a stretch of time."""
FOLLOW_THE_MARKET = {"risk.max_order_rate_recovers", "risk.cancels_never_throttled", "risk.kill_cancels_all"}
"""Checks that price orders by a market which moves on by the clock while they wait."""
DURATION = re.compile(r"[0-9][0-9.,]* (ms|s)\b")
FIGURE = re.compile(r"[0-9][0-9.,]*")


def comparable(events: Iterable[Event]) -> list[str]:
    """Return a journal without what the clock decides."""
    check, found = "", []
    for event in _without_reminders(events):
        check = event.id if isinstance(event, CheckStarted) else check
        bare = _bare(codec.encode(event))
        follows = check in FOLLOW_THE_MARKET and isinstance(event, CommandSent | Observed)
        found.append(FIGURE.sub("#", json.dumps(bare)) if follows else json.dumps(bare))
    return found


def _without_reminders(events: Iterable[Event]) -> Iterator[Event]:
    """Leave out loads, and what an alert only repeats: how often it may is a matter of time."""
    raised = set()
    for event in events:
        if isinstance(event, LoadProgress | LoadFinished):
            continue
        if isinstance(event, Observed) and isinstance(event.event, Alert):
            said = (event.event.id, event.event.state)
            if said in raised:
                continue
            raised.add(said)
        yield event


def _bare(data: Any) -> Any:
    if isinstance(data, list):
        return [_bare(item) for item in data if not _reminder(item)]
    if not isinstance(data, dict):
        return data
    bare = {key: _bare(value) for key, value in data.items() if key not in TIMES | VENUES_OWN | MEASURED}
    kind = data.get(codec.TAG)
    if kind == CheckFinished.__name__ and data["id"].startswith(TAPE):
        bare["message"] = FIGURE.sub("#", data["message"])
    if kind == CheckFinished.__name__:
        bare["message"] = DURATION.sub("#", bare["message"])
    if kind == Note.__name__:
        bare["text"] = FIGURE.sub("#", data["text"])
    return bare


def _reminder(item: Any) -> bool:
    return isinstance(item, dict) and str(item.get("note", "")).startswith("again: ")
