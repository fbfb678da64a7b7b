"""What the doctor looks at in a profile: does it load, are its interpreters there, do its systems come up?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from certify.cli.doctor.examination import Symptom, fail, fit, healthy
from certify.cli.doctor.gateway import DEFAULT_CLIENT_ID, Place, look_at_gateway
from certify.cli.pipeline import load, open_bench
from certify.cli.request import Selection
from certify.errors import CertifyError, UsageError
from certify.plan import BackendPlan, backend_plans
from certify.profile.model import Profile


def look_at_profile(name: str) -> Iterator[Symptom]:
    """Look at a profile and at each system that it names; sends no order."""
    try:
        profile = load(Selection(profile=name))
        backends = backend_plans(profile)
    except UsageError as error:
        yield fail("profile", str(error), "certify profile validate")
        return
    yield fit("profile", f"{profile.path}: {len(profile.components)} components in scope")
    for backend in backends:
        yield from _look_at_backend(profile, backend)


def _look_at_backend(profile: Profile, backend: BackendPlan) -> Iterator[Symptom]:
    if backend.python is not None:
        found = shutil.which(backend.python)
        if found is None or not os.access(found, os.X_OK):
            yield fail(
                "interpreter",
                f"expected an interpreter, was none: {backend.python}",
                "correct `python:` in the profile",
            )
            return
        yield fit("interpreter", found)
    if backend.gateway is not None and not backend.gateway.embedded:
        found_there = list(look_at_gateway(_place(profile, backend)))
        yield from found_there
        if not healthy(found_there):
            return
    yield _come_up(profile, backend)


def _place(profile: Profile, backend: BackendPlan) -> Place:
    """Return the gateway that a backend's options name."""
    options = backend.options
    return Place(
        host=str(options.get("host", "127.0.0.1")),
        port=int(options["port"]),
        account=str(options["account"]),
        client_id=int(options.get("client_id", DEFAULT_CLIENT_ID)),
        allow_live=profile.safety.allow_live,
        instrument=next((one for one in profile.instruments if one.kind == "STK"), None),
    )


def _come_up(profile: Profile, backend: BackendPlan) -> Symptom:
    """Make the system in its own process, ask what it is, and end it."""
    with tempfile.TemporaryDirectory() as logs:
        try:
            with open_bench(profile, Path(logs), [backend]) as bench:
                info = bench.sessions[0].info
        except CertifyError as error:
            log = next(iter(Path(logs).glob("*.log")), None)
            last = log.read_text(errors="replace").strip().splitlines()[-1:] if log else []
            said = f": {last[0]}" if last else ""
            return fail(
                f"system {backend.key}",
                f"{_short(str(error))}{said}",
                f"look at the adapter {backend.adapter}",
            )
    if info is None:
        return fail(f"system {backend.key}", "it did not say what it is", f"look at {backend.adapter}")
    return fit(
        f"system {backend.key}", f"{info.name} {info.version}, {info.environment.value}, {backend.adapter}"
    )


def _short(text: str) -> str:
    return text.partition(" (log: ")[0]
