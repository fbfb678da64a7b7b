"""`certify history --prune`: which evidence may go; dry unless told otherwise."""

from __future__ import annotations

from certify import clock
from certify.cli.failure import say
from certify.cli.live.text import one_line
from certify.errors import UsageError
from certify.profile.kinds import days
from certify.store.retention import pruning, remove
from certify.store.runs import RunStore


def print_pruning(store: RunStore, keep: str | None, *, asked: bool, delete: bool) -> None:
    """Say what may go and what stays for another reason than its age; delete it if told to.

    Raises:
        UsageError: `--keep` is no age, it was said without `--prune`, or something cannot be deleted.
    """
    if not asked:
        raise UsageError("--keep and --yes go with --prune")
    least = 0 if keep is None else days(keep)
    if least is None:
        raise UsageError(f"--keep: expected an age such as 90d or 7y, was {keep!r}")
    found = pruning(store, at_ns=clock.now_ns(), least_days=least)
    for name, reason in found.kept:
        say(f"stays  {one_line(name)}: {one_line(reason)}")
    for one in found.expendable:
        when = f"{one.finished_at[:10]}, kept until {one.kept_until[:10]}, {one.size_bytes:,} bytes"
        say(f"goes   {one_line(one.run_dir.name)}: of {when}")
    if not found.expendable:
        say("nothing may go")
    elif delete:
        say(f"deleted: {len(remove(store, found.expendable))} runs")
    else:
        say(f"{len(found.expendable)} runs may go; nothing was deleted: add --yes")
