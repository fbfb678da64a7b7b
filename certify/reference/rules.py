"""The pre-trade limits, one rule each: at the limit is allowed, above it is refused.

A rule is asked with the order, the account's desk and the limit; it answers with a refusal or `None`
and changes nothing. Controls of this kind are asked for by RTS 6 Art. 15 (EU) 2017/589 and by
SEC rule 15c3-5; the values are the firm's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal

from certify.clock import NS_PER_S
from certify.model.trading import Decision, Instrument
from certify.reference.exposure import Desk, Proposal

Rule = Callable[[Proposal, Desk, Decimal], Decision | None]


def breach(name: str, observed: Decimal, limit: Decimal) -> Decision:
    """Return the refusal of a limit, with what was seen and what is allowed."""
    return Decision(
        accepted=False,
        code=name.upper(),
        reason=f"{name}: observed {observed:f}, limit {limit:f}",
        observed=observed,
        limit=limit,
    )


def no_reference(name: str, instrument: str) -> Decision:
    """Return the refusal for want of a price: what cannot be valued cannot be allowed."""
    return Decision(False, "NO_REFERENCE", f"{name}: no price of {instrument} to measure against")


class OrderRate:
    """Counts orders and changes over the last second."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """Tell time by `now_ns`."""
        self._now_ns = now_ns
        self._sent: deque[int] = deque()

    def count(self) -> int:
        """Return how many were let through in the last second."""
        horizon = self._now_ns() - NS_PER_S
        while self._sent and self._sent[0] <= horizon:
            self._sent.popleft()
        return len(self._sent)

    def add(self) -> None:
        """Count one more, now."""
        self._sent.append(self._now_ns())


class LimitRules:
    """The rules that the risk manager is built with."""

    def __init__(self, instruments: Mapping[str, Instrument], rate: OrderRate) -> None:
        """Know the instruments (for their multipliers) and the recent messages."""
        self._instruments = instruments
        self._rate = rate

    def table(self) -> dict[str, Rule]:
        """Return every rule by the name of its limit, in the order in which they are asked."""
        return {
            "max_order_rate": self.max_order_rate,
            "max_order_qty": self.max_order_qty,
            "max_order_notional": self.max_order_notional,
            "price_band": self.price_band,
            "max_open_orders": self.max_open_orders,
            "max_position_qty": self.max_position_qty,
            "max_position_notional": self.max_position_notional,
            "max_daily_loss": self.max_daily_loss,
        }

    def max_order_rate(self, _proposal: Proposal, _desk: Desk, limit: Decimal) -> Decision | None:
        """Limit new orders and changes in any one second; cancels never count."""
        observed = Decimal(self._rate.count() + 1)
        return breach("max_order_rate", observed, limit) if observed > limit else None

    def max_order_qty(self, proposal: Proposal, _desk: Desk, limit: Decimal) -> Decision | None:
        """Limit the quantity of the whole order."""
        return breach("max_order_qty", proposal.qty, limit) if proposal.qty > limit else None

    def max_order_notional(self, proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit the value of the whole order."""
        price = desk.value_price(proposal)
        if price is None:
            return no_reference("max_order_notional", proposal.instrument)
        value = proposal.qty * price * self._multiplier(proposal)
        return breach("max_order_notional", value, limit) if value > limit else None

    def price_band(self, proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit how far limit and stop price may be from the reference, in percent, to either side."""
        prices = [price for price in (proposal.price, proposal.stop_price) if price is not None]
        if not prices or not proposal.price_changed:
            return None
        reference = desk.prices.reference(proposal.instrument)
        if reference is None or not reference:
            return no_reference("price_band", proposal.instrument)
        observed = max(abs(price - reference) for price in prices) * 100 / reference
        return breach("price_band", observed, limit) if observed > limit else None

    def max_open_orders(self, proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit the working orders; a change adds none."""
        observed = Decimal(desk.open_orders + 1)
        return (
            breach("max_open_orders", observed, limit)
            if observed > limit and not proposal.is_change
            else None
        )

    def max_position_qty(self, proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit the position that would be, were every working order of this side filled."""
        observed = desk.worst_position(proposal)
        return breach("max_position_qty", observed, limit) if observed > limit else None

    def max_position_notional(self, proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit the value of the position that would be, at the order's own valuation."""
        price = desk.value_price(proposal)
        if price is None:
            return no_reference("max_position_notional", proposal.instrument)
        observed = desk.worst_position(proposal) * price * self._multiplier(proposal)
        return breach("max_position_notional", observed, limit) if observed > limit else None

    def max_daily_loss(self, _proposal: Proposal, desk: Desk, limit: Decimal) -> Decision | None:
        """Limit what may be lost in a day: realised, unrealised and commissions together."""
        observed = desk.loss()
        return breach("max_daily_loss", observed, limit) if observed > limit else None

    def _multiplier(self, proposal: Proposal) -> Decimal:
        instrument = self._instruments.get(proposal.instrument)
        return instrument.multiplier if instrument is not None else Decimal(1)
