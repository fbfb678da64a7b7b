"""What a level's orders and quotes are: small, marketable, flat in the end, within the safety caps."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.load.request import OrderTerms, QuoteTerms
from certify.model.trading import Quote, Side, TimeInForce
from certify.phases.api import Unmeasurable
from certify.phases.bulk import BulkOrders
from certify.phases.orders import to_tick
from certify.phases.trial import MARKET_SIZE, Trial
from certify.profile.model import LoadLevel

ORDER_PORTS = ("execution", "broker", "paper_trading")
"""Where the load's orders go: the first port in scope, the system's own order path before the bare broker."""
THROUGH_THE_MARKET = Decimal("0.005")
"""How far a limit lies on the other side of the market, so that it is still marketable when the price
moves: 0.5 %, or a quarter of the price band if that is less."""
SPARE_ARRIVALS = 1.5
"""A random shape of arrival may send more than rate × time."""


@dataclass(frozen=True, slots=True)
class LevelTerms:
    """The terms of one level, and its orders as the ledger expects them."""

    orders: OrderTerms | None
    quotes: QuoteTerms | None
    bulk: BulkOrders | None


def order_port(trial: Trial) -> str | None:
    """Return the port that takes the load's orders, or None."""
    return next((port for port in ORDER_PORTS if trial.has(port, "submit")), None)


def most_orders(level: LoadLevel) -> int:
    """Return how many orders a level may send at most."""
    return int(level.orders_per_s * (level.warmup_s + level.duration_s) * SPARE_ARRIVALS) + 100


def terms_for(trial: Trial, level: LoadLevel, number: int) -> LevelTerms:
    """Set the market and return the terms of the `number`-th level of the run.

    Raises:
        Unmeasurable: there is no price to go by, or the safety caps forbid the level.
    """
    quote = trial.set_market()
    port = order_port(trial)
    quotes = _quotes(trial, quote) if level.market_data_per_s and trial.can_set_market else None
    if port is None or not level.orders_per_s:
        return LevelTerms(None, quotes, None)
    orders = _orders(trial, port, quote, number)
    _hold_caps(trial, level, orders)
    return LevelTerms(orders, quotes, _bulk(orders, most_orders(level)))


def _quotes(trial: Trial, quote: Quote) -> QuoteTerms:
    if quote.bid is None or quote.ask is None:
        raise Unmeasurable(f"expected a two-sided market of {quote.instrument}, was {quote.bid}/{quote.ask}")
    return QuoteTerms(
        instrument=quote.instrument,
        bid=quote.bid,
        ask=quote.ask,
        size=MARKET_SIZE,
        lot=trial.instrument.lot,
    )


def _orders(trial: Trial, port: str, quote: Quote, number: int) -> OrderTerms:
    tick = trial.instrument.tick
    band = trial.plan.limits.get("price_band")
    through = min(THROUGH_THE_MARKET, band / 400) if band else THROUGH_THE_MARKET
    info = trial.session(port).info
    ioc = info is None or info.capabilities.get("orders.ioc", True) is True
    return OrderTerms(
        port=port,
        prefix=f"{trial.shared.tag}-L{number}-",
        instrument=quote.instrument,
        qty=trial.instrument.lot,
        buy_price=to_tick((quote.ask or Decimal(0)) * (1 + through), tick, down=True),
        sell_price=to_tick((quote.bid or Decimal(0)) * (1 - through), tick, down=False),
        tif=TimeInForce.IOC if ioc else TimeInForce.DAY,
    )


def _hold_caps(trial: Trial, level: LoadLevel, orders: OrderTerms) -> None:
    safety, shared = trial.plan.safety, trial.shared
    if not trial.capped(orders.qty, orders.buy_price):
        raise Unmeasurable(f"the profile's safety caps forbid an order of {orders.qty} @ {orders.buy_price}")
    if safety.max_messages_per_s is not None and level.orders_per_s > safety.max_messages_per_s:
        raise Unmeasurable(
            f"level {level.name}: {level.orders_per_s:g} orders/s are more than the profile's cap of "
            f"{safety.max_messages_per_s:g} messages/s"
        )
    planned = int(level.orders_per_s * (level.warmup_s + level.duration_s))
    if shared.orders_sent + planned > safety.max_orders:
        raise Unmeasurable(
            f"level {level.name}: {planned} orders are more than what is left of the profile's cap of "
            f"{safety.max_orders}"
        )
    shared.orders_sent += planned


def _bulk(orders: OrderTerms, count: int) -> BulkOrders:
    return BulkOrders(
        port=orders.port,
        prefix=orders.prefix,
        count=count,
        instrument=orders.instrument,
        qty=orders.qty,
        prices={Side.BUY: orders.buy_price, Side.SELL: orders.sell_price},
        tif=orders.tif,
    )
