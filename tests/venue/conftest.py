"""A trading floor on a clock that stands still: a venue, and desks that remember what they hear."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count

import pytest

from certify.model.trading import (
    BookUpdate,
    ExecType,
    Instrument,
    Order,
    OrderType,
    OrderUpdate,
    Quote,
    Side,
    TimeInForce,
    Trade,
)
from certify.venue import SimulatedVenue, VenueSession

ACME = Instrument("ACME.SIM")
GLOBEX = Instrument("GLOBEX.SIM", tick=Decimal("0.25"), lot=Decimal(10), multiplier=Decimal(50))


def dec(value: str | int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


class Desk:
    """A listener with a session, and orders in one line."""

    def __init__(self) -> None:
        self.session: VenueSession
        self.reports: list[OrderUpdate] = []
        self.quotes: list[Quote] = []
        self.trades: list[Trade] = []
        self.books: list[BookUpdate] = []
        self.on_report = self.reports.append
        self.on_quote = self.quotes.append
        self.on_trade = self.trades.append
        self.on_book = self.books.append
        self._ids = count(1)

    def order(self, side: str, qty: object, price: object = None, **more: object) -> str:
        """Submit a LIMIT (with a price) or a MARKET order unless told otherwise; return its id."""
        kind = more.pop("type", "MARKET" if price is None else "LIMIT")
        client_order_id = str(more.pop("id", f"{self.session.account_id}-{next(self._ids)}"))
        self.session.submit(
            Order(
                client_order_id=client_order_id,
                instrument=str(more.pop("instrument", ACME.id)),
                side=Side(side),
                qty=dec(qty),
                type=OrderType(kind),
                price=dec(price),
                stop_price=dec(more.pop("stop", None)),
                tif=TimeInForce(more.pop("tif", "DAY")),
                expire_at_ns=more.pop("expire", None),
                account=more.pop("account", None),
            )
        )
        assert not more
        return client_order_id

    def buy(self, qty: object, price: object = None, **more: object) -> str:
        return self.order("BUY", qty, price, **more)

    def sell(self, qty: object, price: object = None, **more: object) -> str:
        return self.order("SELL", qty, price, **more)

    def heard(self, client_order_id: str) -> list[str]:
        """Return the exec types reported for an order."""
        return [u.exec_type.value for u in self.reports if u.client_order_id == client_order_id]

    def last(self, client_order_id: str | None = None) -> OrderUpdate:
        return [u for u in self.reports if client_order_id in (None, u.client_order_id)][-1]

    def fills(self, client_order_id: str) -> list[tuple[Decimal, Decimal]]:
        """Return (quantity, price) of an order's fills."""
        return [
            (u.last_qty, u.last_px)
            for u in self.reports
            if u.client_order_id == client_order_id and u.exec_type is ExecType.TRADE
        ]

    def held(self, instrument: str = ACME.id) -> Decimal:
        return sum((p.qty for p in self.session.positions() if p.instrument == instrument), Decimal(0))


class Floor:
    """A venue whose time is `now`."""

    def __init__(self, **options: object) -> None:
        self.now = 1_000_000_000
        options.setdefault("threaded", False)
        self.venue = SimulatedVenue([ACME, GLOBEX], now_ns=lambda: self.now, **options)

    def desk(self, name: str, cash: str = "1000000") -> Desk:
        self.venue.open_account(name, Decimal(cash))
        return self.login(name, Desk())

    def login(self, name: str, desk: Desk) -> Desk:
        desk.session = self.venue.login(name, desk)
        return desk

    def market(
        self, bid: object, bid_size: object, ask: object, ask_size: object, name: str = ACME.id
    ) -> None:
        self.venue.set_market(Quote(name, dec(bid), dec(bid_size), dec(ask), dec(ask_size), self.now))

    def trade(self, price: object, size: object = 100, name: str = ACME.id) -> None:
        self.venue.print_trade(Trade(name, dec(price), dec(size), self.now))


@pytest.fixture(scope="session")
def new_floor() -> Callable[..., Floor]:
    return Floor


@pytest.fixture
def floor() -> Floor:
    return Floor()


@pytest.fixture
def alice(floor: Floor) -> Desk:
    return floor.desk("alice")


@pytest.fixture
def bob(floor: Floor) -> Desk:
    return floor.desk("bob")
