"""What a client may mean: the contracts that there are, found the way TWS finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from certify.gateway import universe
from certify.gateway.contracts import making
from certify.gateway.contracts.listing import Listing
from certify.gateway.contracts.options import UNDERLYINGS, Chain, underlying_of
from certify.gateway.wire.contract import WireContract
from certify.model.trading import Instrument

SEC_TYPES = frozenset(
    {
        "STK", "OPT", "FUT", "CONTFUT", "FUT+CONTFUT", "IND", "FOP", "CASH", "BAG", "WAR", "BOND", "CMDTY",
        "NEWS", "FUND", "CFD", "CRYPTO",
    }
)  # fmt: skip
"""Security types that TWS knows; of those that are not in the universe nothing is ever found."""
_MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a contract will not do: an error code and its text."""

    code: int
    text: str


NOT_FOUND = Refusal(200, "No security definition has been found for the request")
NO_EXCHANGE = Refusal(321, "Error validating request.-'bN' : cause - Please enter exchange")
BAD_TYPE = Refusal(321, "Error validating request.-'bN' : cause - Please enter a valid security type")


class ContractBook:
    """The instruments of a profile and the built-in universe; option chains are made on demand."""

    def __init__(self, instruments: Sequence[Instrument], today: date) -> None:
        """List what trades on `today`; a profile's instrument comes before the universe's of the same id."""
        known = {
            each.instrument.id: each for each in (*making.stocks(), *making.others(), *making.futures(today))
        }
        known |= {each.id: making.of_profile(each, known) for each in instruments}
        self._today = today
        self._by_id: dict[str, Listing] = {}
        self._by_con_id: dict[int, Listing] = {}
        self._by_symbol: dict[str, list[Listing]] = {}
        self._by_local_symbol: dict[str, list[Listing]] = {}
        self._chains: dict[str, Chain] = {}
        self._found: dict[WireContract, Listing | Refusal] = {}
        for listing in known.values():
            self._add(listing)
            self._by_symbol.setdefault(listing.symbol, []).append(listing)
            self._by_local_symbol.setdefault(listing.local_symbol, []).append(listing)

    def _add(self, listing: Listing) -> Listing:
        self._by_con_id[listing.con_id] = listing
        return self._by_id.setdefault(listing.instrument.id, listing)

    # -- one contract

    def listing(self, instrument: str) -> Listing | None:
        """Return the listing of a certify instrument id."""
        return self._by_id.get(instrument)

    def by_con_id(self, con_id: int) -> Listing | None:
        """Return the listing of a contract id; option chains are made if that is where it may be."""
        listing = self._by_con_id.get(con_id)
        if listing is None and universe.is_own(con_id) and len(self._chains) < len(UNDERLYINGS):
            for symbol in UNDERLYINGS:
                chain = self.chain(symbol)
                for option in chain.options() if chain else ():
                    self._add(option)
            listing = self._by_con_id.get(con_id)
        return listing

    def find(self, wanted: WireContract) -> Listing | Refusal:
        """Return the one contract that is meant, for data or an order, or why there is none."""
        found = self._found.get(wanted)
        if found is None:
            found = self._find(wanted)
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            self._found[wanted] = found
        return found

    def _find(self, wanted: WireContract) -> Listing | Refusal:
        problem = self.malformed(wanted)
        if problem is not None:
            return problem
        if not wanted.exchange:
            return NO_EXCHANGE
        matches = self.search(wanted)
        if not matches:
            return NOT_FOUND
        if len(matches) > 1:
            name = wanted.symbol or wanted.local_symbol
            return Refusal(200, f"The contract description specified for {name} is ambiguous.")
        return matches[0]

    def malformed(self, wanted: WireContract) -> Refusal | None:
        """Return what is wrong with a description before anything is looked for."""
        if not wanted.con_id and wanted.sec_type not in SEC_TYPES:
            return BAD_TYPE
        return None

    # -- all that fit

    def search(self, wanted: WireContract) -> list[Listing]:
        """Return every contract that fits; by its id alone when that is given."""
        if wanted.con_id:
            listing = self.by_con_id(wanted.con_id)
            good = listing is not None and (not wanted.exchange or listing.trades_on(wanted.exchange))
            return [listing] if listing is not None and good else []
        found = [each for each in self._candidates(wanted) if _fits(each, wanted)]
        if wanted.sec_type == "CONTFUT":
            first = min((each.last_trade_date for each in found), default="")
            found = [each for each in found if each.last_trade_date == first]
        return found

    def _candidates(self, wanted: WireContract) -> Iterator[Listing]:
        if wanted.sec_type == "OPT":
            symbol = wanted.symbol or underlying_of(wanted.local_symbol[:6].strip())
            yield from self._options(symbol, wanted)
        elif wanted.symbol:
            yield from self._by_symbol.get(wanted.symbol, ())
        elif wanted.local_symbol:
            yield from self._by_local_symbol.get(wanted.local_symbol, ())

    def _options(self, symbol: str, wanted: WireContract) -> Iterator[Listing]:
        chain = self.chain(symbol)
        if chain is None:
            return
        right = wanted.right[:1].upper() if wanted.right not in ("", "?", "0") else ""
        for option in chain.options(wanted.last_trade_date, wanted.strike or None, right):
            yield self._add(option)

    def chain(self, symbol: str) -> Chain | None:
        """Return the option chain on a stock or index; `None` where there is none."""
        if symbol not in UNDERLYINGS:
            return None
        if symbol not in self._chains:
            listings = self._by_symbol.get(symbol, ())
            under = next((each for each in listings if each.sec_type in ("STK", "IND")), None)
            if under is None:
                return None
            self._chains[symbol] = Chain(under, self._today)
        return self._chains[symbol]

    def like(self, pattern: str, most: int = 16) -> list[Listing]:
        """Return what has `pattern` at the start of its symbol or in its name, best first; no futures."""
        text = pattern.strip().upper()
        if not text:
            return []
        ranked = []
        for symbol, listings in self._by_symbol.items():
            for each in listings:
                rank = _likeness(text, symbol, each.long_name)
                if rank is not None and each.sec_type != "FUT":
                    ranked.append((rank, symbol, each.instrument.id))
        return [self._by_id[each] for _, _, each in sorted(ranked)[:most]]

    def under(self, con_id: int, symbol: str) -> list[Listing]:
        """Return the futures on an underlying."""
        return [
            each
            for each in self._by_symbol.get(symbol, ())
            if each.sec_type == "FUT" and (not con_id or each.under_con_id == con_id)
        ]


def _likeness(text: str, symbol: str, name: str) -> int | None:
    if symbol == text:
        return 0
    if symbol.startswith(text):
        return 1
    return 2 if len(text) > 1 and text in name.upper() else None


def _fits(listing: Listing, wanted: WireContract) -> bool:
    sec_type = "FUT" if "FUT" in wanted.sec_type else wanted.sec_type
    if sec_type != listing.sec_type:
        return False
    same = (
        (wanted.symbol, listing.symbol),
        (wanted.currency, listing.currency),
        (wanted.local_symbol, listing.local_symbol),
        (wanted.trading_class, listing.trading_class),
    )
    if any(asked and asked != told for asked, told in same):
        return False
    if wanted.exchange and not listing.trades_on(wanted.exchange):
        return False
    if wanted.primary_exchange and not listing.listed_on(wanted.primary_exchange):
        return False
    return _fits_terms(listing, wanted)


def _fits_terms(listing: Listing, wanted: WireContract) -> bool:
    """Whether expiry, strike, right and multiplier are those asked for."""
    asked = wanted.last_trade_date[:8]
    if asked and asked != (listing.contract_month if len(asked) == 6 else listing.last_trade_date):
        return False
    return not wanted.multiplier or wanted.multiplier == (listing.multiplier or "1")
