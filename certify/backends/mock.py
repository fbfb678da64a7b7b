"""The backend `mock`: the reference platform over the simulated exchange, all in one process.

Options (`ctx.config`), all of them optional but `instruments`:

    instruments         list of {id, kind, currency, tick, lot, multiplier}, numbers as text
    seed                of the market and of the venue's rejects (0)
    cash                of the main account and the first paper account ("1000000")
    limits              {limit name: value}; what is not named has a wide default
    commission          {per_unit, minimum_per_order}: money per unit of quantity, and least per order
                        ("0.005", "0")
    order_latency_ms    how long the venue holds its answers back (0)
    reject_rate         share of orders that the venue refuses ("0")
    market_rate_per_s   generated market events per instrument and second (40); 0: none
    max_stale_ms        quiet time after which market data is stale (3500)
    failover_after_ms   how long the active broker may be away (2000)
    readiness           {min_trades, max_drawdown}: what a paper account needs before it may go live
    go_live             "allowed" or "refused": whether the approval committee has said yes
    defect              name of a defect to plant, see `certify.defects`
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from certify.adapter.contract import Context
from certify.clock import NS_PER_MS, now_ns
from certify.errors import UsageError
from certify.model.trading import Instrument, Quote, Trade
from certify.reference import PlatformSettings, TradingPlatform
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel
from certify.reference.settings import Readiness, parse_limits
from certify.reference.simulated import OperationClock, SimulatedConnection
from certify.venue import CommissionSchedule, MarketGenerator, MarketShape, SimulatedVenue

DEFAULT_INSTRUMENTS = (
    {"id": "AAPL.NASDAQ", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": "1"},
    {"id": "MSFT.NASDAQ", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": "1"},
)


def create(ctx: Context) -> TradingPlatform:
    """Build the platform that `ctx.config` describes, with what `ctx.state_dir` remembers.

    Raises:
        UsageError: the configuration says something that cannot be.
    """
    config = ctx.config
    instruments = parse_instruments(config.get("instruments") or DEFAULT_INSTRUMENTS)
    settings = _settings(config)
    kernel = Kernel(emit=ctx.emit, now_ns=now_ns, log=ctx.log)
    connection = _connect(ctx, instruments)
    platform = TradingPlatform(
        kernel,
        connection,
        settings=settings,
        state_dir=ctx.state_dir,
        market=_market(config, instruments, connection),
    )
    if config.get("defect"):
        importlib.import_module("certify.defects").plant(config["defect"], platform)
    return platform


def parse_instruments(rows: Any) -> list[Instrument]:
    """Return the instruments of a configuration."""
    return [
        Instrument(
            id=row["id"],
            kind=row.get("kind") or "STK",
            currency=row.get("currency") or "USD",
            tick=Decimal(str(row.get("tick") or "0.01")),
            lot=Decimal(str(row.get("lot") or 1)),
            multiplier=Decimal(str(row.get("multiplier") or 1)),
        )
        for row in rows
    ]


def _connect(ctx: Context, instruments: list[Instrument]) -> SimulatedConnection:
    clock = OperationClock(now_ns)
    venue = SimulatedVenue(
        instruments,
        now_ns=clock,
        commission=_commission(ctx.config),
        order_latency_ns=_ms(ctx.config, "order_latency_ms", 0),
        reject_rate=Decimal(str(ctx.config.get("reject_rate", 0))),
        seed=int(ctx.config.get("seed", 0)),
    )
    return SimulatedConnection(venue, clock, instruments, Journal(ctx.state_dir / "venue.jsonl"))


def _commission(config: Mapping[str, Any]) -> CommissionSchedule:
    given = config.get("commission") or {}
    return CommissionSchedule(
        per_unit=Decimal(str(given.get("per_unit", "0.005"))),
        minimum_per_order=Decimal(str(given.get("minimum_per_order", 0))),
    )


def _ms(config: Mapping[str, Any], key: str, default: float) -> int:
    return int(Decimal(str(config.get(key, default))) * NS_PER_MS)


def _settings(config: Mapping[str, Any]) -> PlatformSettings:
    return PlatformSettings(
        cash=Decimal(str(config.get("cash", "1000000"))),
        limits=parse_limits(config.get("limits")),
        readiness=parse_readiness(config),
        max_stale_ns=_ms(config, "max_stale_ms", 3500),
        failover_after_ns=_ms(config, "failover_after_ms", 2000),
    )


def parse_readiness(config: Mapping[str, Any]) -> Readiness:
    """Return what a configuration asks of a paper account before it may go live; raises `UsageError`."""
    wanted = config.get("readiness") or {}
    unknown = set(wanted) - {"min_trades", "max_drawdown"}
    if unknown:
        raise UsageError(
            f"expected readiness of min_trades and max_drawdown, was {', '.join(sorted(unknown))}"
        )
    go_live = config.get("go_live", "allowed")
    if go_live not in ("allowed", "refused"):
        raise UsageError(f"expected go_live of allowed or refused, was {go_live}")
    return Readiness(
        min_trades=int(wanted.get("min_trades", 5)),
        max_drawdown=Decimal(str(wanted.get("max_drawdown", 20))),
        committee_approved=go_live == "allowed",
    )


def _market(
    config: Mapping[str, Any], instruments: list[Instrument], connection: SimulatedConnection
) -> Iterator[tuple[int, Quote | Trade]]:
    """Return the generated market; after a restart it goes on from the last quotes."""
    rate_per_s = float(config.get("market_rate_per_s", 40))
    if rate_per_s <= 0:
        return iter(())
    shape = MarketShape(rate_per_s=rate_per_s, u_shape=0.0)
    seed = int(config.get("seed", 0))
    return MarketGenerator(instruments, seed, shape=shape, start_prices=connection.last_bids())
