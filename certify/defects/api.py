"""What a planted defect is."""

from __future__ import annotations

from collections.abc import Callable
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
    """Takes the built platform and breaks it by replacing or wrapping parts of it."""


def defect(name: str, text: str) -> Callable[[Callable[[Any], None]], Defect]:
    """Make a `Defect` of a function; used as a decorator."""
    return lambda function: Defect(name, text, function)
