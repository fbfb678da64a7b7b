"""Defects in what becomes of an order, a cancel or a change on the way to the venue."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from certify.defects.trading_wrap import (
    Collected,
    on_engines,
    on_orders,
    on_sent,
    wrap,
)
from certify.model.trading import (
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
    TimeInForce,
)

planted = Collected()


def _tif(platform: Any, asked: TimeInForce, sent: TimeInForce) -> None:
    on_sent(platform, lambda order: replace(order, tif=sent) if order.tif is asked else order)


@planted("ioc_rests", "IOC is mapped to DAY: what is not filled at once goes on working")
def _ioc_rests(platform: Any) -> None:
    _tif(platform, TimeInForce.IOC, TimeInForce.DAY)


@planted("fok_as_ioc", "FOK is mapped to IOC: it fills in part")
def _fok_as_ioc(platform: Any) -> None:
    _tif(platform, TimeInForce.FOK, TimeInForce.IOC)


@planted("fok_rests", "FOK is mapped to DAY")
def _fok_rests(platform: Any) -> None:
    _tif(platform, TimeInForce.FOK, TimeInForce.DAY)


@planted("gtc_sent_as_day", "GTC is lost on the way: the venue holds a DAY order")
def _gtc_sent_as_day(platform: Any) -> None:
    _tif(platform, TimeInForce.GTC, TimeInForce.DAY)


@planted("gtd_never_expires", "the expiry of a GTD order is dropped, it works until canceled")
def _gtd_never_expires(platform: Any) -> None:
    _tif(platform, TimeInForce.GTD, TimeInForce.GTC)


@planted("limit_sent_as_market", "the limit price is forgotten: limit orders go out as market orders")
def _limit_sent_as_market(platform: Any) -> None:
    def change(order: Order) -> Order:
        limit = order.type is OrderType.LIMIT
        return replace(order, type=OrderType.MARKET, price=None) if limit else order

    on_sent(platform, change)


@planted("stop_triggers_early", "a stop triggers some ticks before its price")
def _stop_triggers_early(platform: Any) -> None:
    def change(order: Order) -> Order:
        if order.stop_price is None:
            return order
        early = platform.instruments[order.instrument].tick * (3 if order.side is Side.BUY else -3)
        return replace(order, stop_price=order.stop_price - early)

    on_sent(platform, change)


@planted("sell_stop_inverted", "a sell stop is watched as if it were a buy stop: it triggers at once")
def _sell_stop_inverted(platform: Any) -> None:
    def change(order: Order) -> Order:
        sell_stop = order.stop_price is not None and order.side is Side.SELL
        return replace(order, type=OrderType.MARKET, stop_price=None) if sell_stop else order

    on_sent(platform, change)


@planted("stop_never_triggers", "stops are kept but nobody watches the market for them")
def _stop_never_triggers(platform: Any) -> None:
    def change(order: Order) -> Order:
        far = Decimal(2) if order.side is Side.BUY else Decimal("0.5")
        return replace(order, stop_price=order.stop_price * far) if order.stop_price else order

    on_sent(platform, change)


@planted("stop_limit_as_market", "a stop limit order becomes a market order when it triggers")
def _stop_limit_as_market(platform: Any) -> None:
    def change(order: Order) -> Order:
        stop_limit = order.type is OrderType.STOP_LIMIT
        return replace(order, type=OrderType.STOP, price=None) if stop_limit else order

    on_sent(platform, change)


@planted("stop_without_price_as_market", "a stop order without a stop price is sent as a market order")
def _stop_without_price_as_market(platform: Any) -> None:
    def change(order: Order) -> Order:
        bare = order.type is OrderType.STOP and order.stop_price is None
        return replace(order, type=OrderType.MARKET) if bare else order

    on_orders(platform, change)


@planted("missing_price_as_market", "a limit order without a price is sent as a market order")
def _missing_price_as_market(platform: Any) -> None:
    def change(order: Order) -> Order:
        bare = order.type is OrderType.LIMIT and not order.price
        return replace(order, type=OrderType.MARKET, price=None) if bare else order

    on_orders(platform, change)


@planted("negative_price_made_positive", "a negative limit price loses its sign")
def _negative_price_made_positive(platform: Any) -> None:
    on_orders(platform, lambda o: replace(o, price=abs(o.price)) if o.price and o.price < 0 else o)


@planted("rounds_price_silently", "a price off the tick is rounded instead of refused")
def _rounds_price_silently(platform: Any) -> None:
    def change(order: Order) -> Order:
        known = platform.instruments.get(order.instrument)
        if order.price is None or known is None:
            return order
        return replace(order, price=order.price.quantize(known.tick, ROUND_HALF_EVEN))

    on_orders(platform, change)


@planted("rounds_qty_silently", "a quantity off the lot is cut to whole lots")
def _rounds_qty_silently(platform: Any) -> None:
    def change(order: Order) -> Order:
        lot = platform.instruments[order.instrument].lot if order.instrument in platform.instruments else 1
        return replace(order, qty=order.qty // lot * lot) if order.qty > lot else order

    on_orders(platform, change)


@planted("negative_qty_flips_side", "an order for a negative quantity is sent with the other side")
def _negative_qty_flips_side(platform: Any) -> None:
    other = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
    on_orders(platform, lambda o: replace(o, qty=-o.qty, side=other[o.side]) if o.qty < 0 else o)


@planted("unknown_instrument_ignored", "an order in an unknown instrument is dropped without a word")
def _unknown_instrument_ignored(platform: Any) -> None:
    on_orders(platform, lambda order: order if order.instrument in platform.instruments else None)


@planted("duplicate_id_ignored", "an order whose id was used before is dropped without a word")
def _duplicate_id_ignored(platform: Any) -> None:
    used: set[str] = set()

    def change(order: Order) -> Order | None:
        if order.client_order_id in used:
            return None
        used.add(order.client_order_id)
        return order

    on_orders(platform, change)


@planted("duplicate_id_replaces", "an order with a used id takes the place of the first one")
def _duplicate_id_replaces(platform: Any) -> None:
    def change(engine: Any) -> None:
        engine.refuse_duplicate = lambda _order: None

    on_engines(platform, change)


@planted("duplicate_id_acknowledged", "an order with a used id is acknowledged, though nothing is sent")
def _duplicate_id_acknowledged(platform: Any) -> None:
    used = set(platform.execution.used_ids)

    def change(order: Order) -> Order | None:
        if order.client_order_id not in used:
            used.add(order.client_order_id)
            return order
        platform.kernel.emit(_fresh(order))
        return None

    on_orders(platform, change)


@planted("ids_forgotten_on_restart", "ids of before a restart are taken again")
def _ids_forgotten_on_restart(platform: Any) -> None:
    old = set(platform.execution.used_ids)

    def change(order: Order) -> Order | None:
        if order.client_order_id not in old:
            return order
        platform.kernel.emit(_fresh(order))
        return None

    on_orders(platform, change)


def _fresh(order: Order) -> OrderUpdate:
    return OrderUpdate(
        client_order_id=order.client_order_id,
        instrument=order.instrument,
        exec_type=ExecType.NEW,
        status=OrdStatus.NEW,
        side=order.side,
        qty=order.qty,
        price=order.price,
        leaves_qty=order.qty,
    )


@planted("more_than_displayed", "the simulation fills any size at the best price")
def _more_than_displayed(platform: Any) -> None:
    def make(set_market: Any) -> Any:
        def changed(quote: Quote) -> None:
            bid_size, ask_size = (size and size * 1000 for size in (quote.bid_size, quote.ask_size))
            set_market(replace(quote, bid_size=bid_size, ask_size=ask_size))

        return changed

    wrap(platform.connection, "set_market", make)


@planted(
    "burst_drops_orders",
    "orders that come faster than they are handled are dropped now and then",
    where="venue",  # a paced socket takes no burst of twelve orders in 50 ms
)
def _burst_drops_orders(platform: Any) -> None:
    taken: list[int] = []

    def change(order: Order) -> Order | None:
        now = platform.kernel.now_ns()
        taken[:] = [at for at in taken if at > now - 50_000_000] + [now]
        return order if len(taken) <= 12 else None

    on_orders(platform, change)


DEFECTS = tuple(planted.defects)
