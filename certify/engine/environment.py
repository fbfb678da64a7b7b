"""What machine and what software a run was made with, for the report."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

import psutil

import certify
from certify.model.fingerprint import Fingerprint, SystemPrint
from certify.phases.session import SystemSession
from certify.plan import Plan, planned_fingerprint, with_installed


def environment() -> dict[str, str]:
    """Return the facts of machine and software that figures depend on; no name of host or user."""
    memory_gb = psutil.virtual_memory().total / 1e9
    return {
        "certify": certify.__version__,
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "memory_gb": f"{memory_gb:.1f}",
    }


def fingerprint(
    plan: Plan, sessions: Iterable[SystemSession], gateways: Mapping[str, str] | None = None
) -> Fingerprint:
    """Return what a run stands on, as its launched systems tell it.

    `gateways`: key of a backend → what a gateway that is not the tool's own said of itself.
    """
    known = planned_fingerprint(
        subject=plan.subject, profile=plan.profile, limits=plan.limits, backends=plan.backends
    )
    told = {
        session.backend.key: _told(session, known.systems[session.backend.key], gateways or {})
        for session in sessions
        if session.backend.key in known.systems
    }
    return replace(known, systems={**known.systems, **told})


def _told(session: SystemSession, known: SystemPrint, gateways: Mapping[str, str]) -> SystemPrint:
    found = with_installed(known, session.facts.installed) if session.facts else known
    return replace(
        found,
        gateway=gateways.get(session.backend.key, known.gateway),
        account=session.assurance.value if session.info else None,
    )
