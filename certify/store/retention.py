"""How long evidence is kept, and which of it may go.

`retention.json` beside a run says how long its profile asks for; where there is none it is seven years
(Directive 2014/65/EU, Article 16(7): five years, where the authority asks up to seven). Whatever
cannot be read is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify import clock
from certify.errors import EvidenceError, UsageError
from certify.evidence.files import CERTIFICATE_FILE, RESULT_FILE, json_bytes, read_json, write_bytes
from certify.model.results import RunResult
from certify.store.index_rows import certificate_dates
from certify.store.runs import RunStore

RETENTION_FILE = "retention.json"
DEFAULT_DAYS = 7 * 366
"""Seven years, each as long as the longest."""
PRUNED_DIR = ".pruned"
DAY_NS = 86_400 * clock.NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Expendable:
    """A run whose evidence need not be kept any longer."""

    run_dir: Path
    finished_at: str
    kept_until: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What of a home may go, and what is old enough but stays."""

    expendable: tuple[Expendable, ...]
    kept: tuple[tuple[str, str], ...]
    """Run and the reason for which it stays, where there is another than its age."""


def write_retention(run_dir: Path, days: int | None) -> None:
    """Write how long the profile of a run asks for its evidence to be kept, if it does."""
    if days is not None:
        write_bytes(run_dir / RETENTION_FILE, json_bytes({"retention_days": days}))


def retention_days(run_dir: Path) -> int:
    """Return for how many days after its end the evidence of a run is kept.

    Raises:
        EvidenceError: what the profile asked for cannot be read.
    """
    try:
        found: Any = json.loads((run_dir / RETENTION_FILE).read_bytes())["retention_days"]
    except FileNotFoundError:
        return DEFAULT_DAYS
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EvidenceError(f"{RETENTION_FILE}: expected a retention, was {error!r}") from error
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise EvidenceError(f"{RETENTION_FILE}: expected whole days, was {found!r}")
    return found


def pruning(store: RunStore, *, at_ns: int, least_days: int = 0) -> Pruning:
    """Return which runs may go at `at_ns`; none younger than its retention, nor than `least_days`.

    The newest certificate of each profile and subject stays with its evidence, whatever its age, and so
    does every one that has not expired.
    """
    known = [_known(path) for path in store.all()]
    newest = _newest([one for one in known if isinstance(one, _Known)])
    expendable, kept = [], []
    for one in known:
        if isinstance(one, str):
            name, _, reason = one.partition(": ")
            kept.append((name, reason))
            continue
        until_ns = one.finished_ns + max(one.days, least_days) * DAY_NS
        if at_ns < until_ns:
            continue
        if reason := _in_force(one, newest, at_ns):
            kept.append((one.run_dir.name, reason))
        else:
            expendable.append(_expendable(one, until_ns))
    return Pruning(expendable=tuple(expendable), kept=tuple(kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What decides about one run."""

    run_dir: Path
    identity: tuple[str, str]
    finished_ns: int
    days: int
    issued_ns: int | None
    expires_ns: int | None


def _known(run_dir: Path) -> _Known | str:
    """Return what is known of a run, or `name: why it cannot be told`."""
    if run_dir.is_symlink():
        return f"{run_dir.name}: a link; what it leads to is not ours"
    try:
        result = read_json(run_dir / RESULT_FILE, RunResult)
        certificate = run_dir / CERTIFICATE_FILE
        issued, expires = certificate_dates(certificate) if certificate.is_file() else (None, None)
        return _Known(
            run_dir=run_dir,
            identity=(result.profile.name, result.subject.name),
            finished_ns=result.finished_at_ns,
            days=retention_days(run_dir),
            issued_ns=issued,
            expires_ns=expires,
        )
    except EvidenceError as error:
        return f"{run_dir.name}: {error}"


def _newest(known: list[_Known]) -> dict[tuple[str, str], int]:
    """Return when the newest certificate of each profile and subject was issued."""
    newest: dict[tuple[str, str], int] = {}
    for one in known:
        if one.issued_ns is not None:
            newest[one.identity] = max(one.issued_ns, newest.get(one.identity, one.issued_ns))
    return newest


def _in_force(one: _Known, newest: dict[tuple[str, str], int], at_ns: int) -> str:
    if one.expires_ns is not None and at_ns < one.expires_ns:
        return f"its certificate holds until {clock.iso(one.expires_ns)}"
    if one.issued_ns is not None and one.issued_ns == newest[one.identity]:
        return f"the newest certificate of profile {one.identity[0]} and subject {one.identity[1]}"
    return ""


def _expendable(one: _Known, until_ns: int) -> Expendable:
    return Expendable(
        run_dir=one.run_dir,
        finished_at=clock.iso(one.finished_ns),
        kept_until=clock.iso(until_ns),
        size_bytes=sum(_sizes(one.run_dir)),
    )


def _sizes(run_dir: Path) -> Iterator[int]:
    for path in run_dir.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.stat().st_size


def remove(store: RunStore, expendable: tuple[Expendable, ...]) -> tuple[Path, ...]:
    """Delete the evidence of runs and return which are gone.

    Each is moved aside first: one that is half deleted is never taken for a run.

    Raises:
        UsageError: one cannot be deleted; the others before it are.
    """
    aside = store.home / PRUNED_DIR
    gone = []
    for one in expendable:
        try:
            aside.mkdir(exist_ok=True)
            one.run_dir.rename(aside / one.run_dir.name)
            gone.append(one.run_dir)
            shutil.rmtree(aside / one.run_dir.name)
        except OSError as error:
            raise UsageError(f"{one.run_dir}: cannot be deleted: {error.strerror}") from error
    if aside.is_dir() and not any(aside.iterdir()):
        aside.rmdir()
    return tuple(gone)
