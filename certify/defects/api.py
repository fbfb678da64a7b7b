"""What a planted defect is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to break a healthy system."""

    name: str
    """Snake case, unique: what goes wrong, as `cancel_ignored`."""
    text: str
    """What goes wrong, in one sentence."""
    plant: Callable[[Any], None]
    """Takes what `where` says and breaks it by replacing or wrapping parts of it."""
    where: str = "system"
    """What it is planted in, and so which profiles can carry it.

    `system`: any reference platform, over whatever connection; `venue`: a platform with the venue in its
    own process (backend mock); `ib`: the platform behind a gateway (backend ibkr), its client's side;
    `gateway`: the simulated gateway, on its loop; `tool`: the launched bench, before a run begins.
    """


IN_PLATFORM = ("system", "venue", "ib")
"""Kinds that are planted in the built platform, in its own process."""


def defect(name: str, text: str, *, where: str = "system") -> Callable[[Callable[[Any], None]], Defect]:
    """Make a `Defect` of a function; used as a decorator."""
    return lambda function: Defect(name, text, function, where)


def rewrite_events(platform: Any, rewrite: Callable[[Any], Iterable[Any]]) -> None:
    """Let `rewrite` say what becomes of each event that a platform emits: none, one or more."""
    emit = platform.kernel.emit

    def emit_rewritten(event: Any) -> None:
        for item in rewrite(event):
            emit(item)

    platform.kernel.emit = emit_rewritten


def every(number: int) -> Callable[[], bool]:
    """Return a function that is true at each `number`-th call."""
    counter = itertools.count(1)
    return lambda: next(counter) % number == 0
