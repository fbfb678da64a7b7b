"""Every defect of a client of Interactive Brokers, on its side of the socket."""

from __future__ import annotations

from certify.defects import ib_feed, ib_fills, ib_orders, ib_recovery, ib_session
from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = (
    *ib_feed.DEFECTS,
    *ib_session.DEFECTS,
    *ib_orders.DEFECTS,
    *ib_fills.DEFECTS,
    *ib_recovery.DEFECTS,
)
