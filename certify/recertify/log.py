"""The log of recertification: what was done and what hooks said, in `logs/recertify.log` of the home."""

from __future__ import annotations

from pathlib import Path

from certify import clock

LOG_FILE = "logs/recertify.log"
LARGEST_BYTES = 2_000_000
"""Beyond it the log is put aside as `recertify.log.1`, in the place of the one before."""


class Log:
    """Appends lines; a log that cannot be written stops nothing."""

    def __init__(self, home: Path) -> None:
        """Write below `home`."""
        self.path = home / LOG_FILE

    def write(self, text: str) -> None:
        """Append a text, every line of it with the time; control characters are written out."""
        at = clock.iso(clock.now_ns())
        lines = "".join(f"{at} {_printable(line)}\n" for line in text.splitlines() or [""])
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > LARGEST_BYTES:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(lines)
        except OSError:
            return


def _printable(line: str) -> str:
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "replace").decode() for sign in line
    )
