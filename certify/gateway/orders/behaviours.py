"""Behaviours: how an order fares because somebody commanded it, each as a small function.

| name | parameters | what happens |
| --- | --- | --- |
| accept | trade=false | acknowledged as Submitted; kept from trading until cancelled, unless `trade` |
| partial_fill | qty, rest_ms=250 | `qty` (half) fills at once, the rest later, or never (-1) |
| reject | code=201, reason | Inactive and error 201, or another code |
| held | release_ms | error 404, PreSubmitted with whyHeld `locate`; goes on after `release_ms`, if given |
| message_399 | text | acknowledged, then error 399; the order lives |
| never_acknowledge | | lost on the way: no word of it, not found by asking; a cancel gets 10147 |
| acknowledge_late | delay_ms=1000 | nothing happens before; a cancel meanwhile makes it ApiCancelled |
| fill_on_cancel | code=10148 | kept from trading; a cancel makes it fill, then the error (or 161) |
| cancel_unsolicited | delay_ms=100, reason | acknowledged, kept from trading, then cancelled by IB |
| execution_first | | the first execDetails comes before any openOrder |
| duplicate_execution | | execDetails and commissionReport come twice |
| commission_late | delay_ms=1000 | commissionReport comes late, and asking does not give it before |
| commission_lost | | commissionReport does not come; asking for executions gives it |
| status_lost | | no orderStatus comes |

What fills by command fills at the market, else at the order's own limit, and is booked like any trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.orders import refusals
from certify.gateway.orders.exchange_side import not_cancellable, wrong_state
from certify.gateway.orders.records import CANCELLED, OrderRecord, Wait
from certify.gateway.values import decimal, switch, whole

if TYPE_CHECKING:
    from certify.gateway.orders.desk import OrderDesk

Parameters = Mapping[str, Any]
Behaviour = Callable[["OrderDesk", OrderRecord, Parameters], None]


@dataclass(slots=True)
class Rule:
    """One command: the next `count` orders that match behave so."""

    name: str
    count: int
    instrument: str | None
    order_ref: str | None
    client_id: int | None
    parameters: Parameters

    def matches(self, record: OrderRecord) -> bool:
        """Whether an order is one of those meant."""
        return (
            self.instrument in (None, record.instrument.id)
            and self.order_ref in (None, record.terms.order_ref)
            and self.client_id in (None, record.client_id)
        )


class Behaviours:
    """The commands that wait for an order, the oldest that matches first."""

    def __init__(self) -> None:
        """Begin without any."""
        self._rules: list[Rule] = []

    def command(self, rule: Rule) -> None:
        """Add a command; raises `UsageError` for a name, a count or a parameter that does not exist."""
        known = PARAMETERS.get(rule.name)
        if known is None:
            raise UsageError(f"behaviour: expected {', '.join(BEHAVIOURS)}, was {rule.name}")
        strange = set(rule.parameters) - set(known)
        if strange:
            raise UsageError(f"behaviour {rule.name}: no parameter {', '.join(sorted(strange))}")
        for name, value in rule.parameters.items():
            known[name](value, name)
        if rule.count < 1:
            raise UsageError(f"behaviour {rule.name}: expected a count of 1 or more, was {rule.count}")
        self._rules.append(rule)

    def take(self, record: OrderRecord) -> Rule | None:
        """Return the command for an order and count it."""
        for rule in self._rules:
            if rule.matches(record):
                rule.count -= 1
                if not rule.count:
                    self._rules.remove(rule)
                return rule
        return None

    def clear(self) -> None:
        """Forget the commands that still wait for an order."""
        self._rules.clear()

    @property
    def any(self) -> bool:
        """Whether a command waits."""
        return bool(self._rules)


def accept(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Acknowledge; trade only if asked to."""
    if switch(parameters.get("trade", False), "trade"):
        desk.proceed(record)
    else:
        _keep(desk, record)


def partial_fill(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Fill a part at once and the rest later."""
    lot = record.instrument.lot
    half = (record.total / 2 / lot).to_integral_value(ROUND_CEILING) * lot
    part = min(decimal(parameters.get("qty", half), "qty"), record.total)
    rest_ms = whole(parameters.get("rest_ms", 250), "rest_ms")
    record.waits.add(Wait.OFF_MARKET)
    desk.exchange.force_fill(record, part)
    if rest_ms >= 0 and record.working:
        desk.later(rest_ms, _fill_rest, record)


def _fill_rest(desk: OrderDesk, record: OrderRecord) -> None:
    if record.working and not record.venue_id:
        record.waits.discard(Wait.OFF_MARKET)
        desk.exchange.force_fill(record, record.remaining)


def reject(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Refuse it as IB would."""
    code = whole(parameters.get("code", refusals.ORDER_REJECTED), "code")
    reason = parameters.get("reason", "Rejected by the exchange: as commanded")
    desk.refuse(record, code, f"Order rejected - reason:{reason}")


def held(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Hold it while shares to sell short are looked for."""
    record.waits.add(Wait.LOCATE)
    desk.announce(record)
    desk.send_error(record, refusals.HELD, "Order held while securities are located.")
    if "release_ms" in parameters:
        desk.later(whole(parameters["release_ms"], "release_ms"), _release, record)


def _release(desk: OrderDesk, record: OrderRecord) -> None:
    record.waits.discard(Wait.LOCATE)
    desk.proceed(record)


def message_399(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Send an order message, and let the order go on."""
    record.waits.add(Wait.OFF_MARKET)
    record.status = record.standing()
    desk.announce(record)
    text = parameters.get("text") or (
        f"Order Message:\n{record.terms.action} {record.total:f} {record.contract.symbol} "
        f"{record.contract.primary_exchange or record.contract.exchange}\n"
        "Warning: your order will not be placed at the exchange until the next session."
    )
    desk.send_error(record, refusals.ORDER_MESSAGE, str(text))
    record.waits.discard(Wait.OFF_MARKET)
    desk.proceed(record)


def never_acknowledge(_desk: OrderDesk, record: OrderRecord, _parameters: Parameters) -> None:
    """Lose it."""
    record.silent = True
    record.waits.add(Wait.OFF_MARKET)


def acknowledge_late(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Let it wait before anything is done."""
    record.silent = True
    record.waits.add(Wait.OFF_MARKET)
    desk.later(whole(parameters.get("delay_ms", 1000), "delay_ms"), _acknowledge, record)


def _acknowledge(desk: OrderDesk, record: OrderRecord) -> None:
    if record.working:
        record.silent = False
        record.waits.discard(Wait.OFF_MARKET)
        desk.proceed(record)


def fill_on_cancel(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Let a cancel lose the race against a fill."""
    code = whole(parameters.get("code", refusals.CANCEL_WRONG_STATE), "code")

    def race(lost: OrderRecord) -> None:
        lost.waits.discard(Wait.OFF_MARKET)
        desk.exchange.force_fill(lost, lost.remaining)
        text = not_cancellable(lost) if code == refusals.NOT_CANCELLABLE else wrong_state(lost)
        desk.send_error(lost, code, text)

    record.on_cancel = race
    _keep(desk, record)


def cancel_unsolicited(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
    """Cancel it though nobody asked."""
    reason = str(parameters.get("reason", "Cancelled by the exchange"))
    _keep(desk, record)

    def cancel(late: OrderDesk, ended: OrderRecord) -> None:
        if ended.working:
            late.end(ended, CANCELLED, reason)

    desk.later(whole(parameters.get("delay_ms", 100), "delay_ms"), cancel, record)


def _keep(desk: OrderDesk, record: OrderRecord) -> None:
    """Acknowledge an order and keep it from trading."""
    record.waits.add(Wait.OFF_MARKET)
    record.status = record.standing()
    desk.announce(record)


def _bent(name: str) -> Behaviour:
    """Return a behaviour that bends the messages of an order that trades as the market has it."""

    def bend(desk: OrderDesk, record: OrderRecord, parameters: Parameters) -> None:
        record.quirks[name] = True
        if "delay_ms" in PARAMETERS[name]:
            record.quirks[name] = whole(parameters.get("delay_ms", 1000), "delay_ms")
        desk.proceed(record)

    return bend


def _text(value: object, _name: str) -> object:
    return value


PARAMETERS: Mapping[str, Mapping[str, Callable[[Any, str], object]]] = {
    "accept": {"trade": switch},
    "partial_fill": {"qty": decimal, "rest_ms": whole},
    "reject": {"code": whole, "reason": _text},
    "held": {"release_ms": whole},
    "message_399": {"text": _text},
    "never_acknowledge": {},
    "acknowledge_late": {"delay_ms": whole},
    "fill_on_cancel": {"code": whole},
    "cancel_unsolicited": {"delay_ms": whole, "reason": _text},
    "execution_first": {},
    "duplicate_execution": {},
    "commission_late": {"delay_ms": whole},
    "commission_lost": {},
    "status_lost": {},
}
"""The parameters of each behaviour, with what reads their values."""

BEHAVIOURS: Mapping[str, Behaviour] = {
    "accept": accept,
    "partial_fill": partial_fill,
    "reject": reject,
    "held": held,
    "message_399": message_399,
    "never_acknowledge": never_acknowledge,
    "acknowledge_late": acknowledge_late,
    "fill_on_cancel": fill_on_cancel,
    "cancel_unsolicited": cancel_unsolicited,
    "execution_first": _bent("execution_first"),
    "duplicate_execution": _bent("duplicate_execution"),
    "commission_late": _bent("commission_late"),
    "commission_lost": _bent("commission_lost"),
    "status_lost": _bent("status_lost"),
}
"""What each name does with an order that has just been transmitted."""
