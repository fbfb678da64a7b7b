"""What the simulated gateway knows of the world: US stocks and funds, currencies, futures, indices, coins.

Names, exchanges, ticks and multipliers are facts, but coins trade in lots of 0.0001 here (IB: 0.00000001);
prices are rounded ones of late 2024, and only where the generated market starts. A contract id that is not in
the tables is made from the instrument's name and lies above those that Interactive Brokers gives out.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from importlib.resources import files

_FIRST_OWN_ID = 1_500_000_000
_OWN_IDS = 600_000_000


def rows(table: str) -> Iterator[dict[str, str]]:
    """Yield the rows of `stocks`, `futures` or `others` as column → text."""
    text = files(__package__).joinpath(f"{table}.csv").read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def own_id(name: str) -> int:
    """Return the contract id that stands for `name`, ever the same: 1 500 000 000 to 2 099 999 999."""
    digest = hashlib.sha256(name.encode()).digest()
    return _FIRST_OWN_ID + int.from_bytes(digest[:8], "big") % _OWN_IDS


def is_own(con_id: int) -> bool:
    """Whether `con_id` is one that `own_id` makes."""
    return _FIRST_OWN_ID <= con_id < _FIRST_OWN_ID + _OWN_IDS
