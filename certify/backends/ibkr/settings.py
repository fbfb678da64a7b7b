"""The configuration of the backend `ibkr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify.clock import NS_PER_MS
from certify.errors import UsageError
from certify.model.trading import Environment

MOST_MESSAGES_PER_S = 45
"""Above 50 IB complains and then closes the connection; the libraries' own default leaves five to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetySettings:
    """What may be sent at all; a limit that is `None` does not hold."""

    allow_live: bool = False
    max_order_qty: Decimal | None = None
    max_order_notional: Decimal | None = None
    max_orders: int | None = None
    """Orders over the life of the state directory."""
    max_messages_per_s: int = MOST_MESSAGES_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class IbSettings:
    """Where the gateway is, and how long its answers may take."""

    host: str = "127.0.0.1"
    port: int = 4002
    control_port: int | None = None
    """The control port of a simulated gateway; `None`: there is none."""
    client_id: int = 101
    """The first client id: orders; the next ones: market data, reference prices, paper accounts."""
    account: str = ""
    """The account to trade in; empty: the only one under the login."""
    paper_account: str | None = None
    """Another paper account under the same login, for the port `paper_trading`."""
    simulated: bool = False
    live: bool = False
    """Whether the person who started the run has said that it may be a live account."""
    market_data_type: int = 3
    """1: live data only; 3: delayed data where there is no subscription to live data."""
    connect_timeout_s: float = 4.0
    answer_timeout_s: float = 3.0
    commission_wait_ns: int = 500 * NS_PER_MS
    """How long a fill waits for its commission report before it is reported without."""
    answer_wait_ns: int = 1500 * NS_PER_MS
    """After so long without an answer to an order, change or cancel the gateway is asked."""
    heartbeat_s: float = 1.0
    silence_s: float = 3.0
    """A link over which nothing comes for so long is dead, open or not."""
    safety: SafetySettings = field(default_factory=SafetySettings)

    @property
    def environment(self) -> Environment:
        """Return what stands behind the account."""
        if self.simulated:
            return Environment.SIMULATED
        return Environment.LIVE if self.account and not is_paper(self.account) else Environment.PAPER


def is_paper(account: str) -> bool:
    """Whether an account id is that of a paper account: those begin with a D (DU…, DF…, DI…)."""
    return account.upper().startswith("D")


def masked(account: str) -> str:
    """Return an account id as it may stand in a log: `DU***001`."""
    return account if len(account) <= 5 else f"{account[:2]}***{account[-3:]}"


def parse_settings(config: Mapping[str, Any]) -> IbSettings:
    """Return the settings of a configuration: keys of `gateway`, else of the configuration itself.

    Raises:
        UsageError: a value cannot be.
    """
    gateway = config.get("gateway")
    given = {**config, **(gateway if isinstance(gateway, Mapping) else {})}
    try:
        return IbSettings(
            host=str(given.get("host", "127.0.0.1")),
            port=int(given.get("port", 4002)),
            control_port=_optional(given.get("control_port"), int),
            client_id=int(given.get("client_id", 101)),
            account=str(given.get("account") or ""),
            paper_account=_optional(given.get("paper_account"), str),
            simulated=bool(given.get("simulated", False)),
            live=config.get("live") is True,
            market_data_type=int(given.get("market_data_type", 3)),
            connect_timeout_s=float(given.get("connect_timeout_s", 4)),
            answer_timeout_s=float(given.get("answer_timeout_s", 3)),
            commission_wait_ns=_ms(given.get("commission_wait_ms", 500)),
            answer_wait_ns=_ms(given.get("answer_wait_ms", 1500)),
            heartbeat_s=float(given.get("heartbeat_s", 1)),
            silence_s=float(given.get("silence_s", 3)),
            safety=_safety(config.get("safety") or {}),
        )
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UsageError(f"the configuration of ibkr cannot be read: {error}") from error


def _ms(value: Any) -> int:
    return int(Decimal(str(value)) * NS_PER_MS)


def _optional(value: Any, kind: type[Any]) -> Any:
    return None if value is None or value == "" else kind(value)


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _safety(given: Mapping[str, Any]) -> SafetySettings:
    messages = int(given.get("max_messages_per_s", MOST_MESSAGES_PER_S))
    if not 1 <= messages <= MOST_MESSAGES_PER_S:
        raise UsageError(f"expected max_messages_per_s of 1 to {MOST_MESSAGES_PER_S}, was {messages}")
    return SafetySettings(
        allow_live=given.get("allow_live") is True,
        max_order_qty=_decimal(given.get("max_order_qty")),
        max_order_notional=_decimal(given.get("max_order_notional")),
        max_orders=_optional(given.get("max_orders"), int),
        max_messages_per_s=messages,
    )
