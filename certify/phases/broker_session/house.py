"""The simulated gateway as the checks see it: what it knows, and the faults that it can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from certify.model.trading import Order, Side
from certify.phases.api import Unmet
from certify.phases.trial import PATIENCE_S, Trial

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseOrder:
    """One order as the gateway has it."""

    order_id: int
    perm_id: int
    client_id: int
    order_ref: str
    status: str
    instrument: str
    side: str
    qty: Decimal
    price: Decimal | None
    filled: Decimal
    working: bool
    """Whether it may still trade. One that was lost on its way there never does."""


class House:
    """What the gateway knows, and what a check lets it do."""

    def __init__(self, trial: Trial) -> None:
        """Command the gateway behind the trial's component."""
        self.trial = trial
        self.gateway = trial.gateway

    def do(self, action: str, **arguments: Any) -> Any:
        """Carry out an action of the gateway."""
        return self.gateway.do(action, **{name: _plain(value) for name, value in arguments.items()})

    # what it knows

    def rows(self, question: str, **arguments: Any) -> list[Row]:
        """Return the answer to a question as rows."""
        return list(self.do(question, **arguments))

    def orders(self) -> list[HouseOrder]:
        """Return every order of the day, whoever sent it."""
        return [_order(row) for row in self.rows("orders")]

    def find(self, order: Order) -> list[HouseOrder]:
        """Return what the gateway has of an order: by its reference, else by its terms.

        A system may send references of its own. Then an order is the latest one with its terms that is
        nobody else's, and stays that one whatever becomes of its terms.
        """
        known = self.orders()
        named = [row for row in known if row.order_ref == order.client_order_id]
        return named or self._by_terms(order, known)

    def _by_terms(self, order: Order, known: list[HouseOrder]) -> list[HouseOrder]:
        taken = self._taken(len(known))
        name = order.client_order_id
        if name not in taken:
            terms = (order.instrument, order.side.value, order.qty, order.price)
            sent, others = self.trial.ledger.entries, set(taken.values())
            free = [
                row
                for row in known
                if row.order_ref not in sent and row.order_id >= 0 and row.perm_id not in others
            ]
            same = [row for row in free if (row.instrument, row.side, row.qty, row.price) == terms]
            if not same:
                return []
            taken[name] = same[-1].perm_id
        return [row for row in known if row.perm_id == taken[name]]

    def _taken(self, rows: int) -> dict[str, int]:
        """Return whose each order is that was found by its terms; a gateway that began anew forgets it."""
        facts = self.trial.shared.facts
        taken = cast("dict[str, int]", facts.setdefault("gateway.taken", {}))
        if rows < cast("int", facts.get("gateway.rows", 0)):
            taken.clear()
        facts["gateway.rows"] = rows
        return taken

    def one(self, order: Order) -> HouseOrder:
        """Return the one order that the gateway has of an order; none or several fail the check."""
        found = self.find(order)
        if len(found) != 1:
            raise Unmet(f"expected {order.client_order_id} at the gateway once, was {len(found)} times")
        return found[0]

    def working(self, order: Order) -> list[HouseOrder]:
        """Return what may still trade of an order at the gateway."""
        return [row for row in self.find(order) if row.working]

    def arrived(self, order: Order, within_s: float = PATIENCE_S) -> HouseOrder:
        """Wait until an order is at the gateway and return it."""
        text = f"expected {order.client_order_id} to reach the gateway"
        return self.trial.poll(lambda: self.find(order), text, within_s)[0]

    def executions_of(self, order: Order) -> list[Row]:
        """Return the executions of an order that the gateway lists."""
        perm_ids = {row.perm_id for row in self.find(order)}
        return [row for row in self.rows("executions") if int(row["perm_id"]) in perm_ids]

    def position(self, instrument: str) -> Decimal:
        """Return what the gateway holds of an instrument on the system's account."""
        rows = self.rows("positions", account=self.gateway.address.account)
        held = (Decimal(str(row["qty"])) for row in rows if row["instrument"] == instrument)
        return sum(held, Decimal(0))

    def lines(self) -> Counter[tuple[str, str]]:
        """Return how many market data lines are open, by instrument and kind of line."""
        rows = [row for row in self.rows("subscriptions") if row.get("instrument")]
        return Counter((str(row["instrument"]), str(row["kind"])) for row in rows)

    def clients(self) -> list[int]:
        """Return the ids of the clients whose session is up."""
        return sorted(int(row["client_id"]) for row in self.rows("clients"))

    def requests(self, name: str) -> int:
        """Return how many requests of a kind were taken in all."""
        return sum(int(kinds.get(name, 0)) for kinds in self.do("requests").values())

    def violations(self) -> int:
        """Return how often any client sent more than the gateway takes in a second."""
        return sum(int(row["violations"]) for row in self.do("pacing").values())

    # what it does

    @contextmanager
    def during(self, action: str, begin: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[None]:
        """Let a fault last while the block runs."""
        self.do(action, **begin)
        try:
            yield
        finally:
            self.do(action, **end)

    def show(self, instrument: str, bid: Decimal, ask: Decimal, *, size: Decimal, ask_size: Decimal) -> None:
        """Let the gateway show exactly this market."""
        self.do("set_market", instrument=instrument, bid=bid, bid_size=size, ask=ask, ask_size=ask_size)

    def behave(self, name: str, order: Order | None = None, **terms: Any) -> None:
        """Let the next order (of the instrument traded) fare as a behaviour says."""
        instrument = order.instrument if order is not None else self.trial.instrument.id
        self.do("behaviour", name=name, instrument=instrument, **terms)

    def foreign(self, action: str, side: Side, qty: Decimal, price: Decimal, **more: Any) -> HouseOrder:
        """Let somebody else send an order under the same account, and return it."""
        account = self.gateway.address.account
        made = self.do(
            action,
            instrument=self.trial.instrument.id,
            side=side.value,
            qty=qty,
            price=price,
            account=account,
            **more,
        )
        known = self.orders()
        self._taken(len(known))[f"{action} {made['perm_id']}"] = int(made["perm_id"])
        return next(row for row in known if row.perm_id == int(made["perm_id"]))

    def by_perm_id(self, perm_id: int) -> HouseOrder:
        """Return an order by its permanent id."""
        return next(row for row in self.orders() if row.perm_id == perm_id)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _order(row: Row) -> HouseOrder:
    price = row.get("price")
    return HouseOrder(
        order_id=int(row["order_id"]),
        perm_id=int(row["perm_id"]),
        client_id=int(row["client_id"]),
        order_ref=str(row.get("order_ref") or ""),
        status=str(row["status"]),
        instrument=str(row["instrument"]),
        side=str(row["side"]),
        qty=Decimal(str(row["qty"])),
        price=None if price in (None, "") else Decimal(str(price)),
        filled=Decimal(str(row["filled"])),
        working=bool(row["working"]) and bool(row.get("acknowledged", True)),
    )
