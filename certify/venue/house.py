"""The short way for a market that is generated: in ticks and lots, past the queue of what is to be heard.

Who generates a market and also listens to it tells itself what it shows. The venue only notes it, as
`Market.note` says, and its listeners' numbers, its values and its ids are those of `set_market`.
"""

from __future__ import annotations

from certify.venue.exchange import SimulatedVenue
from certify.venue.market import Top
from certify.venue.session import VenueSession


class HouseFeed:
    """One instrument's house; every call belongs into `with venue.together()`."""

    __slots__ = ("_accounts", "_entry", "_instrument", "_market")

    def __init__(self, venue: SimulatedVenue, instrument: str) -> None:
        """Show prices of `instrument`, which the venue trades."""
        self._market = venue._markets[instrument]
        self._entry = venue._entry
        self._accounts = venue._accounts
        self._instrument = instrument

    def quote(self, top: Top, session: VenueSession | None) -> int:
        """Note a quote with both sides and return its number on the feed, for `session` to be told.

        0, and nothing done, when it has to be matched or somebody else listens: `set_market` does it then.
        """
        market = self._market
        if market.halted or not self._entry.open or not market.heard_by("QUOTE", session):
            return 0
        number = market.note(top)
        if number:
            self._entry.skip(2)
        return number

    def trade(self, price: int, session: VenueSession | None) -> int:
        """Note a trade at `price` ticks and return its number on the feed, for `session` to be told.

        0, and nothing done, when stops wait or somebody else listens: `print_trade` does it then.
        """
        market = self._market
        if not market.stops.empty or not market.heard_by("TRADE", session):
            return 0
        return market.note_ticks(price)

    @property
    def unnoticed(self) -> bool:
        """Whether nobody listens, has an order or holds anything, so that time need not pass here."""
        market = self._market
        return (
            market.quiet
            and market.stops.empty
            and not (market.listeners["QUOTE"] or market.listeners["TRADE"])
            and not any(self._instrument in account.holdings for account in self._accounts.values())
        )
