"""Requests about the session, accounts and orders; fields named as in the protocol, ids first."""

from __future__ import annotations

from dataclasses import dataclass

from certify.gateway.wire.market_requests import Request
from certify.gateway.wire.order import WireOrder

__all__ = [
    "CancelAccountSummary",
    "CancelAccountUpdatesMulti",
    "CancelOrder",
    "CancelPnL",
    "CancelPnLSingle",
    "CancelPositions",
    "CancelPositionsMulti",
    "PlaceOrder",
    "ReplaceFA",
    "ReqAccountSummary",
    "ReqAccountUpdates",
    "ReqAccountUpdatesMulti",
    "ReqAllOpenOrders",
    "ReqAutoOpenOrders",
    "ReqCompletedOrders",
    "ReqCurrentTime",
    "ReqExecutions",
    "ReqFamilyCodes",
    "ReqGlobalCancel",
    "ReqIds",
    "ReqManagedAccts",
    "ReqOpenOrders",
    "ReqPnL",
    "ReqPnLSingle",
    "ReqPositions",
    "ReqPositionsMulti",
    "ReqSoftDollarTiers",
    "ReqUserInfo",
    "RequestFA",
    "SetServerLogLevel",
    "StartApi",
    "Unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Request):
    """A message that the gateway does not know."""

    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartApi(Request):
    """Begin the session."""

    client_id: int
    optional_capabilities: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Request):
    """A new order, or a change of the one with this id."""

    order: WireOrder

    @property
    def order_id(self) -> int:
        """The client's number of the order."""
        return self.order.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Request):
    """Cancel an order of this client."""

    order_id: int
    manual_cancel_order_time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqOpenOrders(Request):
    """This client's working orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqAccountUpdates(Request):
    """Stream an account's values and portfolio, or end it."""

    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqExecutions(Request):
    """Today's executions; client id 0 and empty texts filter nothing."""

    req_id: int
    client_id: int
    acct_code: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqIds(Request):
    """The next valid order id; the number is ignored."""

    num_ids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetServerLogLevel(Request):
    """How much the server logs."""

    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqAutoOpenOrders(Request):
    """Bind orders made by hand to this client (only client 0 may)."""

    auto_bind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqAllOpenOrders(Request):
    """All clients' working orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqManagedAccts(Request):
    """The accounts of this login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFA(Request):
    """An advisor's settings."""

    fa_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceFA(Request):
    """Replace an advisor's settings."""

    fa_type: int
    xml: str
    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqCurrentTime(Request):
    """The server's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqGlobalCancel(Request):
    """Cancel every order of the login, by whomever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqPositions(Request):
    """Stream all accounts' positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPositions(Request):
    """End the positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqAccountSummary(Request):
    """Stream chosen values of all accounts."""

    req_id: int
    group: str
    tags: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAccountSummary(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqPositionsMulti(Request):
    """Stream one account's or model's positions."""

    req_id: int
    account: str
    model_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPositionsMulti(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqAccountUpdatesMulti(Request):
    """Stream one account's or model's values."""

    req_id: int
    account: str
    model_code: str
    ledger_and_nlv: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAccountUpdatesMulti(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqSoftDollarTiers(Request):
    """Tiers of soft dollars."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqFamilyCodes(Request):
    """Codes of an advisor's family of accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqPnL(Request):
    """Stream an account's profit."""

    req_id: int
    account: str
    model_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPnL(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqPnLSingle(Request):
    """Stream a position's profit."""

    req_id: int
    account: str
    model_code: str
    con_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPnLSingle(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqCompletedOrders(Request):
    """Today's completed orders."""

    api_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqUserInfo(Request):
    """The login's white-branding id."""

    req_id: int
