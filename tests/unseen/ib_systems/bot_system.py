"""The bot of `examples/ib_insync_bot`, certified from elsewhere than its own directory."""

import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "examples", "ib_insync_bot")
)

from adapter import create

__all__ = ["create"]
