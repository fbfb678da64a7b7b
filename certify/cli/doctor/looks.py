"""What the doctor looks at: the machine, the installation, the places that certify writes to."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil

from certify import clock
from certify.attest.keys import KeySource, key_source
from certify.cli.doctor.examination import Symptom, fail, fit, warn
from certify.cli.signing import signing_key
from certify.errors import AttestationError
from certify.store.runs import RunStore

SUPPORTED = ((3, 11), (3, 13))
PLATFORMS = ("Linux", "Darwin")
WAIT_MS = 2.0
OVERSHOOT_WARN_MS = 2.0
"""Beyond this a load generator is late by more than it should measure."""
WAITS = 40
LOAD_SAMPLE_S = 0.5
BUSY_PERCENT = 60.0
LEAST_FREE_MB = 500
LITTLE_FREE_MB = 2000
DISTRIBUTION = "certify-trading"


def machine() -> Iterator[Symptom]:
    """Look at what the tool runs on."""
    yield _python()
    yield _platform()
    yield _resolution()
    yield _overshoot()
    yield _load()


def _python() -> Symptom:
    text = f"{platform.python_version()} ({sys.implementation.name})"
    if SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        return fit("python", text)
    return warn("python", f"expected 3.11 to 3.13, was {text}", "install certify with a supported Python")


def _platform() -> Symptom:
    text = f"{platform.system()} {platform.release()}, {os.cpu_count()} cores"
    if platform.system() in PLATFORMS:
        return fit("platform", text)
    return warn("platform", f"expected Linux or macOS, was {text}", "certify is not tried there")


def _resolution() -> Symptom:
    steps = []
    for _ in range(1000):
        began = now = clock.monotonic_ns()
        while now == began:
            now = clock.monotonic_ns()
        steps.append(now - began)
    step_us = min(steps) / 1000
    if step_us <= 10:
        return fit("clock", f"resolution {step_us:.2g} µs")
    return warn(
        "clock",
        f"expected a resolution of 10 µs or finer, was {step_us:.3g} µs",
        "do not measure latency here",
    )


def _overshoot() -> Symptom:
    late = []
    for _ in range(WAITS):
        began = clock.monotonic_ns()
        clock.sleep_s(WAIT_MS / 1000)
        late.append((clock.monotonic_ns() - began) / clock.NS_PER_MS - WAIT_MS)
    worst, median = max(late), sorted(late)[len(late) // 2]
    text = f"waits of {WAIT_MS:g} ms overshoot by {median:.2g} ms, at worst {worst:.2g} ms"
    if median <= OVERSHOOT_WARN_MS:
        return fit("waiting", text)
    return warn("waiting", text, "end other programs, or use a machine of your own")


def _load() -> Symptom:
    busy = psutil.cpu_percent(interval=LOAD_SAMPLE_S)
    if busy <= BUSY_PERCENT:
        return fit("load", f"the processors are {busy:.0f} % busy")
    return warn(
        "load",
        f"expected at most {BUSY_PERCENT:.0f} % busy, was {busy:.0f} %",
        "load levels may become inconclusive: end other programs",
    )


def places(store: RunStore) -> Iterator[Symptom]:
    """Look at where runs and the key are kept."""
    yield _writable(store.home)
    yield _disk(store.home)
    yield _key(key_source())


def _writable(home: Path) -> Symptom:
    where = _existing(home)
    if os.access(where, os.W_OK | os.X_OK):
        return fit("run directory", f"{home} can be written")
    return fail(
        "run directory",
        f"expected {where} to be writable, was not",
        "choose another with --out or CERTIFY_HOME",
    )


def _disk(home: Path) -> Symptom:
    free_mb = shutil.disk_usage(_existing(home)).free // 1_000_000
    text = f"{free_mb:,} MB free"
    if free_mb < LEAST_FREE_MB:
        return fail(
            "disk", f"expected {LEAST_FREE_MB} MB free, was {text}", "make room: evidence must be kept"
        )
    if free_mb < LITTLE_FREE_MB:
        return warn("disk", text, "a long run needs some hundred MB")
    return fit("disk", text)


def _existing(path: Path) -> Path:
    """Return the path, or the nearest directory above it that is there."""
    path = path.absolute()
    return next((place for place in (path, *path.parents) if place.is_dir()), Path("/"))


def _key(source: KeySource) -> Symptom:
    path = source.path
    if path is not None and not path.exists():
        return fit("key", f"{path} will be made by the first certified run")
    try:
        key = signing_key().public_key
    except AttestationError as error:
        return fail(
            "key", str(error), "or move it away: a new one is made; the old certificates keep their key"
        )
    where = "in the environment" if path is None else str(path)
    return fit("key", f"{key.keyid[:16]}, {where}")


def dependencies() -> Symptom:
    """Look at the versions of what certify needs."""
    from packaging.requirements import Requirement

    missing: list[str] = []
    found: list[str] = []
    try:
        wants = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return warn(
            "dependencies", "certify is not installed, only found on the path", f"pip install {DISTRIBUTION}"
        )
    for text in wants:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            missing.append(f"{wanted.name} (missing)")
            continue
        (found if wanted.specifier.contains(version, prereleases=True) else missing).append(
            f"{wanted.name} {version}"
        )
    if missing:
        return fail(
            "dependencies",
            f"expected other versions of {', '.join(missing)}",
            f"pip install --upgrade {DISTRIBUTION}",
        )
    return fit("dependencies", ", ".join(found))
