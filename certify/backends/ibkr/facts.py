"""What was sent, on disk: so that an order is known again after a restart in every detail.

IB remembers an order's reference, but once it is over not its quantity, price or type.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from certify.model.trading import Order
from certify.reference.journal import ORDERS, Journal


class SentOrders:
    """Every order that was ever sent from one state directory, as it was last meant to be."""

    def __init__(self, path: Path) -> None:
        """Read what earlier processes sent."""
        self._journal = Journal(path)
        self._orders: dict[str, Order] = {}
        self._accounts: list[str] = []
        for kind, *content in self._journal.load():
            if kind == "order":
                order = ORDERS.unpack(content[0])
                self._orders[order.client_order_id] = order
            elif kind == "account":
                self._accounts.append(content[0])
            else:
                self._change(content[0], *(None if each is None else Decimal(each) for each in content[1:]))

    def __len__(self) -> int:
        """Return how many orders were sent."""
        return len(self._orders)

    def number(self, account: str) -> int:
        """Return which account this is, counted from 0: the same after a restart."""
        if account not in self._accounts:
            self._accounts.append(account)
            self._journal.append("account", account)
        return self._accounts.index(account)

    def get(self, client_order_id: str) -> Order | None:
        """Return an order that was sent."""
        return self._orders.get(client_order_id)

    def add(self, order: Order) -> None:
        """Write an order down that is about to be sent."""
        self._orders[order.client_order_id] = order
        self._journal.append("order", ORDERS.pack(order))

    def change(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Write a change down that is about to be sent; nothing happens for an order of somebody else."""
        if client_order_id not in self._orders:
            return
        self._change(client_order_id, qty, price)
        self._journal.append("change", client_order_id, qty, price)

    def _change(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        order = self._orders.get(client_order_id)
        if order is not None:
            new_price = price if price is not None else order.price
            self._orders[client_order_id] = replace(order, qty=qty or order.qty, price=new_price)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()
