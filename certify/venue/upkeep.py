"""Services for who runs a venue: what the house shows, what accounts are worth, letting go of past days."""

from __future__ import annotations

import heapq
from decimal import Decimal

from certify.venue.accounts import Account
from certify.venue.exchange import SimulatedVenue


def house_prices(venue: SimulatedVenue, instrument: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the house's own bid and ask, customers' orders left out; `None` for a side that it has not."""
    with venue._dispatcher:
        market = venue._market(instrument)
        bid, ask = (market.house.get(sign) for sign in (1, -1))
        ticks = market.contract.ticks.outside
        return (
            ticks(bid.price) if bid is not None and bid.level is not None else None,
            ticks(ask.price) if ask is not None and ask.level is not None else None,
        )


def held_values(venue: SimulatedVenue, account_id: str) -> tuple[Decimal, dict[str, tuple[Decimal, Decimal]]]:
    """Return an account's cash, and quantity and value (both signed) of what it holds, by instrument.

    Together they are its equity. For who asks at every order: the positions of a session say more and take
    several times as long.
    """
    with venue._dispatcher:
        account = venue._accounts[account_id]
        money, held = account.money, {}
        for name, holding in account.holdings.items():
            if holding.qty:
                mark = venue._markets[name].mark()
                value = money.outside(holding.cost) if mark is None else holding.value_at(mark)
                held[name] = (holding.contract.lots.outside(holding.qty), value)
        return money.outside(account.cash), held


def forget_past(venue: SimulatedVenue) -> None:
    """Let go of orders that have ended and of all executions; working orders, cash and positions stay.

    Executions up to now can be busted or corrected no more, nor are they listed; ids of orders that have
    ended are free again.
    """
    with venue._dispatcher:
        venue._reporter.executions.clear()
        for account in venue._accounts.values():
            _forget(account)
        venue._expiries[:] = [each for each in venue._expiries if each[2].working]
        heapq.heapify(venue._expiries)


def _forget(account: Account) -> None:
    account.orders = dict(account.working)
    account.rejected.clear()
    account.executions.clear()
    account.reports.clear()
    account.carried = {name: holding.copy() for name, holding in account.holdings.items()}
