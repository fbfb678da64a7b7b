"""What a check is given: the system's ports, the market, the ledger, its parameters, and patience."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from certify import clock
from certify.model.events import CommandSent, Note
from certify.model.trading import Alert, Decision, Instrument, Limit, Quote
from certify.phases.api import Unmeasurable, Unmet, expect
from certify.phases.gateway import GatewayControl
from certify.phases.ledger import Ledger
from certify.phases.session import CALL_TIMEOUT_S, Publish, SystemSession
from certify.plan import Plan, PlannedCheck
from certify.profile import kinds

T = TypeVar("T")
PATIENCE_S = 5.0
"""How long an event may take before silence is failure, unless a check's parameter says otherwise."""
QUICK_LOOK_S = 0.3
"""How long to look for something that must not come."""
MARKET_SIZE = Decimal(10_000)
NO_LIMIT = {"*": Decimal(1_000_000_000), "price_band": Decimal(90)}
"""What a limit goes back to that a check has set where there was none: wide enough to bind nothing."""
HALF_SPREAD_TICKS = 1
READS = frozenset(
    [
        "instruments",
        "health",
        "describe",
        "open_orders",
        "positions",
        "executions",
        "account",
        "readiness",
        "mode",
        "brokers",
        "active",
        "limits",
        "state",
        "precheck",
        "metrics",
        "alerts",
        "subscribe",
        "unsubscribe",
        "inject",
    ]
)
"""Methods that change no order and no mode: not in the journal as commands."""


@dataclass(slots=True)
class Shared:
    """What all checks of one run share."""

    plan: Plan
    sessions: Mapping[str, SystemSession]
    """Port → the session that answers for it."""
    ledger: Ledger
    publish: Publish
    run_dir: Path
    tag: str
    """Prefix of every client order id of this run."""
    orders_sent: int = 0
    order_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    market_centre: dict[str, Decimal] = field(default_factory=dict)
    killed: bool = False
    cut_ports: set[str] = field(default_factory=set)
    changed_limits: dict[tuple[str, str | None], Decimal] = field(default_factory=dict)
    """Limit name and instrument (None: all) → the value to go back to."""
    facts: dict[str, object] = field(default_factory=dict)
    """Findings that a later check builds on; `live` while a paper system was taken live."""

    def reset(self, ports: Iterable[str]) -> None:
        """Forget what was changed about a system that is replaced by a fresh one."""
        gone = set(ports)
        self.cut_ports -= gone
        if "risk" in gone:
            self.killed = False
            self.changed_limits.clear()
        if "paper_trading" in gone:
            self.facts.pop("live", None)


class Trial:
    """One check's view of the run."""

    def __init__(self, shared: Shared, planned: PlannedCheck) -> None:
        """Give one check its own randomness, seeded by the run and its id."""
        self.shared = shared
        self.plan = shared.plan
        self.planned = planned
        self.ledger = shared.ledger
        self.rng = random.Random(f"{shared.plan.seed}:{planned.id}")

    # parameters

    def seconds(self, name: str) -> float:
        """Return a duration parameter of the card in seconds."""
        return float(_required(kinds.seconds(self.planned.parameters[name])))

    def number(self, name: str) -> float:
        """Return a parameter as a plain number: counts, percents (2 for `2%`), rates per second."""
        text = self.planned.parameters[name]
        value = kinds.percent(text)
        value = kinds.per_second(text) if value is None else value
        return float(Decimal(text) if value is None else value)

    # the system

    def session(self, port: str) -> SystemSession:
        """Return the session that answers for a port (`system` is the first port's)."""
        if port == "system":
            return next(iter(self.shared.sessions.values()))
        return self.shared.sessions[port]

    @property
    def gateway(self) -> GatewayControl:
        """The simulated gateway behind the check's own component, else the first that there is.

        Raises:
            Unmeasurable: the tool runs none.
        """
        found = self.gateways
        own = self.shared.sessions.get(self.planned.component)
        if own is not None and own.backend.key in found:
            return found[own.backend.key]
        if not found:
            raise Unmeasurable("expected a simulated gateway to command, was none in the profile")
        return next(iter(found.values()))

    @property
    def gateways(self) -> dict[str, GatewayControl]:
        """Key of a backend → the simulated gateway that the tool runs for it."""
        sessions = self.shared.sessions.values()
        return {s.backend.key: s.gateway for s in sessions if s.gateway is not None}

    def has(self, port: str, method: str | None = None) -> bool:
        """Return whether a port (or one of its methods) is there and in scope."""
        if port not in self.shared.sessions:
            return False
        session = self.shared.sessions[port]
        if method is None:
            return session.facts is not None and port in session.facts.methods
        return session.has(port, method)

    def call(self, port: str, method: str, *args: object, timeout_s: float = CALL_TIMEOUT_S) -> object:
        """Call a method of a port; what changes something is journalled first."""
        if method not in READS:
            text = ", ".join(str(arg) for arg in args)
            self.shared.publish(CommandSent(at_ns=clock.now_ns(), port=port, method=method, text=text))
        return self.session(port).call(port, method, *args, timeout_s=timeout_s)

    def wait(self, port: str, look: Callable[[], T | None], within_s: float = PATIENCE_S) -> T | None:
        """Return what `look` finds once something the port's system says makes it true, else None."""
        return self.session(port).inbox.wait(look, within_s)

    def until(self, port: str, look: Callable[[], T | None], text: str, within_s: float = PATIENCE_S) -> T:
        """Like `wait`, but nothing within the time limit fails the check with `text`."""
        found = self.wait(port, look, within_s)
        if found is None:
            raise Unmet(f"{text} within {within_s:g} s, was silence")
        return found

    def poll(self, look: Callable[[], T | None], text: str, within_s: float = PATIENCE_S) -> T:
        """Ask again and again (every 20 ms) until `look` finds something; else the check fails."""
        deadline = clock.monotonic_ns() + int(within_s * clock.NS_PER_S)
        while True:
            found = look()
            if found:
                return found
            if clock.monotonic_ns() > deadline:
                raise Unmet(f"{text} within {within_s:g} s, was not so")
            clock.sleep_s(0.02)

    def note(self, text: str) -> None:
        """Leave a remark for the reader of the report."""
        self.shared.publish(Note(at_ns=clock.now_ns(), text=text))

    def restart(self, port: str, *, graceful: bool = True) -> None:
        """Restart the port's system with the same state directory, as after a crash unless graceful.

        Of a system that declares that it keeps nothing over a restart the ledger begins anew.
        """
        session = self.session(port)
        session.restart("restart asked for by a check", graceful=graceful)
        if session.info and isinstance(session.info.capabilities.get("orders.restart"), str):
            self.ledger.forget(session.backend.ports)
        self.shared.cut_ports.clear()

    # the market

    @property
    def instrument(self) -> Instrument:
        """The first instrument of the profile: the one that checks trade."""
        if not self.plan.instruments:
            raise Unmeasurable("expected an instrument in the profile, was none")
        return self.plan.instruments[0]

    @property
    def can_set_market(self) -> bool:
        """Whether the tool can set the market."""
        return self.has("market_data", "inject")

    def quote(self, instrument: str | None = None) -> Quote:
        """Return a two-sided quote: the last one seen, after subscribing if none was seen yet."""
        name = instrument or self.instrument.id
        if not self.has("market_data"):
            raise Unmeasurable("expected a market data port to learn the price from, was none in scope")
        inbox = self.session("market_data").inbox
        if not two_sided(inbox.quotes.get(name)):
            self.call("market_data", "subscribe", name, {"QUOTE"})
        found = self.wait("market_data", lambda: two_sided(inbox.quotes.get(name)))
        if found is None:
            raise Unmeasurable(f"expected a two-sided quote of {name} within {PATIENCE_S:g} s, was none")
        return found

    def centre(self, instrument: str | None = None) -> Decimal:
        """Return the price around which the tool sets the market: the first one seen, rounded."""
        name = instrument or self.instrument.id
        if name not in self.shared.market_centre:
            quote = self.quote(name)
            step = self._instrument(name).tick * 100
            mid = ((quote.bid or Decimal(0)) + (quote.ask or Decimal(0))) / 2
            self.shared.market_centre[name] = max(step, (mid / step).to_integral_value() * step)
        return self.shared.market_centre[name]

    def set_market(
        self,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        *,
        size: Decimal = MARKET_SIZE,
        ask_size: Decimal | None = None,
        instrument: str | None = None,
    ) -> Quote:
        """Set the market where the system lets the tool; default: one tick around the centre.

        Where it cannot be set, returns the market as it is. Waits until the system shows it.
        """
        name = instrument or self.instrument.id
        if not self.can_set_market:
            return self.quote(name)
        tick = self._instrument(name).tick * HALF_SPREAD_TICKS
        bid = bid if bid is not None else self.centre(name) - tick
        ask = ask if ask is not None else bid + 2 * tick
        return self.show(Quote(name, bid, size, ask, ask_size or size, clock.now_ns()))

    def show(self, quote: Quote) -> Quote:
        """Inject a quote and return the one that the system shows of it; silence fails the check."""
        inbox = self.session("market_data").inbox
        if quote.instrument not in inbox.quotes:
            self.quote(quote.instrument)  # subscribed; a side that was traded away comes back by what follows
        seen = inbox.quote_counts.get(quote.instrument, 0)
        wanted = _sides(quote)
        self.call("market_data", "inject", quote)

        def shown() -> Quote | None:
            last = inbox.quotes.get(quote.instrument)
            if last is None or (last.bid, last.ask) != (quote.bid, quote.ask):
                return None
            fresh = inbox.quote_counts.get(quote.instrument, 0) > seen
            return (
                last if fresh or _sides(last) == wanted else None
            )  # an unchanged market need not be said again

        return self.until(
            "market_data", shown, f"expected the market set to {quote.bid}/{quote.ask} to be shown"
        )

    def _instrument(self, name: str) -> Instrument:
        return next((i for i in self.plan.instruments if i.id == name), self.instrument)

    # faults and controls: what is changed here is put back after the check

    def cut(self, port: str) -> None:
        """Break a port's link."""
        self.shared.cut_ports.add(port)
        self.call(port, "disconnect")

    def mend(self, port: str) -> None:
        """Let a port's link come back."""
        self.call(port, "reconnect")
        self.shared.cut_ports.discard(port)

    def kill(self, mode: str = "HALT", *, cancel_open: bool = True, by: str = "certify") -> None:
        """Use the kill switch."""
        self.shared.killed = True
        self.call("risk", "kill", mode, by, "kill switch check", cancel_open)

    def limits(self) -> dict[str, Decimal]:
        """Return the limits in force for the first instrument: its own, else those for all alike."""
        return {name: value for (name, _), value in sorted(self._limits().items(), key=_own_last)}

    def _limits(self) -> dict[tuple[str, str | None], Decimal]:
        limits = cast("list[Limit]", self.call("risk", "limits"))
        here = (None, self.instrument.id)
        return {(limit.name, limit.instrument): limit.value for limit in limits if limit.instrument in here}

    def set_limit(self, name: str, value: Decimal, *, by: str = "certify") -> Decision:
        """Change a limit for this check, where it is in force, and return the system's decision."""
        before = self._limits()
        own = (name, self.instrument.id)
        key = own if own in before else (name, None)
        decision = cast("Decision", self.call("risk", "set_limit", Limit(name, value, key[1]), by))
        if decision.accepted:
            back = before.get(key, self.plan.limits.get(name, NO_LIMIT.get(name, NO_LIMIT["*"])))
            self.shared.changed_limits.setdefault(key, back)
        return decision

    # alerts

    def alerts(self, *kinds: str) -> list[Alert]:
        """Return the latest word on each alert of these kinds that the system emitted."""
        latest = {alert.id: alert for alert in self.session("trade_monitor").inbox.alerts}
        return [alert for alert in latest.values() if not kinds or alert.kind in kinds]

    def alert(self, kind: str, *, since: int = 0, within_s: float = PATIENCE_S) -> Alert:
        """Return the first alert of a kind among those emitted after the first `since`; else fails."""
        inbox = self.session("trade_monitor").inbox

        def look() -> Alert | None:
            return next((alert for alert in inbox.alerts[since:] if alert.kind == kind), None)

        return self.until("trade_monitor", look, f"expected an alert {kind}", within_s)

    def capped(self, qty: Decimal, price: Decimal) -> bool:
        """Return whether the profile's safety caps allow an order of this size."""
        safety = self.plan.safety
        return qty <= safety.max_order_qty and qty * price <= safety.max_order_notional

    def count_order(self, qty: Decimal, price: Decimal | None) -> None:
        """Hold the safety caps before anything is sent; raises `Unmeasurable` where they forbid it."""
        safety = self.plan.safety
        notional = qty * (price or Decimal(0))
        if qty > safety.max_order_qty or notional > safety.max_order_notional:
            raise Unmeasurable(f"the profile's safety caps forbid an order of {qty} @ {price}")
        self.shared.orders_sent += 1
        if self.shared.orders_sent > safety.max_orders:
            raise Unmeasurable(f"the profile's cap of {safety.max_orders} orders is used up")


def _own_last(item: tuple[tuple[str, str | None], Decimal]) -> bool:
    return item[0][1] is not None


def _required(value: Decimal | None) -> Decimal:
    if value is None:
        raise ValueError("expected a duration such as 5s")
    return value


def _sides(quote: Quote) -> tuple[Decimal | None, ...]:
    return (quote.bid, quote.bid_size, quote.ask, quote.ask_size)


def two_sided(quote: Quote | None) -> Quote | None:
    """Return the quote if it has both sides, else None."""
    return quote if quote and quote.bid is not None and quote.ask is not None else None


__all__ = ["PATIENCE_S", "QUICK_LOOK_S", "Shared", "Trial", "expect", "two_sided"]
