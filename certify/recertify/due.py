"""Which certificates are to be renewed now, and why."""

from __future__ import annotations

from fractions import Fraction

from certify.errors import UsageError
from certify.recertify.standing import Standing, State
from certify.recertify.state import Attempt


def why_renew(standing: Standing, last: Attempt | None, *, force: bool = False) -> str:
    """Return why a certificate is to be renewed now; empty when it is not.

    One that a person has revoked is renewed only by force: a machine must not undo that.
    """
    if force:
        return "asked for by --force"
    if standing.state is State.REVOKED:
        return ""
    if not standing.state.acceptable or standing.state is State.DUE:
        return f"{standing.state}: {standing.reason}" if standing.reason else str(standing.state)
    if last is not None and last.failed:
        return f"failed last time: {last.text}"
    return ""


def why_not(standing: Standing) -> str:
    """Return why a certificate is left alone."""
    if standing.state is State.REVOKED:
        return "revoked: renewed only by --force or `certify run`"
    return f"{standing.state}, due from {standing.renew_at}"


def share(text: str) -> Fraction:
    """Return a share of a life as `1/3`, `0.25` or `30%`.

    Raises:
        UsageError: it is none, or not between 0 and 1.
    """
    try:
        found = Fraction(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        found = Fraction(-1)
    if not 0 <= found <= 1:
        raise UsageError(f"--within: expected a share as 1/3, 0.25 or 30%, was {text!r}")
    return found
