"""Text from a system, made harmless for a terminal or a log."""

from __future__ import annotations

from certify.report.words import legible, mask


def one_line(text: str) -> str:
    """Return `text` on one line, with control characters written as escapes."""
    return legible(" ".join(text.split(None)))


def clean(text: str) -> str:
    """Return `text` with account ids and secrets masked and control characters written as escapes."""
    return legible(mask(text))


def clock_text(seconds: float) -> str:
    """Return a length of time as `0:07`, `2:05`, `1:02:05`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
