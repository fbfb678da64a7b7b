"""Defects that the checks of the phase `risk` must find."""

from __future__ import annotations

from certify.defects import risk_alerts, risk_kill, risk_limits
from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = (*risk_limits.DEFECTS, *risk_kill.DEFECTS, *risk_alerts.DEFECTS)
