"""The reference platform over TWS or IB Gateway."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from certify.adapter.contract import Context
from certify.backends.ibkr.clock_watch import ClockWatch
from certify.backends.ibkr.connection import IbConnection
from certify.backends.ibkr.settings import IbSettings, parse_settings
from certify.backends.mock import DEFAULT_INSTRUMENTS, parse_instruments, parse_readiness
from certify.clock import NS_PER_MS, NS_PER_S, now_ns
from certify.errors import UsageError
from certify.reference import PlatformSettings, TradingPlatform
from certify.reference.kernel import Kernel
from certify.reference.settings import parse_limits

NAME = "certify reference platform over Interactive Brokers"
ONE_LOGIN = "one login at Interactive Brokers has one trading session: there is no second broker to go to"
NO_PAPER = "a paper account at Interactive Brokers is not opened by a program"
NO_TIMES = "IB sends the time of prints only; quotes bear the time of their arrival"
NOT_SIMULATED = "a real market cannot be set"


def create(ctx: Context) -> TradingPlatform:
    """Build the platform that `ctx.config` describes, with what `ctx.state_dir` remembers.

    Raises:
        UsageError: the configuration says something that cannot be, or the account may not be traded in.
    """
    config = ctx.config
    settings = parse_settings(config)
    if not settings.account:
        raise UsageError("expected `account`: the id of the account to trade in, as DU1234567")
    instruments = parse_instruments(config.get("instruments") or DEFAULT_INSTRUMENTS)
    connection = IbConnection(settings, instruments, state_dir=ctx.state_dir, log=ctx.log)
    platform = TradingPlatform(
        Kernel(emit=ctx.emit, now_ns=now_ns, log=ctx.log),
        connection,
        settings=platform_settings(config, settings),
        state_dir=ctx.state_dir,
        market=iter(()),
    )
    connection.on_clock = ClockWatch(platform.trade_monitor).look
    if config.get("defect"):
        importlib.import_module("certify.defects").plant(config["defect"], platform)
    return platform


def platform_settings(config: Mapping[str, Any], settings: IbSettings) -> PlatformSettings:
    """Return what the platform is set up with over this broker."""
    return PlatformSettings(
        name=NAME,
        account=settings.account,
        cash=Decimal(str(config.get("cash", "1000000"))),
        limits=parse_limits(config.get("limits")),
        readiness=parse_readiness(config),
        environment=settings.environment,
        brokers=("IBKR",),
        capabilities=capabilities(settings),
        must_connect=True,
        paper=settings.simulated or settings.paper_account is not None,
        paper_accounts=paper_accounts(settings),
        equity_every_ns=NS_PER_S,
        max_stale_ns=int(Decimal(str(config.get("max_stale_ms", 3500))) * NS_PER_MS),
        failover_after_ns=int(Decimal(str(config.get("failover_after_ms", 2000))) * NS_PER_MS),
    )


def paper_accounts(settings: IbSettings) -> str:
    """Return how paper accounts are called: as set up, else after the main account."""
    if settings.paper_account is not None:
        return settings.paper_account
    return f"{settings.account}P{{number}}"


def capabilities(settings: IbSettings) -> dict[str, bool | str]:
    """Return what is not claimed, with the reason."""
    missing: dict[str, bool | str] = {
        "framework.switch": ONE_LOGIN,
        "framework.failover": ONE_LOGIN,
        "market_data.event_time": NO_TIMES,
    }
    if not settings.simulated:
        missing["market_data.inject"] = NOT_SIMULATED
        missing["paper.open_account"] = NO_PAPER
    if not settings.simulated and settings.paper_account is None:
        missing["paper.go_live"] = NO_PAPER
    return missing
