"""What differs from the last certificate: written beside a run when it ends, so that its report can tell.

The file is no evidence and nothing is signed of it: whoever doubts it compares the two runs again.
"""

from __future__ import annotations

from pathlib import Path

from certify.errors import EvidenceError
from certify.evidence.files import CERTIFICATE_FILE, write_json
from certify.model.comparison import COMPARISON_FILE
from certify.store.compare import compare, read_compared
from certify.store.pair import identity_of
from certify.store.runs import RunStore


def last_certified(store: RunStore, run_dir: Path) -> Path | None:
    """Return the newest run before this one that has a certificate for the same profile and subject."""
    wanted = identity_of(run_dir)
    for other in reversed(store.all()):
        earlier = other.name < run_dir.name and (other / CERTIFICATE_FILE).is_file()
        if earlier and wanted is not None and identity_of(other) == wanted:
            return other
    return None


def write_comparison(store: RunStore, run_dir: Path) -> Path | None:
    """Write what differs from the last certificate, if there is one that can be read."""
    path = run_dir / COMPARISON_FILE
    path.unlink(missing_ok=True)
    earlier = last_certified(store, run_dir)
    if earlier is None:
        return None
    try:
        now = read_compared(run_dir)
        if now.result.partial_selection:
            return None  # nearly everything would be left out
        write_json(path, compare(read_compared(earlier), now))
    except EvidenceError:
        return None  # the earlier run is damaged, or of a version that wrote it otherwise
    return path
