"""The numbers of orders: order ids of each client, permIds and execution ids.

They outlive connections: an order id counts as used for as long as the gateway runs, whoever is connected.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_ORDER_ID = 1
"""What a client that has never placed an order is told to begin with."""

_FIRST_REVISION = "01"


@dataclass(slots=True)
class OrderIds:
    """The order ids of one client."""

    highest: int = FIRST_ORDER_ID - 1
    lowest: int = 0

    def use(self, order_id: int) -> None:
        """Note an order id as used."""
        self.highest = max(self.highest, order_id)


class Numbers:
    """Gives out permIds and execution ids, and keeps what order ids each client has used.

    Repeatable: the same seed gives the same numbers. They do not start at one, as IB's do not.
    """

    __slots__ = ("_clients", "_executions", "_house", "_perm_id")

    def __init__(self, seed: int = 0) -> None:
        """Draw where the numbers begin from `seed`."""
        draw = random.Random(f"gateway/numbers/{seed}")
        self._clients: dict[int, OrderIds] = {}
        self._perm_id = draw.randrange(100_000_000, 1_900_000_000)
        self._house = draw.randrange(0x1000, 0xFFFF)
        self._executions = draw.randrange(0x10000000, 0x7FFFFFFF)

    def next_perm_id(self) -> int:
        """Return a permId: unique over all accounts and clients, never given out twice."""
        self._perm_id += 1
        return self._perm_id

    def next_exec_id(self) -> str:
        """Return a new execution's id, in IB's form, as `0000e0d5.6553a1b2.01.01`."""
        self._executions += 1
        return f"{self._house:08x}.{self._executions:08x}.01.{_FIRST_REVISION}"

    def next_order_id(self, client_id: int) -> int:
        """Return what nextValidId says to a client: more than every id that it has used."""
        return self._of(client_id).highest + 1

    def next_manual_order_id(self, client_id: int) -> int:
        """Return the next id, below zero, of an order entered by hand."""
        ids = self._of(client_id)
        ids.lowest -= 1
        return ids.lowest

    def use(self, client_id: int, order_id: int) -> None:
        """Note an order id as used by a client."""
        self._of(client_id).use(order_id)

    def used(self, client_id: int, order_id: int) -> bool:
        """Whether a new order may no longer have this id, which has to be above every one before it."""
        return order_id <= self._of(client_id).highest

    def _of(self, client_id: int) -> OrderIds:
        ids = self._clients.get(client_id)
        if ids is None:
            ids = self._clients[client_id] = OrderIds()
        return ids


def correction_id(exec_id: str) -> str:
    """Return the id of the next revision of an execution: only the digits after the final period change.

    The rule is IB's: an id that ends in `.02` corrects the one that ended in `.01` (TWS API reference,
    `Execution.ExecId`).
    """
    stem, _, revision = exec_id.rpartition(".")
    return f"{stem}.{int(revision) + 1:02d}"


def same_execution(one: str, other: str) -> bool:
    """Whether two ids are revisions of the same execution."""
    return one.rpartition(".")[0] == other.rpartition(".")[0]
