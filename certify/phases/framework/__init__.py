"""Does every component start, answer, stop and start again; is the ground under the certificate sound?"""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.framework import answers, ground, lifecycle

CHECKS: tuple[Check, ...] = (*ground.CHECKS, *answers.CHECKS, *lifecycle.CHECKS)
"""In the order in which they run."""
