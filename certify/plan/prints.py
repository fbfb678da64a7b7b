"""What a plan alone says of the fingerprint: no system is started, no interpreter asked."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import certify
from certify.model.fingerprint import NONE, Fingerprint, SystemPrint, limits_digest
from certify.model.results import ProfileRef, Subject
from certify.plan.backends import OWN_ADAPTERS
from certify.plan.model import BackendPlan
from certify.plan.recordings import FILE_KEYS
from certify.profile.fields import NEWEST_SERVER


def planned_fingerprint(
    *,
    subject: Subject,
    profile: ProfileRef,
    limits: Mapping[str, Decimal],
    backends: Iterable[BackendPlan],
) -> Fingerprint:
    """Return what is known before any system is asked; the rest is `None`."""
    return Fingerprint(
        subject=subject.digest,
        profile=profile.digest,
        limits=limits_digest(limits),
        platform=f"{platform.system()} {platform.machine()}",
        systems={backend.key: _planned(backend) for backend in backends},
    )


def with_installed(print_: SystemPrint, told: Mapping[str, str]) -> SystemPrint:
    """Return the print with what an interpreter told of itself (`certify.adapter.installed`)."""
    return replace(
        print_,
        interpreter=told.get("interpreter"),
        distributions=told.get("distributions"),
        broker_library=told.get("broker_library"),
    )


def _planned(backend: BackendPlan) -> SystemPrint:
    return SystemPrint(adapter=_adapter(backend), files=_files(backend), gateway=_gateway(backend))


def _adapter(backend: BackendPlan) -> str:
    """Return the digest of the adapter's file; one of certify's own is known by its version."""
    if backend.adapter in OWN_ADAPTERS.values():
        return f"certify {certify.__version__}: {backend.adapter}"
    return backend.adapter_digest or backend.adapter


def _files(backend: BackendPlan) -> str:
    """Return one digest over the recordings and the script behind a system; empty without any."""
    paths = [
        Path(str(file["path"]))
        for key in FILE_KEYS
        if isinstance(file := backend.options.get(key), Mapping) and "path" in file
    ]
    script = backend.gateway.options.get("script") if backend.gateway else None
    paths += [Path(script)] if script else []
    if not paths:
        return NONE
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_content(path))
    return f"sha256:{digest.hexdigest()}"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"no file"


def _gateway(backend: BackendPlan) -> str | None:
    """Return the server version of a gateway that the tool runs; of another it is not known yet."""
    if backend.gateway is None:
        return NONE
    if backend.gateway.embedded:
        return f"simulated, server {backend.gateway.options.get('max_version', NEWEST_SERVER)}"
    return None
