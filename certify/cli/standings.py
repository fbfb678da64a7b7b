"""Every certificate of a home as it stands today: verified, and held against what is there now."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from certify import clock
from certify.attest.here import rules_here
from certify.attest.verify import Verification, verify
from certify.cli.external import gateway_versions
from certify.cli.pipeline import load
from certify.cli.request import Selection, read_request
from certify.errors import EvidenceError, UsageError
from certify.evidence.files import CERTIFICATE_FILE, PLAN_FILE
from certify.model import codec
from certify.model.fingerprint import Fingerprint
from certify.plan import backend_plans
from certify.profile.subject import subject_of
from certify.recertify.standing import WITHIN, Known, Standing, Today, survey
from certify.recertify.today import fingerprint_today
from certify.store.runs import RunStore


def standings(
    store: RunStore, *, within: Fraction = WITHIN, trust: Path | None = None, directory: Path | None = None
) -> tuple[Standing, ...]:
    """Return how every certificate of a home stands now; nothing where there is none.

    `directory`: what is certified lies here, not where the certificates were made.

    Raises:
        AttestationError: there are certificates, and nobody is trusted.
    """
    runs = [run for run in store.all() if (run / CERTIFICATE_FILE).is_file()]
    if not runs:
        return ()
    rules, at_ns = rules_here(store.home, trust=trust), clock.now_ns()
    known = [_known(run, verify(run / CERTIFICATE_FILE, at_ns=at_ns, rules=rules)) for run in runs]
    return survey(known, lambda one: today(one, directory), at_ns=at_ns, within=within)


def _known(run_dir: Path, found: Verification) -> Known:
    said = found.certificate
    profile, subject = (said.profile, said.subject) if said else planned_names(run_dir)
    return Known(run_dir=run_dir, verification=found, profile=profile, subject=subject)


def planned_names(run_dir: Path) -> tuple[str, str]:
    """Return the names of profile and subject in a run's plan; a question mark where it cannot be read."""
    try:
        plan = json.loads((run_dir / PLAN_FILE).read_bytes())
        return str(plan["profile"]["name"]), str(plan["subject"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "?", "?"


def today(known: Known, directory: Path | None = None) -> Today:
    """Return what is there in the place of what a certificate was issued for."""
    was = recorded(known.verification)
    if was is None:
        return Today(unknown="issued before fingerprints were recorded: what has changed since is not known")
    try:
        request = read_request(known.run_dir)
        with standing_in(request, directory) as here:
            return Today(was=was, fingerprint=_fingerprint(here))
    except EvidenceError as error:
        return Today(was=was, unknown=f"what has changed since is not known: {error}")
    except UsageError as error:
        return Today(was=was, broken=f"its profile cannot be used any more: {error}")


def recorded(found: Verification) -> Fingerprint | None:
    """Return the fingerprint in a certificate; `None` in those of versions that did not record it."""
    said = found.certificate.statement["predicate"].get("fingerprint") if found.certificate else None
    try:
        return codec.decode(Fingerprint, said) if said is not None else None
    except ValueError:
        return None  # that of a version to come


def _fingerprint(request: Selection) -> Fingerprint:
    profile = load(request)
    backends = backend_plans(profile)
    subject = subject_of(profile.subject, Path.cwd())
    return fingerprint_today(profile, subject, backends, gateway_versions(backends))


@contextlib.contextmanager
def standing_in(request: Selection, directory: Path | None = None) -> Iterator[Selection]:
    """Stand in the directory that a run was asked for in, and yield the request as it is to be read there.

    `directory` takes its place: a profile below the old one is looked for below it.

    Raises:
        EvidenceError: that directory is not there; another one is never certified in its place.
    """
    place = directory or (Path(request.directory) if request.directory else Path.cwd())
    if not place.is_dir():
        raise EvidenceError(f"the directory where it was made is not there: {place}")
    given = Path(request.profile)
    if directory is not None and request.directory and given.is_relative_to(request.directory):
        moved = directory.absolute() / given.relative_to(request.directory)
        request = replace(request, profile=str(moved))
    with contextlib.chdir(place):
        yield request
