"""What an account holds and is worth, from the venue's own books.

Net liquidation is cash plus the market value of the positions, to the last digit. Realised profit is after
commissions, as IB has it, and since the beginning of the gateway's day; margin is a fixed share of the value
of each position (`MARGIN`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.contracts.listing import Listing
from certify.model.trading import AccountState, BookUpdate, OrderUpdate, Position, Quote, Trade
from certify.venue import VenueSession

if TYPE_CHECKING:
    from certify.gateway.house import Gateway

MARGIN = {
    "STK": (Decimal("0.50"), Decimal("0.25")),
    "FUT": (Decimal("0.10"), Decimal("0.08")),
    "CASH": (Decimal("0.03"), Decimal("0.03")),
}
"""Initial and maintenance margin as shares of a position's value; all other kinds are to be paid in full."""
PAID_IN_FULL = (Decimal(1), Decimal(1))
DAY_TRADE_LEVERAGE = 4
"""Buying power is so many times the available funds."""
_ZERO = Decimal(0)
_FINEST = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One position with its worth."""

    listing: Listing
    qty: Decimal
    """Signed."""
    average_cost: Decimal
    """Average price times multiplier with the commissions for what is held, as IB has it; 0 when flat."""
    market_price: Decimal
    market_value: Decimal
    unrealized: Decimal
    realized: Decimal

    @property
    def total(self) -> Decimal:
        """Realised and unrealised profit together."""
        return self.realized + self.unrealized

    def describe(self) -> dict[str, Any]:
        """Return what the action `positions` tells."""
        return {
            "instrument": self.listing.instrument.id,
            "con_id": self.listing.con_id,
            "qty": self.qty,
            "average_cost": self.average_cost,
            "market_value": self.market_value,
            "unrealized_pnl": self.unrealized,
            "realized_pnl": self.realized,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One account's money at one moment; in its base currency."""

    state: AccountState
    holdings: tuple[Holding, ...]
    realized: Decimal
    """Since the beginning of the day, after the commissions that do not count as cost of what is held."""
    unrealized: Decimal
    """What is held is worth so much more than it cost, commissions included."""
    daily: Decimal
    """Change of the net liquidation value since the beginning of the day."""
    initial_margin: Decimal
    maintenance_margin: Decimal

    @property
    def gross(self) -> Decimal:
        """The value of all positions without their signs."""
        return sum((abs(each.market_value) for each in self.holdings), _ZERO)

    def describe(self) -> dict[str, Any]:
        """Return what the action `account` tells."""
        state = self.state
        return {
            "account": state.account,
            "currency": state.currency,
            "cash": state.cash,
            "net_liquidation": state.equity,
            "gross_position_value": self.gross,
            "realized_pnl": self.realized,
            "unrealized_pnl": self.unrealized,
            "commissions": state.commissions,
            "daily_pnl": self.daily,
        }

    def value_of(self, *sec_types: str) -> Decimal:
        """Return the signed value of the positions of some security types."""
        return sum((each.market_value for each in self.holdings if each.listing.sec_type in sec_types), _ZERO)


class _Deaf:
    """A listener that wants to hear nothing: the desk is told of fills when the client has heard of them."""

    def on_report(self, update: OrderUpdate) -> None:
        """Hear nothing."""

    def on_quote(self, quote: Quote) -> None:
        """Hear nothing."""

    def on_trade(self, trade: Trade) -> None:
        """Hear nothing."""

    def on_book(self, book: BookUpdate) -> None:
        """Hear nothing."""


class Books:
    """The venue's books of all accounts, in the gateway's words."""

    def __init__(self, gateway: Gateway) -> None:
        """Look at the books of `gateway`'s venue."""
        self._gateway = gateway
        self._sessions: dict[str, VenueSession] = {}
        self._began: dict[str, tuple[Decimal, Decimal]] = {}
        self._began_with: dict[tuple[str, str], Decimal] = {}

    def session(self, account: str) -> VenueSession:
        """Return a session of the venue for `account`; raises `UsageError` when there is no such account."""
        if account not in self._sessions:
            if account not in self._gateway.account_settings:
                raise UsageError(f"no account {account}")
            self._sessions[account] = self._gateway.venue.login(account, _Deaf())
        return self._sessions[account]

    def new_day(self) -> None:
        """Count the day's profit from now."""
        for account in self._gateway.account_settings:
            state, holdings = self.session(account).account(), self.holdings(account)
            unrealized = sum((each.unrealized for each in holdings), _ZERO)
            self._began[account] = (state.equity, _realized(state, unrealized))
            for each in holdings:
                self._began_with[account, each.listing.instrument.id] = each.total

    def holdings(self, account: str) -> tuple[Holding, ...]:
        """Return every position the account has or had, flat ones too."""
        return tuple(self._holding(account, each) for each in self.session(account).positions())

    def _holding(self, account: str, position: Position) -> Holding:
        listing = self._gateway.contracts.known(position.instrument)
        multiplier = listing.instrument.multiplier
        cost = (position.avg_px or _ZERO) * multiplier
        value = tidy(position.qty * cost + position.unrealized_pnl)
        units = position.qty * multiplier
        unrealized, realized = position.unrealized_pnl, position.realized_pnl
        booked = self._gateway.orders.ledger.holding(account, position.instrument)
        if booked is not None and booked.qty == position.qty:  # else somebody traded past the order desk
            cost = booked.cost / booked.qty if booked.qty else _ZERO
            unrealized, realized = value - booked.cost, booked.realized
        return Holding(
            listing=listing,
            qty=position.qty,
            average_cost=tidy(cost),
            market_price=tidy(value / units) if units else _ZERO,
            market_value=value,
            unrealized=tidy(unrealized),
            realized=tidy(realized),
        )

    def daily(self, account: str, holding: Holding) -> Decimal:
        """Return what a position has brought since the beginning of the day."""
        return holding.total - self._began_with.get((account, holding.listing.instrument.id), _ZERO)

    def worth(self, account: str) -> Worth:
        """Return an account's money and positions."""
        session = self.session(account)
        state, holdings = session.account(), self.holdings(account)
        start = self._gateway.account_settings[account].cash
        equity, realized = self._began.get(account, (start, _ZERO))
        unrealized = sum((each.unrealized for each in holdings), _ZERO)
        return Worth(
            state=state,
            holdings=holdings,
            realized=_realized(state, unrealized) - realized,
            unrealized=unrealized,
            daily=tidy(state.equity) - tidy(equity),
            initial_margin=sum((self.margin(h.listing, h.market_value)[0] for h in holdings), _ZERO),
            maintenance_margin=sum((self.margin(h.listing, h.market_value)[1] for h in holdings), _ZERO),
        )

    def margin(self, listing: Listing, value: Decimal) -> tuple[Decimal, Decimal]:
        """Return initial and maintenance margin of a position worth `value` (signed)."""
        initial, maintenance = MARGIN.get(listing.sec_type, PAID_IN_FULL)
        return abs(value) * initial, abs(value) * maintenance


def _realized(state: AccountState, unrealized: Decimal) -> Decimal:
    """Return what an account has realised: everything it has gained that is not `unrealized`."""
    return state.realized_pnl + state.unrealized_pnl - state.commissions - unrealized


def tidy(amount: Decimal) -> Decimal:
    """Return an amount to the eighth decimal: what an average's endless digits would hide."""
    return amount.quantize(_FINEST)


def cents(amount: Decimal) -> str:
    """Return an amount as IB writes it, with two decimals."""
    return f"{amount:.2f}"
