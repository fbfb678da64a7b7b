"""Defects that the checks of the phase `trading` must find."""

from __future__ import annotations

from certify.defects import (
    trading_accounts,
    trading_changes,
    trading_orders,
    trading_paper,
    trading_recovery,
    trading_reports,
)
from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = (
    *trading_orders.DEFECTS,
    *trading_changes.DEFECTS,
    *trading_reports.DEFECTS,
    *trading_accounts.DEFECTS,
    *trading_recovery.DEFECTS,
    *trading_paper.DEFECTS,
)
