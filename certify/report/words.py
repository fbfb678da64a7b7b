"""The words, signs and figures of a report: one place decides how each value reads."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime

from certify.model.ids import Assurance, ComponentId, Grade, Outcome, PhaseId, StopReason

PHASE_TITLES: dict[PhaseId, str] = {
    PhaseId.FRAMEWORK: "Framework",
    PhaseId.INTEGRATION: "Integration",
    PhaseId.TRADING: "Trading",
    PhaseId.PERFORMANCE: "Performance",
    PhaseId.RISK: "Risk",
    PhaseId.CERTIFICATION: "Certification",
}

PHASE_QUESTIONS: dict[PhaseId, str] = {
    PhaseId.FRAMEWORK: "Does every component start, answer, stop and start again, and is the ground sound?",
    PhaseId.INTEGRATION: "Is the market data that arrives right, and does the link come back after a fault?",
    PhaseId.TRADING: "Do orders, positions, paper trading and going live behave as they must?",
    PhaseId.PERFORMANCE: "How fast, how often wrong and at what cost at each level of load?",
    PhaseId.RISK: "Do limits hold through every door, does the kill switch kill, do alerts arrive?",
    PhaseId.CERTIFICATION: "Is the evidence complete, and may a certificate be issued on it?",
}

COMPONENT_TITLES: dict[ComponentId, str] = {
    ComponentId.MARKET_DATA: "Market data",
    ComponentId.BROKER: "Broker",
    ComponentId.BROKER_FRAMEWORK: "Broker framework",
    ComponentId.EXECUTION: "Execution",
    ComponentId.PAPER_TRADING: "Paper trading",
    ComponentId.RISK: "Risk",
    ComponentId.TRADE_MONITOR: "Trade monitor",
    ComponentId.CERTIFY: "The tool itself",
}

STREAM_TITLES = {"market_data": "market data", "orders": "orders"}

OUTCOME_WORDS: dict[Outcome, tuple[str, str]] = {
    Outcome.PASSED: ("✓", "passed"),
    Outcome.FAILED: ("✗", "failed"),
    Outcome.ERROR: ("!", "error"),
    Outcome.INCONCLUSIVE: ("?", "inconclusive"),
    Outcome.SKIPPED: ("»", "skipped"),
    Outcome.NOT_APPLICABLE: ("–", "not applicable"),
}
"""Outcome → its sign and its words."""

GRADE_WORDS: dict[Grade, tuple[str, str]] = {
    Grade.CERTIFIED: ("✔", "CERTIFIED"),
    Grade.CONDITIONAL: ("▲", "CONDITIONAL"),
    Grade.NOT_CERTIFIED: ("✖", "NOT CERTIFIED"),
    Grade.INCONCLUSIVE: ("◆", "INCONCLUSIVE"),
}
"""Grade → its shape and its words."""

PART_WORDS: dict[Grade, str] = {
    Grade.CERTIFIED: "PASSED IN PART",
    Grade.CONDITIONAL: "CONDITIONAL IN PART",
}
"""The same where only a part of the plan was asked for: no such run certifies anything."""


def grade_words(grade: Grade, *, partial: bool) -> tuple[str, str]:
    """Return the shape and the words of a grade; a part of a plan is never called certified."""
    sign, text = GRADE_WORDS[grade]
    return sign, PART_WORDS.get(grade, text) if partial else text


ASSURANCE_WORDS: dict[Assurance, str] = {
    Assurance.SIMULATED: "Measured in a simulation. It shows nothing about a real market, broker or account.",
    Assurance.PAPER: "Measured on a paper account at a real broker: real connection, no real money.",
    Assurance.LIVE: "Measured on a live account.",
}

STOP_WORDS: dict[StopReason, str] = {
    StopReason.COMPLETED: "The run was completed.",
    StopReason.INTERRUPTED: "The run was interrupted before its end.",
    StopReason.UNAVAILABLE: "The system could not be reached or started.",
    StopReason.BROKEN: "The tool itself broke before the end of the run.",
    StopReason.PARTIAL: "The run was killed: its journal ends without saying why.",
}

UNITS = {"count": "", "ratio": "", "1/s": "/s", "us": "µs", "qty": "", "money": ""}

OPERATORS = {"<=": "≤", ">=": "≥", "==": "="}
"""How an operator is written for people; the others as they are."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?:DF?|DU|[UFI])\d{3,7}(\d{3})(?![A-Za-z0-9])")
_NAMED_ACCOUNT = re.compile(
    r"(?i)\b(account(?:[_ ]?(?:id|no|number))?[\"']?\s*[=:]\s*[\"']?)([A-Z]{0,4}-?\d{2,17})(\d{3})\b"
)
_SECRET = re.compile(
    r"(?i)\b((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s,;&\"'}\])]+)"
)
_URL_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")


def mask(text: str) -> str:
    """Return `text` with account ids cut to their last three digits and secrets replaced.

    `DU1234567` becomes `•••567`, `password=x` becomes `password=•••`.
    """
    text = _ACCOUNT.sub(r"•••\1", text)
    text = _NAMED_ACCOUNT.sub(r"\1•••\3", text)
    text = _SECRET.sub(r"\1•••", text)
    return _URL_LOGIN.sub("•••@", text)


def legible(text: str) -> str:
    """Return `text` with what cannot be printed, or would turn the line around, written as an escape."""
    return "".join(char if _printable(char) else _escape(char) for char in text)


def _printable(char: str) -> bool:
    if char in "\n\t" or (char.isascii() and char.isprintable()):
        return True
    hidden = unicodedata.category(char) in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE
    turning = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" or char in "\u200e\u200f\u061c"
    return not (hidden or turning)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: float) -> str:
    """Return `value` with the digits that carry meaning: `1,920`, `63.1`, `4.07`, `0.000312`."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.1f}".removesuffix(".0") if size < 1000 else f"{value:,.0f}"
    decimals = 1 if size >= 10 else 2 if size >= 1 else 3
    text = f"{value:.{decimals}f}" if size >= 0.1 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "e" not in text else text


def figure(value: float, unit: str) -> str:
    """Return a measured figure with its unit: `63.1 ms`, `2 %`, `1,920/s`."""
    sign = UNITS.get(unit, unit)
    return number(value) + (sign if sign.startswith("/") or not sign else f" {sign}")


def figure_beside(value: float, unit: str, limit: float) -> str:
    """Return a figure that never reads like the limit it differs from: `50.04 ms` beside `50 ms`."""
    same = number(value) == number(limit) and value != limit
    sign = UNITS.get(unit, unit)
    return (
        f"{value:.10g}{sign if sign.startswith('/') or not sign else f' {sign}'}"
        if same
        else figure(value, unit)
    )


def count(how_many: int, one: str, more: str | None = None) -> str:
    """Return `1 check`, `12 checks`, `no checks`."""
    word = one if how_many == 1 else (more or one + "s")
    return f"{how_many:,} {word}" if how_many else f"no {word}"


def listed(words: list[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def took(ms: float) -> str:
    """Return a length of time for a person: `840 ms`, `2.4 s`, `3 min 20 s`."""
    if ms < 1000:
        return f"{round(ms)} ms" if ms >= 10 else f"{number(round(ms, 1))} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def date(text: str | None, missing: str = "none") -> str:
    """Return an ISO time as `31 January 2026, 09:30 UTC`; what is not one is returned as it is."""
    moment = moment_of(text)
    if moment is None:
        return text or missing
    place = f"{MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"
    return f"{moment.day} {place} {moment.tzname() or ''}".rstrip()


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that an ISO text names, `None` when it names none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def short(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text` in one line, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
