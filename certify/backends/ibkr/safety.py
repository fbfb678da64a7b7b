"""What is never sent, whatever is asked for: checked before the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from certify.backends.ibkr.settings import IbSettings, is_paper, masked
from certify.errors import UsageError
from certify.model.trading import Instrument, Order, Side

CODE = "SAFETY_CAP"


class Safety:
    """The caps of the profile, and which accounts may be traded in."""

    def __init__(
        self,
        settings: IbSettings,
        instruments: Mapping[str, Instrument],
        price_of: Callable[[str, Side], Decimal | None],
    ) -> None:
        """Value orders without a limit at `price_of(instrument, side)`."""
        self._settings = settings
        self._caps = settings.safety
        self._instruments = instruments
        self._price_of = price_of

    def check_account(self, account: str) -> None:
        """Refuse an account that is not a paper account, unless it was allowed twice.

        Raises:
            UsageError: it is not a paper account, and not both `allow_live` and `--live` are given.
        """
        if is_paper(account) or (self._caps.allow_live and self._settings.live):
            return
        raise UsageError(
            f"account {masked(account)} is not a paper account (those begin with D): trading in it takes "
            "`allow_live: true` in the profile and --live on the command line, both"
        )

    def refuse(self, order: Order, count: int) -> str | None:
        """Return why an order is not sent; `count` orders were sent before."""
        if self._caps.max_orders is not None and count >= self._caps.max_orders:
            return f"{self._caps.max_orders} orders have been sent, more are not allowed"
        return self.refuse_size(order, order.qty, order.price)

    def refuse_size(self, order: Order, qty: Decimal, price: Decimal | None) -> str | None:
        """Return why an order is not sent, or changed, with this quantity and price."""
        caps = self._caps
        if caps.max_order_qty is not None and qty > caps.max_order_qty:
            return f"quantity {qty} is above the cap of {caps.max_order_qty}"
        if caps.max_order_notional is None:
            return None
        known = price or order.stop_price or self._price_of(order.instrument, order.side)
        if known is None:
            return "its value is not known: there is no price yet"
        instrument = self._instruments.get(order.instrument)
        value = qty * known * (instrument.multiplier if instrument is not None else 1)
        if value > caps.max_order_notional:
            return f"value {value} is above the cap of {caps.max_order_notional}"
        return None
