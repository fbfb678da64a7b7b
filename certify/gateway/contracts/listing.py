"""One contract with every fact that the gateway tells about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.gateway.wire.contract import WireContract
from certify.model.trading import Instrument

STOCK_EXCHANGES = (
    "SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "DRCTEDGE", "BEX", "BATS",
    "EDGEA", "BYX", "IEX", "EDGX", "FOXRIVER", "PEARL", "NYSENAT", "LTSE", "MEMX", "PSX",
)  # fmt: skip
"""Where US stocks trade, as contract details list it."""
OPTION_EXCHANGES = ("SMART", "AMEX", "CBOE", "PHLX", "PSE", "ISE", "BOX", "BATS", "NASDAQOM", "CBOE2")
SAME_EXCHANGE = {"ISLAND": "NASDAQ", "GLOBEX": "CME", "ECBOT": "CBOT", "PSE": "ARCA"}
"""Old names that TWS still takes for an exchange, and the present ones."""

_RULES = {"0.01": 26, "0.25": 67, "0.00005": 239}
"""Market rules by price step; these three are IB's numbers, all others are this gateway's own."""
_FIRST_OWN_RULE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A contract: what the venue trades, and what IB says about it."""

    instrument: Instrument
    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    """Where it is listed; empty for options."""
    exchanges: tuple[str, ...]
    """`validExchanges`; the first is where orders go by default (SMART, CME, IDEALPRO, …)."""
    local_symbol: str
    trading_class: str
    start_price: Decimal
    """Where the generated market starts and its history ends, on the grid of ticks."""
    long_name: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    stock_type: str = ""
    """COMMON or ETF."""
    last_trade_date: str = ""
    """YYYYMMDD of futures and options."""
    contract_month: str = ""
    """YYYYMM."""
    strike: Decimal = Decimal(0)
    right: str = ""
    """C or P of options."""
    multiplier: str = ""
    """As IB writes it: empty for stocks, `50` for ES."""
    under_con_id: int = 0
    under_symbol: str = ""
    under_sec_type: str = ""

    @property
    def currency(self) -> str:
        """The currency of its prices."""
        return self.instrument.currency

    @property
    def exchange(self) -> str:
        """Where orders go by default."""
        return self.exchanges[0]

    @property
    def market_name(self) -> str:
        """`marketName` of contract details: NMS, SCM and the like in TWS; here the trading class."""
        return self.trading_class

    @property
    def rule_id(self) -> int:
        """The market rule that holds its price steps."""
        return rule_id(self.instrument.tick)

    def wire(self, exchange: str | None = None) -> WireContract:
        """Return the contract as answers carry it, with its default exchange unless another is given."""
        return WireContract(
            con_id=self.con_id,
            symbol=self.symbol,
            sec_type=self.sec_type,
            last_trade_date=self.last_trade_date,
            strike=self.strike,
            right=self.right,
            multiplier=self.multiplier,
            exchange=self.exchange if exchange is None else exchange,
            primary_exchange=self.primary_exchange,
            currency=self.currency,
            local_symbol=self.local_symbol,
            trading_class=self.trading_class,
        )

    def trades_on(self, exchange: str) -> bool:
        """Whether `exchange`, perhaps by an old name or as `SMART:ARCA`, is one of its exchanges."""
        first = exchange.replace("/", ":").split(":")[0]
        return first in self.exchanges or SAME_EXCHANGE.get(first, first) in self.exchanges

    def listed_on(self, exchange: str) -> bool:
        """Whether `exchange` is its primary exchange."""
        return SAME_EXCHANGE.get(exchange, exchange) in (self.primary_exchange, *self.exchanges[:1])


def rule_id(tick: Decimal) -> int:
    """Return the number of the market rule with the one price step `tick`."""
    text = format(tick.normalize(), "f")
    known = _RULES.get(text)
    if known is not None:
        return known
    digits, exponent = tick.normalize().as_tuple().digits, tick.normalize().as_tuple().exponent
    mantissa = int("".join(map(str, digits)))
    return _FIRST_OWN_RULE + (20 + int(exponent)) * 1000 + mantissa % 1000


def steps_of_rule(number: int) -> Decimal | None:
    """Return the price step of market rule `number`; `None` when there is no such rule."""
    for text, known in _RULES.items():
        if known == number:
            return Decimal(text)
    own = number - _FIRST_OWN_RULE
    if not 0 <= own < 40_000 or not own % 1000:
        return None
    return Decimal(own % 1000).scaleb(own // 1000 - 20)
