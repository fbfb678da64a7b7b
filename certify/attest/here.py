"""What this machine knows when it verifies: trusted keys, its revocations, and how late it must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from certify.attest.revoke import REVOCATIONS_FILE
from certify.attest.times import ns_of
from certify.attest.trust import trusted
from certify.attest.verify import VerifyRules

_RUN_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-")


def rules_here(
    home: Path,
    *,
    keys: Iterable[Path] = (),
    trust: Path | None = None,
    revocations: Iterable[Path] = (),
    base: VerifyRules | None = None,
) -> VerifyRules:
    """Return `base` with whom and what a verifier on this machine goes by.

    Without `base`, nothing is asked of a certificate beyond one trusted signature.
    `home` holds the runs and the list of revocations; lists that are named have to be there.

    Raises:
        AttestationError: a key or the trust file is missing or damaged, or nobody is trusted.
    """
    base = base or VerifyRules()
    own = home / REVOCATIONS_FILE
    return replace(
        base,
        trust=trusted(keys, trust),
        revocations=(*base.revocations, *revocations, *((own,) if own.exists() else ())),
        newest_known_ns=max((base.newest_known_ns or 0, *_run_times(home))),
    )


def _run_times(home: Path) -> Iterator[int]:
    """Yield when each run under `home` began, in ns since the epoch, by its name."""
    runs = home / "runs"
    for path in runs.iterdir() if runs.is_dir() else ():
        if found := _RUN_TIME.match(path.name):
            year, month, day, hour, minute, second = found.groups()
            try:
                yield ns_of(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
            except ValueError:
                continue  # not a name that the tool has given
