"""Planted defects: named ways to break the reference platform, the venue or the gateway, from outside.

None of them knows of it. A defect is a function that takes what is built (`Defect.where` says what)
and breaks it in one way; the checks' cards say which check must turn red.
"""

from __future__ import annotations

from typing import Any

from certify.defects.api import IN_PLATFORM, Defect
from certify.errors import UsageError


def all_defects() -> dict[str, Defect]:
    """Return every planted defect by name."""
    from certify.defects import (
        feed,
        framework,
        gateway_session,
        ib,
        performance,
        risk,
        session,
        tool,
        trading,
    )

    found: dict[str, Defect] = {}
    for module in (framework, feed, session, trading, performance, risk, ib, gateway_session, tool):
        for defect in module.DEFECTS:
            if defect.name in found:
                raise ValueError(f"two defects are named {defect.name}")
            found[defect.name] = defect
    return found


def plant(name: str, platform: Any) -> None:
    """Break a built system in the way that `name` says.

    Raises:
        UsageError: no defect has this name.
    """
    defect = all_defects().get(name)
    if defect is None or defect.where not in IN_PLATFORM:
        raise UsageError(f"unknown defect of a system: {name!r}")
    defect.plant(platform)
