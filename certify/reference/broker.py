"""Port `broker`: orders straight to the broker, past the system's own order path."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from certify.model.trading import AccountState, ExecType, Order, OrderUpdate, Position, Source
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import OrderRecord, refuse
from certify.reference.session import BrokerSession


class BrokerPort:
    """Port `broker`: orders straight to the active broker, past the system's own order path."""

    def __init__(
        self, kernel: Kernel, active: Callable[[], BrokerSession], owned: Callable[[str], bool]
    ) -> None:
        """Use the `active` session; `owned` tells the order ids of the execution engine."""
        self.kernel = kernel
        self._active = active
        self._owned = owned

    @property
    def session(self) -> BrokerSession:
        """Return the session in use."""
        return self._active()

    @locked
    def submit(self, order: Order) -> None:
        """Send an order to the broker."""
        if self._owned(order.client_order_id):
            reason = refuse("DUPLICATE_ORDER_ID", f"{order.client_order_id} is in use")
            self.kernel.emit(OrderRecord(order).update(ExecType.REJECTED, Source.BROKER, reason))
        else:
            self.session.submit(order)

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel to the broker."""
        self.session.cancel(client_order_id, instrument)

    def modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        """Send a change to the broker."""
        self.session.modify(client_order_id, qty, price)

    def cancel_all(self) -> None:
        """Cancel every working order of the account."""
        self.session.cancel_all()

    def open_orders(self) -> list[OrderUpdate]:
        """Return the account's working orders."""
        return self.session.open_orders()

    def positions(self) -> list[Position]:
        """Return what the broker says the account holds."""
        return self.session.positions()

    def executions(self) -> list[OrderUpdate]:
        """Return every execution of the account."""
        return self.session.executions()

    def account(self) -> AccountState:
        """Return the account's money."""
        return self.session.account()

    def disconnect(self) -> None:
        """Break the link to the active broker."""
        self.session.disconnect()

    def reconnect(self) -> None:
        """Allow the link to come back."""
        self.session.reconnect()
