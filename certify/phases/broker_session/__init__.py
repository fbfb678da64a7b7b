"""A broker's session against a simulated gateway: what the system says, held against what the gateway knows.

Every check here commands the gateway behind the system (`certify.phases.gateway`) and looks through
the adapter contract only, so that it holds for any system that is connected to it.
"""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.broker_session import (
    answers,
    feed_data,
    feed_lines,
    feed_links,
    fills,
    identity,
    links,
    others,
    recovery,
)

INTEGRATION: tuple[Check, ...] = (
    *feed_data.CHECKS,
    *feed_lines.CHECKS,
    *feed_links.CHECKS,
    *identity.CHECKS,
    *links.INTEGRATION,
)
"""Of the phase `integration`, in the order in which they run."""

TRADING: tuple[Check, ...] = (
    *answers.CHECKS,
    *fills.CHECKS,
    *recovery.CHECKS,
    *others.CHECKS,
    *fills.MONITORING,
    *links.MONITORING,
)
"""Of the phase `trading`, in the order in which they run."""

CHECKS: tuple[Check, ...] = (*INTEGRATION, *TRADING)
