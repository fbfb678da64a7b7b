"""From read values to the frozen `Profile`: defaults, and what two keys must not say of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from certify.model.ids import Assurance, Mode, PhaseId
from certify.model.trading import Instrument
from certify.profile.components import components_of
from certify.profile.fields import MAX_VALIDITY_DAYS, PHASE_KEYS
from certify.profile.kinds import NAME
from certify.profile.model import (
    CheckOverride,
    ComponentSpec,
    LoadLevel,
    Performance,
    Policy,
    Profile,
    Safety,
    SubjectSpec,
    Threshold,
    Waiver,
)
from certify.profile.near import shown, unknown
from certify.profile.pace import default_pace, hold_pace
from certify.profile.places import Source
from certify.profile.shapes import EMPTY, Values
from certify.profile.thresholds import STREAMS
from certify.profile.vocabulary import Vocabulary
from certify.profile.yaml import Mark

_DAY_S = Decimal(86400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A profile as read, and what is needed to make sense of it."""

    values: Values
    source: Source
    digest: str
    here: Path
    known: Vocabulary | None
    today: date


def build_profile(reading: Reading) -> Profile:
    """Return the profile; ProfileError at the place of the first thing that makes no sense."""
    values = reading.values
    if "version" not in values.data:
        raise values.mark.error("expected the key 'version': 1")
    name = _name(reading)
    phases: Values = values.get("phases", EMPTY)
    components, out_of_scope = components_of(values, reading.here)
    mode = Mode(values.get("mode", Mode.STANDARD))
    risk: Values = phases.get(PhaseId.RISK, EMPTY)
    safety = _safety(values.get("safety", EMPTY), components)
    hold_pace(phases.get(PhaseId.PERFORMANCE, EMPTY), components, safety)
    return Profile(
        name=name,
        path=reading.source.shown,
        digest=reading.digest,
        subject=_subject(values.get("subject", EMPTY), name),
        components=components,
        out_of_scope=out_of_scope,
        instruments=_instruments(values),
        mode=mode,
        safety=safety,
        phases=_phases(phases, mode),
        parameters=_parameters(phases),
        performance=_performance(phases.get(PhaseId.PERFORMANCE, EMPTY)),
        limits={key: Decimal(value) for key, value in risk.get("limits", EMPTY).data.items()},
        policy=_policy(values.get("policy", EMPTY), mode, reading),
        hooks=dict(values.get("hooks", EMPTY).data),
        notify=tuple(target for target, _ in values.get("notify", ())),
        **values.given("seed", "ping"),
    )


def _name(reading: Reading) -> str:
    """Return the profile's name: its own, else its file's."""
    given = reading.values.get("name")
    if given is not None:
        return str(given)
    stem = reading.source.path.stem
    if not re.fullmatch(NAME.json["pattern"], stem):
        raise reading.values.mark.error(f"expected the key 'name': the file's name {shown(stem)} will not do")
    return stem


def _subject(values: Values, name: str) -> SubjectSpec:
    paths = tuple(path for path, _ in values.data["paths"]) if "paths" in values.data else (".",)
    return SubjectSpec(name=values.get("name", name), paths=paths, **values.given("version"))


def _safety(values: Values, components: Mapping[str, ComponentSpec]) -> Safety:
    return Safety(**{**default_pace(values, components), **values.data})


def _once(seen: dict[str, Mark], name: str, mark: Mark, what: str) -> None:
    """Refuse a name that was already given."""
    if name in seen:
        raise mark.error(f"duplicate {what} {shown(name)}: first given in line {seen[name].line}")
    seen[name] = mark


def _instruments(values: Values) -> tuple[Instrument, ...]:
    seen: dict[str, Mark] = {}
    found = []
    for item, _ in values.get("instruments", ()):
        _once(seen, item.data["id"], item.at("id"), "instrument")
        found.append(Instrument(**item.data))
    return tuple(found)


def _phases(values: Values, mode: Mode) -> tuple[str, ...]:
    for phase, mark in values.nulls.items():
        if mode is Mode.CERTIFIED:
            raise mark.error(f"mode certified runs every phase: expected phases.{phase} not to be null")
    chosen = tuple(phase.value for phase in PhaseId if phase.value not in values.nulls)
    if not chosen:
        raise values.mark.error("every phase is null: expected at least one to run")
    return chosen


def _parameters(values: Values) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for phase, content in values.data.items():
        for component, parameters in content.data.items():
            if component not in PHASE_KEYS and parameters.data:
                found[f"{phase}.{component}"] = dict(parameters.data)
    return found


def _performance(values: Values) -> Performance:
    seen: dict[str, Mark] = {}
    loads = []
    for item, _ in values.get("loads", ()):
        _once(seen, item.data["name"], item.at("name"), "load level")
        loads.append(_load(item))
    thresholds = []
    for threshold, mark in values.get("thresholds", ()):
        _check_level(threshold, loads, mark)
        thresholds.append(threshold)
    return Performance(loads=tuple(loads), thresholds=tuple(thresholds))


def _load(item: Values) -> LoadLevel:
    name = item.data["name"]
    if name in STREAMS:
        raise item.at("name").error(f"load level {name!r}: expected another name than a stream's")
    duration, warmup = item.data["duration"], item.get("warmup", Decimal(0))
    if duration <= 0:
        raise item.at("duration").error("expected a duration above 0")
    if warmup >= duration:
        raise item.at("warmup").error(f"expected a warmup shorter than the duration of {float(duration):g}s")
    if not item.get("market_data") and not item.get("orders"):
        raise item.mark.error(f"load level {name!r}: expected a rate above 0 for market_data or orders")
    return LoadLevel(
        name=name,
        duration_s=float(duration),
        warmup_s=float(warmup),
        market_data_per_s=float(item.get("market_data", 0)),
        orders_per_s=float(item.get("orders", 0)),
        **item.given("arrival"),
    )


def _check_level(threshold: Threshold, loads: list[LoadLevel], mark: Mark) -> None:
    """Refuse a threshold on a level that is not there, or on a stream that no such level drives."""
    names = [level.name for level in loads]
    if threshold.level is not None and threshold.level not in names:
        raise mark.error(unknown("load level", threshold.level, names))
    chosen = [level for level in loads if threshold.level in (None, level.name)]
    rates = [
        level.market_data_per_s if threshold.stream == "market_data" else level.orders_per_s
        for level in chosen
    ]
    if not any(rates):
        where = "load level " + threshold.level if threshold.level else "any load level"
        raise mark.error(
            f"threshold {shown(threshold.text)}: expected a rate of {threshold.stream} at {where}"
        )


def _days(values: Values, name: str) -> dict[str, int]:
    """Return the keyword argument for a validity, in whole days, 1 to 365."""
    if name not in values.data:
        return {}
    days = values.data[name] / _DAY_S
    if days != int(days) or not 1 <= days <= MAX_VALIDITY_DAYS:
        raise values.at(name).error(f"{name}: expected whole days, 1d to {MAX_VALIDITY_DAYS}d")
    return {f"{name}_days": int(days)}


def _policy(values: Values, mode: Mode, reading: Reading) -> Policy:
    given: dict[str, Any] = {**_days(values, "validity"), **_days(values, "conditional_validity")}
    if "retention" in values.data:
        given["retention_days"] = values.data["retention"]
    if "min_assurance" in values.data:
        given["min_assurance"] = Assurance(values.data["min_assurance"])
    return Policy(
        min_phase_score=dict(values.get("min_phase_score", EMPTY).data),
        checks=_overrides(values.get("checks", EMPTY), mode),
        waivers=_waivers(values, reading),
        **given,
    )


def _overrides(values: Values, mode: Mode) -> dict[str, CheckOverride]:
    found = {}
    for check, item in values.data.items():
        if mode is Mode.CERTIFIED and "skip" in item.data:
            raise item.at("skip").error("mode certified skips nothing: expected no 'skip'")
        parameters = dict(item.get("parameters", EMPTY).data)
        found[check] = CheckOverride(parameters=parameters, **item.given("severity", "skip"))
    return found


def _waivers(values: Values, reading: Reading) -> tuple[Waiver, ...]:
    found = []
    seen: dict[str, Mark] = {}
    for item, _ in values.get("waivers", ()):
        waiver = Waiver(**item.data)
        if reading.known is not None and waiver.check not in reading.known.checks:
            raise item.at("check").error(unknown("check", waiver.check, reading.known.checks))
        _once(seen, waiver.check, item.at("check"), "waiver of")
        if date.fromisoformat(waiver.expires) < reading.today:
            raise item.at("expires").error(
                f"the waiver of {shown(waiver.check)} expired on {waiver.expires}: renew it or take it out"
            )
        found.append(waiver)
    return tuple(found)
