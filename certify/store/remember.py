"""The index beside a run: written when it can be, read from the evidence itself when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from certify.errors import UsageError
from certify.store.index import CaughtUp, IndexUnavailable, RunIndex, discard, index_url, opened_index
from certify.store.index_rows import Clean
from certify.store.runs import RunStore

Say = Callable[[str], None]
IN_MEMORY = "sqlite://"


def remember(store: RunStore, clean: Clean, say: Say, asked: str | None = None) -> None:
    """Take over into the index what has been run, now and earlier; what goes wrong is said once."""
    try:
        with opened_index(index_url(store.home, asked), clean) as index:
            index.catch_up(store)
    except (IndexUnavailable, UsageError) as error:
        say(f"{error}; the run is whole without it, and `certify history` will take it over")


@contextmanager
def recalled(store: RunStore, clean: Clean, say: Say, asked: str | None = None) -> Iterator[RunIndex]:
    """Open the index of a home, caught up; where it cannot be had, one in memory made of the runs there.

    Raises:
        UsageError: the URL is wrong.
    """
    url = index_url(store.home, asked)
    if not isinstance(url, str) and not store.home.is_dir():
        url = IN_MEMORY  # nothing was run here: there is nothing to keep, and no place to keep it in
    try:
        index = RunIndex(url, clean)
        caught_up = _caught_up(index, store)
    except IndexUnavailable as error:
        say(f"{error}; read the run directories of {store.home} instead")
        index = RunIndex(IN_MEMORY, clean)
        caught_up = index.catch_up(store)
    try:
        for unreadable in caught_up.unreadable:
            say(f"left out: {unreadable}")
        yield index
    finally:
        index.close()


def _caught_up(index: RunIndex, store: RunStore) -> CaughtUp:
    try:
        return index.catch_up(store)
    except BaseException:
        index.close()
        raise


def rebuilt(store: RunStore, clean: Clean, asked: str | None = None) -> CaughtUp:
    """Make what the index holds of a home again from its run directories.

    Raises:
        UsageError: the URL is wrong, or the index cannot be written.
    """
    url = index_url(store.home, asked)
    try:
        if not isinstance(url, str):
            discard(store.home)
        with opened_index(url, clean) as index:
            return index.rebuild(store)
    except (IndexUnavailable, OSError) as error:
        raise UsageError(f"cannot make the index again: {error}") from error
