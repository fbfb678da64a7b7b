"""Today's fingerprint of what a profile names, without starting any system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from certify.model.fingerprint import Fingerprint, SystemPrint
from certify.model.results import ProfileRef, Subject
from certify.plan import BackendPlan, planned_fingerprint, with_installed
from certify.profile.model import Profile
from certify.recertify.installed import ask_interpreter

Ask = Callable[[str | None], dict[str, str]]
GONE = "no interpreter"


def fingerprint_today(
    profile: Profile,
    subject: Subject,
    backends: Sequence[BackendPlan],
    gateways: Mapping[str, str],
    ask: Ask = ask_interpreter,
) -> Fingerprint:
    """Return what would be certified today; what only a running system could tell is `None`.

    Args:
        profile: what is certified.
        subject: its source, as it is now.
        backends: the processes that the profile asks for.
        gateways: key of a backend → what its gateway said of itself, where one was asked.
        ask: returns what an interpreter tells of itself; nothing when it is not there.
    """
    known = planned_fingerprint(
        subject=subject,
        profile=ProfileRef(name=profile.name, digest=profile.digest),
        limits=profile.limits,
        backends=backends,
    )
    systems = {}
    for backend in backends:
        found = _with_interpreter(known.systems[backend.key], ask(backend.python))
        systems[backend.key] = replace(found, gateway=gateways.get(backend.key, found.gateway))
    return replace(known, systems=systems)


def _with_interpreter(known: SystemPrint, told: Mapping[str, str]) -> SystemPrint:
    if not told:
        return replace(known, interpreter=GONE)
    return with_installed(known, told)
