"""A simulated exchange: limit order books, accounts, commissions and a market-data generator."""

from certify.venue.accounts import CommissionSchedule
from certify.venue.exchange import SimulatedVenue
from certify.venue.generator import (
    MarketEvent,
    MarketGenerator,
    MarketShape,
    TickGenerator,
    default_price,
)
from certify.venue.house import HouseFeed
from certify.venue.orders import Code
from certify.venue.session import VenueListener, VenueSession
from certify.venue.upkeep import forget_past, held_values, house_prices

__all__ = [
    "Code",
    "CommissionSchedule",
    "HouseFeed",
    "MarketEvent",
    "MarketGenerator",
    "MarketShape",
    "SimulatedVenue",
    "TickGenerator",
    "VenueListener",
    "VenueSession",
    "default_price",
    "forget_past",
    "held_values",
    "house_prices",
]
