"""Contract details as IB gives them, out of a listing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from certify.gateway.contracts.listing import Listing
from certify.gateway.trading_calendar import ZONE_NAME, hours_of, hours_text
from certify.gateway.wire.answers import WireContractDetails
from certify.gateway.wire.contract import WireContract

ORDER_TYPES = (
    "DAY,FOK,GTC,GTD,IOC,LIT,LMT,LOC,MIDPX,MIT,MKT,MOC,MTL,OCA,OPG,PEGMID,REL,STP,STPLMT,TRAIL,WHATIF"
)
"""What the simulated gateway takes; a real one lists many more."""
_AGG_GROUPS = {"STK": 1, "OPT": 2, "CASH": 4, "FUT": 2147483647, "IND": 2147483647, "CRYPTO": 2147483647}


def details_of(listing: Listing, contract: WireContract, today: date) -> WireContractDetails:
    """Return the details of `listing`, described as `contract`, with the hours of the coming days."""
    hours, lot = hours_of(listing.sec_type), listing.instrument.lot
    whole = listing.sec_type in ("STK", "CRYPTO")
    return WireContractDetails(
        contract=contract,
        market_name=listing.market_name,
        min_tick=listing.instrument.tick,
        order_types=ORDER_TYPES,
        valid_exchanges=",".join(listing.exchanges),
        price_magnifier=1,
        under_con_id=listing.under_con_id,
        long_name=listing.long_name,
        contract_month=listing.contract_month,
        industry=listing.industry,
        category=listing.category,
        subcategory=listing.subcategory,
        time_zone_id=ZONE_NAME,
        trading_hours=hours_text(hours, today, regular=False),
        liquid_hours=hours_text(hours, today, regular=True),
        agg_group=_AGG_GROUPS.get(listing.sec_type, 1),
        under_symbol=listing.under_symbol,
        under_sec_type=listing.under_sec_type,
        market_rule_ids=",".join(str(listing.rule_id) for _ in listing.exchanges),
        real_expiration_date=listing.last_trade_date,
        stock_type=listing.stock_type,
        min_size=lot,
        size_increment=lot,
        suggested_size_increment=Decimal(100) if whole and lot == 1 else lot,
    )
