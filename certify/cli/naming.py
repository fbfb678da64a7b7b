"""Names made from what a person gave."""

from __future__ import annotations

import re
from pathlib import Path


def profile_name(directory: Path) -> str:
    """Return a profile's name made from a directory's: lower case, digits and dashes."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-")
    return name if name[:1].isalpha() else f"system-{name}".rstrip("-")
