"""What a simulated gateway is started with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.errors import UsageError
from certify.model.trading import Instrument

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The only hosts the gateway listens on: it knows no password, as the real one does not."""

LOWEST_VERSION, HIGHEST_VERSION = 157, 178
"""The dialects spoken; see the table of server versions in `docs/gateway.md`."""

FEED_ACCOUNT = "MARKET-DATA"
"""An account of the venue without money, for desks that only listen; no client ever sees it."""

DEFAULT_INSTRUMENTS = tuple(
    Instrument(f"{symbol}.{venue}")
    for symbol, venue in (
        ("AAPL", "NASDAQ"), ("MSFT", "NASDAQ"), ("NVDA", "NASDAQ"), ("AMZN", "NASDAQ"), ("GOOG", "NASDAQ"),
        ("TSLA", "NASDAQ"), ("QQQ", "NASDAQ"), ("IBM", "NYSE"), ("JPM", "NYSE"), ("SPY", "ARCA"),
    )
)  # fmt: skip
"""What is traded where nothing else is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """One account under the login; `DU…` is a paper account, `U…` a live one."""

    id: str
    cash: Decimal = Decimal(1_000_000)
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingSettings:
    """How many messages a client may send; 0 means no limit."""

    limit: int = 50
    """Messages in one window: IB's 50 per second."""
    window_s: float = 0.95
    """Less than a second: two bursts of a client that keeps the limit must never be seen as one."""
    warn_share: float = 0.88
    """A notice (code 0) is sent once per window at this share of the limit: IB's 44 of 50."""
    violations: int = 3
    """So many windows above the limit, and the connection is dropped."""

    def __post_init__(self) -> None:
        """Refuse what is no pace; raises `UsageError`."""
        if self.limit < 0 or self.window_s <= 0 or self.violations < 1:
            raise UsageError(f"expected a pacing limit of 0 or more, was {self.limit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What bounds the gateway against any client."""

    clients: int = 32
    """TWS takes 32 clients."""
    waiting: int = 32
    """Connections that have not said who they are yet."""
    handshake_s: float = 10.0
    """A connection that has not sent startApi by then is closed."""
    frame_bytes: int = 1 << 20
    """A longer message ends the connection."""
    bad_messages: int = 10
    """So many messages that cannot be read end the connection."""
    congested_bytes: int = 256 << 10
    """A client with more unread bytes than this gets no ticks until it has caught up."""
    unread_bytes: int = 16 << 20
    """A client with more unread bytes than this is dropped."""
    stalled_s: float = 30.0
    """A client that stays congested for so long is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Everything a gateway is started with; raises `UsageError` for what cannot work."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    control_port: int | None = 0
    """0: any free port; `None`: no control port."""
    accounts: tuple[AccountSettings, ...] = (AccountSettings(id="DU1000001"),)
    instruments: tuple[Instrument, ...] = DEFAULT_INSTRUMENTS
    max_version: int = HIGHEST_VERSION
    seed: int = 0
    market_rate_per_s: float = 10.0
    """Mean number of events of each followed instrument; 0: no generated market."""
    max_tickers: int = 100
    """Market data lines; one more is refused with error 101."""
    read_only: bool = False
    """Orders are refused with error 321."""
    magic: bool = False
    """Orders over certain quantities make things happen: the table of `certify.gateway.magic`."""
    first_order_id: int = 1
    """The next valid id of a client id that has never been used."""
    id_release_s: float = 0.0
    """How long a client id stays in use after its connection broke without a proper end."""
    coalesce: bool = True
    """Messages made in one turn leave in one write; without it one write per message."""
    pacing: PacingSettings = PacingSettings()
    limits: LimitSettings = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse what cannot work; raises `UsageError`."""
        if self.host not in LOOPBACK:
            raise UsageError(f"the simulated gateway listens on loopback only, was asked for {self.host}")
        if not LOWEST_VERSION <= self.max_version <= HIGHEST_VERSION:
            expected = f"{LOWEST_VERSION} to {HIGHEST_VERSION}"
            raise UsageError(f"expected a server version of {expected}, was {self.max_version}")
        for port in (self.port, self.control_port or 0):
            if not 0 <= port <= 65_535:
                raise UsageError(f"expected a port of 0 to 65535, was {port}")
        names = [account.id for account in self.accounts]
        if not names or len(set(names)) != len(names):
            raise UsageError(f"expected one or more different accounts, was {', '.join(names) or 'none'}")
        if not self.instruments:
            raise UsageError("expected one or more instruments")
        if self.market_rate_per_s < 0:
            raise UsageError(f"expected a market rate of 0 or more, was {self.market_rate_per_s}")
