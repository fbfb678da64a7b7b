"""The codes of the TWS API's error messages: their texts, and what each means for an order.

Texts: Interactive Brokers' published list of message codes and recordings; builds differ in details. A
message is called an error whatever it is: those from 2100 to 2169 are notices. Clients show several
live orders as dead because they do not tell these from refusals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CODES", "Code", "CodeKind", "Severity", "code_text", "order_meaning"]


class CodeKind(StrEnum):
    """What a message is about, and what becomes of the order that it names."""

    NOTICE = "notice"
    """About nothing that was asked: farms, account data, warnings."""
    ORDER_REJECT = "order_reject"
    """Refused: a new order is dead; a working one, whose change is refused, goes on as it was."""
    ORDER_DEAD = "order_dead"
    """The order has ended."""
    ORDER_LIVES = "order_lives"
    """No end of the order: it goes on, or it is what it was before (working, filled or cancelled: ask)."""
    REQUEST = "request"
    """A request for data failed or ended."""
    CONNECTION = "connection"
    """About the link from client to gateway, or from gateway to IB."""


class Severity(StrEnum):
    """How bad a message is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code; `text` has places in braces, `defaults` what stands there when nothing is said.

    `order_kind` is what a code that is not about orders means when an order's id comes with it.
    """

    code: int
    text: str
    kind: CodeKind
    severity: Severity
    order_kind: CodeKind = CodeKind.ORDER_LIVES
    defaults: Mapping[str, str] = field(default_factory=dict)

    def render(self, **parts: object) -> str:
        """Fill the places of the text; one that nothing is known for becomes empty."""
        return self.text.format_map(_Parts({**self.defaults, **parts}))


class _Parts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


_ORDER_KINDS = frozenset({CodeKind.ORDER_REJECT, CodeKind.ORDER_DEAD, CodeKind.ORDER_LIVES})

_REJECTS = {
    103: "Duplicate order id",
    106: "Can't transmit order ID:{order_id}",
    107: "Cannot transmit incomplete order",
    109: "Price is out of the range defined by the Percentage setting at order defaults frame. The order will"
    " not be transmitted.",
    110: "The price does not conform to the minimum price variation for this contract.",
    111: "The TIF (Tif type) and the order type are incompatible.",
    116: "The order cannot be transmitted to a dead exchange.",
    133: "Submit new order failed.",
    134: "Modify order failed",
    201: "Order rejected - reason:{reason}",
    203: "The security {symbol} is not available or allowed for this account.",
    325: "Discretionary orders are not supported for this combination of exchange and order type",
    328: "Trailing stop orders can be attached to limit or stop-limit orders only.",
    329: "Order modify failed. Cannot change to the new order type.",
    355: "Order size does not conform to market rule.",
    387: "Unsupported order type for this exchange and security type.",
    388: "Order size {size} is smaller than the minimum required size of {minimum}.",
    391: "Invalid time-in-force:{tif}.",
    412: "The contract is not available for trading.",
    434: "The order size cannot be zero.",
    435: "You must specify an account.",
    436: "You must specify an allocation.",
    461: "Fractional-sized order cannot be placed via API. Please use desktop version of TWS to place this"
    " order.",
    463: "You must enter a valid price.",
    478: "Parameters in request conflicts with contract parameters received by contract id:"
    " requested {requested}, in contract {found};",
    10006: "Missing parent order.",
    10052: "Invalid time in force:{tif}.",
    10243: "Fractional-sized order cannot be placed via API. Please trade this order in TWS.",
    10268: "The 'EtradeOnly' order attribute is not supported.",
}
_LIVES = {
    104: "Can't modify a filled order.",
    105: "Order being modified does not match original order",
    135: "Can't find order with ID = {order_id}",
    136: "This order cannot be cancelled.",
    161: "Cancel attempted when order is not in a cancellable state. Order permId = {perm_id}",
    399: "Order Message:\n{order}\nWarning: {warning}",
    404: "Order held while securities are located.",
    10147: "OrderId {order_id} that needs to be cancelled is not found.",
    10148: "OrderId {order_id} that needs to be cancelled can not be cancelled, state: {state}.",
}
_ORDER_NOTICES = {
    2109: "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type"
    " and destination. PlaceOrder is now being processed.",
    2137: "The closing order quantity is greater than your current position.",
    2161: "In accordance with our regulatory obligations as a broker, we will initially cap (or limit) the"
    " price of your Market Order to {price}.",
    10311: "This order will be directly routed to {exchange}. Direct routed orders may result in higher trade"
    " fees.",
    10349: "Order TIF was set to DAY based on order preset.",
}
_REQUESTS = {
    101: "Max number of tickers has been reached",
    102: "Duplicate ticker ID",
    162: "Historical Market Data Service error message:{reason}",
    166: "HMDS Expired Contract Violation.",
    300: "Can't find EId with tickerId:{ticker_id}",
    309: "Max number ({limit}) of market depth requests has been reached",
    310: "Can't find the subscribed market depth with tickerId:{ticker_id}",
    316: "Market depth data has been HALTED. Please re-subscribe.",
    323: "Server error when processing an API client request: {reason}",
    354: "Requested market data is not subscribed.{detail}",
    366: "No historical data query found for ticker id:{ticker_id}",
    420: "Invalid Real-time Query:{reason}",
    10089: "Requested market data requires additional subscription for API. See link in 'Market Data"
    " Connections' dialog for more details.{detail}",
    10090: "Part of requested market data is not subscribed.{detail}",
    10092: "Deep market data is not supported for this combination of security type/exchange",
    10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
    10182: "Failed to request live updates (disconnected).",
    10186: "Requested market data is not subscribed. Delayed market data is not enabled.{detail}",
    10187: "Failed to request historical ticks:{reason}",
    10189: "Failed to request tick-by-tick data:{reason}",
    10190: "Max number of tick-by-tick requests has been reached.",
    10197: "No market data during competing live session",
    10225: "Bust event occurred, current subscription is deactivated. Please resubscribe real-time bars"
    " immediately.",
}
_REQUESTS_THAT_REJECT = {
    200: "No security definition has been found for the request",
    320: "Error reading request. {reason}",
    321: "Error validating request.-'{request}' : cause - {cause}",
    322: "Error processing request.-'{request}' : cause - {cause}",
}
_REQUEST_NOTICES = {
    165: "Historical Market Data Service query message:{reason}",
    317: "Market depth data has been RESET. Please empty deep book contents before applying any new entries.",
    10167: "Requested market data is not subscribed. Displaying delayed market data.",
}
_FARMS = {
    2103: ("Market data farm connection is broken:{farm}", Severity.WARNING),
    2104: ("Market data farm connection is OK:{farm}", Severity.INFO),
    2105: ("HMDS data farm connection is broken:{farm}", Severity.WARNING),
    2106: ("HMDS data farm connection is OK:{farm}", Severity.INFO),
    2107: (
        "HMDS data farm connection is inactive but should be available upon demand.{farm}",
        Severity.INFO,
    ),
    2108: (
        "Market data farm connection is inactive but should be available upon demand.{farm}",
        Severity.INFO,
    ),
    2119: ("Market data farm is connecting:{farm}", Severity.INFO),
    2157: ("Sec-def data farm connection is broken:{farm}", Severity.WARNING),
    2158: ("Sec-def data farm connection is OK:{farm}", Severity.INFO),
}
_NOTICES = {
    0: "Warning: Approaching max rate of {limit} messages per second ({received})",
    2100: "New account data requested from TWS. API client has been unsubscribed from account data.",
}
_CONNECTION = {
    100: ("Max rate of messages per second has been exceeded:max={limit} rec={received}", Severity.ERROR),
    326: (
        "Unable to connect as the client id is already in use. Retry with a unique client id.",
        Severity.ERROR,
    ),
    501: ("Already Connected.", Severity.WARNING),
    502: (
        'Couldn\'t connect to TWS. Confirm that "Enable ActiveX and Socket Clients" is enabled and connection'
        ' port is the same as "Socket Port" on the TWS "Edit->Global Configuration...->API->Settings" menu.',
        Severity.ERROR,
    ),
    503: ("The TWS is out of date and must be upgraded.", Severity.ERROR),
    504: ("Not connected", Severity.ERROR),
    505: ("Fatal Error: Unknown message id.", Severity.ERROR),
    507: ("Bad Message Length", Severity.ERROR),
    1100: ("Connectivity between IB and Trader Workstation has been lost.", Severity.ERROR),
    1101: (
        "Connectivity between IB and Trader Workstation has been restored - data lost.",
        Severity.WARNING,
    ),
    1102: (
        "Connectivity between IB and Trader Workstation has been restored - data maintained."
        " All data farms are connected: {farms}.",
        Severity.INFO,
    ),
    1300: (
        "TWS socket port has been reset and this connection is being dropped."
        " Please reconnect on the new port - {port}",
        Severity.ERROR,
    ),
    2110: (
        "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
        Severity.ERROR,
    ),
}
_DEFAULTS: dict[int, dict[str, str]] = {
    **{code: {"farm": "usfarm"} for code in (2103, 2104, 2108, 2119)},
    **{code: {"farm": "ushmds"} for code in (2105, 2106, 2107)},
    **{code: {"farm": "secdefnj"} for code in (2157, 2158)},
    0: {"limit": "50"},
    100: {"limit": "50"},
    1102: {"farms": "usfarm; ushmds; secdefnj"},
}


def _codes(
    texts: Mapping[int, str],
    kind: CodeKind,
    severity: Severity,
    order_kind: CodeKind = CodeKind.ORDER_LIVES,
) -> dict[int, Code]:
    meaning = kind if kind in _ORDER_KINDS else order_kind
    return {
        code: Code(
            code=code,
            text=text,
            kind=kind,
            severity=severity,
            order_kind=meaning,
            defaults=_DEFAULTS.get(code, {}),
        )
        for code, text in texts.items()
    }


def _graded(texts: Mapping[int, tuple[str, Severity]], kind: CodeKind) -> dict[int, Code]:
    return {
        number: code
        for number, (text, severity) in texts.items()
        for code in _codes({number: text}, kind, severity).values()
    }


CODES: dict[int, Code] = {
    **_codes(_REJECTS, CodeKind.ORDER_REJECT, Severity.ERROR),
    **_codes({202: "Order Canceled - reason:{reason}"}, CodeKind.ORDER_DEAD, Severity.WARNING),
    **_codes(_LIVES, CodeKind.ORDER_LIVES, Severity.WARNING),
    **_codes(_ORDER_NOTICES, CodeKind.ORDER_LIVES, Severity.INFO),
    **_codes(_REQUESTS, CodeKind.REQUEST, Severity.ERROR),
    **_codes(_REQUESTS_THAT_REJECT, CodeKind.REQUEST, Severity.ERROR, CodeKind.ORDER_REJECT),
    **_codes(_REQUEST_NOTICES, CodeKind.REQUEST, Severity.WARNING),
    **_codes(_NOTICES, CodeKind.NOTICE, Severity.WARNING),
    **_graded(_FARMS, CodeKind.NOTICE),
    **_graded(_CONNECTION, CodeKind.CONNECTION),
}
"""Every code that the gateway can say, by its number."""


def code_text(code: int, **parts: object) -> str:
    """Write a code's text; a code that is not in the table has the text of its part `reason`."""
    known = CODES.get(code)
    return str(parts.get("reason", "")) if known is None else known.render(**parts)


def order_meaning(code: int) -> CodeKind:
    """Say what a message with this code and an order's id means for the order.

    A code that nobody knows is no end of the order: its state has to be asked for.
    """
    known = CODES.get(code)
    return CodeKind.ORDER_LIVES if known is None else known.order_kind
