"""What the auditor must know before the first event: scope, numbering, session, limits of form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify.phases.tape.session import Session, parse_session
from certify.phases.tape.units import duration_ns, one_of, percent

SCOPES = ("venue", "nbbo")
SEQUENCES = ("auto", "contiguous", "shared", "none")
SEQUENCE_SCOPES = ("auto", "feed", "instrument", "stream")

DEFAULTS: dict[str, str] = {
    "scope": "venue",
    "sequence": "auto",
    "sequence_scope": "auto",
    "session": "",
    "stub_spread": "10%",
    "max_stale": "60s",
    "outside_tolerance": "10%",
}
"""Parameters that shape the audit itself, with their defaults as a profile writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeSettings:
    """How a tape is to be read; limits that are only compared at the end belong to the judges."""

    scope: str = "venue"
    """`venue`: each (instrument, venue) is a book of its own. `nbbo`: the rows of all venues make one
    market, so best bid and ask are taken over the venues."""
    sequence: str = "auto"
    """`contiguous`: every number arrives. `shared`: other messages take numbers in between. `none`."""
    sequence_scope: str = "auto"
    """What one numbering runs over: the `feed`, an `instrument`, or a `stream` (kind and instrument)."""
    session: Session | None = None
    stub_spread: Decimal = Decimal("0.10")
    """A quote wider than this share of its mid is a placeholder, no price."""
    stub_low: Decimal = Decimal("0.01")
    """A bid at or below, under an ask ten times higher, is a placeholder (classic stub: 0.01 × 99,999)."""
    stub_high: Decimal = Decimal(99999)
    max_stale_ns: int = 60 * 10**9
    stale_factor: int = 50
    """… and the silence is this many times the instrument's usual distance between events."""
    outside_tolerance: Decimal = Decimal("0.10")
    ticks: Mapping[str, Decimal] = field(default_factory=dict)
    """Instrument → smallest price step, where known."""
    expected: tuple[str, ...] = ()
    """Instruments that must tick; one that never does is dark."""


def settings_from(
    options: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    ticks: Mapping[str, Decimal] | None = None,
    expected: tuple[str, ...] = (),
) -> TapeSettings:
    """Return the settings of a component's options and a check's parameters.

    A parameter that differs from its default wins over the option of the same name.

    Raises:
        UsageError: a value is not of its kind.
    """
    text = {name: _chosen(name, options, parameters) for name in DEFAULTS}
    return TapeSettings(
        scope=one_of(text["scope"], SCOPES, "scope"),
        sequence=one_of(text["sequence"], SEQUENCES, "sequence"),
        sequence_scope=one_of(text["sequence_scope"], SEQUENCE_SCOPES, "sequence_scope"),
        session=parse_session(text["session"]),
        stub_spread=_share(text, "stub_spread"),
        max_stale_ns=duration_ns(text["max_stale"], "max_stale"),
        outside_tolerance=_share(text, "outside_tolerance"),
        ticks=dict(ticks or {}),
        expected=expected,
    )


def _share(text: Mapping[str, str], name: str) -> Decimal:
    return Decimal(str(percent(text[name], name))) / 100


def _chosen(name: str, options: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    """Return the parameter when the profile set it, else the option, else the default."""
    given = parameters.get(name, DEFAULTS[name])
    if given != DEFAULTS[name] or name not in options:
        return given
    option = options[name]
    if isinstance(option, Mapping):  # session: {open, close, time_zone}
        return f"{option.get('open')}-{option.get('close')} {option.get('time_zone')}"
    return str(option)
