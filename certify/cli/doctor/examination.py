"""Findings of the doctor and how they are told; each look is a function in `looks`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Certifying works; figures may be worse than the system deserves."""
    FAIL = "fail"
    """Certifying will not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that was looked at."""

    name: str
    state: State
    text: str
    remedy: str = ""
    """What to do about it; empty when there is nothing to do."""


def fit(name: str, text: str) -> Symptom:
    """Return that all is well."""
    return Symptom(name=name, state=State.OK, text=text)


def warn(name: str, text: str, remedy: str) -> Symptom:
    """Return that it could be better."""
    return Symptom(name=name, state=State.WARN, text=text, remedy=remedy)


def fail(name: str, text: str, remedy: str) -> Symptom:
    """Return that it will not work."""
    return Symptom(name=name, state=State.FAIL, text=text, remedy=remedy)


def healthy(symptoms: Iterable[Symptom]) -> bool:
    """Return whether nothing failed."""
    return all(symptom.state is not State.FAIL for symptom in symptoms)


def tell(symptoms: Iterable[Symptom], out: TextIO) -> None:
    """Write one line for each, with the remedy where there is one."""
    for symptom in symptoms:
        remedy = f"; {symptom.remedy}" if symptom.remedy else ""
        out.write(f"{symptom.state.value:<5} {symptom.name:<16} {symptom.text}{remedy}\n")


def as_json(symptoms: Iterable[Symptom]) -> dict[str, Any]:
    """Return the findings for programs, schema `certify/doctor/1`."""
    found = list(symptoms)
    return {
        "schema": "certify/doctor/1",
        "ok": healthy(found),
        "findings": [
            {"name": s.name, "state": s.state.value, "text": s.text, "remedy": s.remedy} for s in found
        ],
    }
