"""Recorded quotes and trades as a market data system: `backend: replay`."""

from __future__ import annotations

from certify.adapter.contract import Context
from certify.backends.replay.feed import RecordedSystem, make_system
from certify.backends.replay.options import read_options


def create(ctx: Context) -> RecordedSystem:
    """Return the system that plays the recording of `ctx.config`.

    Raises:
        UsageError: the options, a file or its columns are not what they must be.
    """
    return make_system(read_options(ctx.config), ctx.config, ctx.emit, ctx.log)
