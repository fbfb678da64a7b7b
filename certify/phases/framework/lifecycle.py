"""Start, stop, start again; stamps of the right clock; a first round trip."""

from __future__ import annotations

from typing import cast

from certify import clock
from certify.errors import NotSupported
from certify.model.card import CheckCard, Parameter
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.measure import Bound, Measurement
from certify.model.trading import ExecType, Health, Instrument, Order, OrderType, Side, TimeInForce
from certify.phases.api import Check, Finding, bounded, check, expect, expect_equal, not_applicable, passed
from certify.phases.orders import ACCEPTED, ENDED, OrderDesk
from certify.phases.trial import Trial


def health_of(trial: Trial, port: str) -> Health | None:
    """Return what the system says of itself, or None when it has no `health`."""
    try:
        return cast("Health", trial.session(port).call("system", "health"))
    except NotSupported:
        return None


@check(
    CheckCard(
        id="market_data.instrument_rules",
        title="The system knows the instruments of the profile with the same tick, lot and currency",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId.MARKET_DATA,
        severity=Severity.MAJOR,
        steps=("list the instruments", "compare tick, lot and currency with the profile"),
        passes_when="each instrument of the profile is listed with equal rules",
        remedy="load the instruments' rules from the venue, or mend the profile",
        references=("FW-11", "TC-D01..03 NautilusTrader data testing spec"),
        defects=("tick_size_wrong",),
    )
)
def instrument_rules(trial: Trial) -> Finding:
    """Compare the rules of each instrument."""
    listed = {i.id: i for i in cast("list[Instrument]", trial.call("market_data", "instruments"))}
    for wanted in trial.plan.instruments:
        found = listed.get(wanted.id)
        expect(found is not None, f"expected {wanted.id} among the instruments, was not listed")
        if found is not None:
            rules = (found.tick, found.lot, found.currency)
            expect_equal(
                rules, (wanted.tick, wanted.lot, wanted.currency), f"{wanted.id}: tick, lot, currency"
            )
    return passed(f"{len(trial.plan.instruments)} instruments have the profile's rules")


@check(
    CheckCard(
        id="execution.smoke",
        title="A first round trip works: buy, rest, cancel, sell, flat",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId.EXECUTION,
        severity=Severity.CRITICAL,
        steps=(
            "buy one lot at the market",
            "rest a limit order and cancel it",
            "sell the lot",
            "look at the position",
        ),
        passes_when="each step is answered as it should within the time limit and the position is as before",
        remedy="look at the first step that is not answered; nothing else can work before it does",
        references=("FW-20", "NautilusTrader exec testing spec: basic smoke test"),
        defects=("orders_into_the_void",),
    )
)
def smoke(trial: Trial) -> Finding:
    """Open, rest, cancel, close."""
    desk = OrderDesk(trial, "execution")
    trial.set_market()
    before = desk.position()
    desk.fill(Side.BUY)
    resting = desk.rest(Side.BUY)
    expect_equal(desk.cancel(resting).exec_type, ExecType.CANCELED, "cancel of a resting order")
    desk.fill(Side.SELL)
    desk.position_is(before, "after the round trip")
    return passed("bought, rested, cancelled, sold; the position is as before")


@check(
    CheckCard(
        id="market_data.clock",
        title="Quotes carry the time of the event in nanoseconds UTC, near this machine's clock",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId.MARKET_DATA,
        severity=Severity.MAJOR,
        steps=("take one quote of each instrument", "compare its stamps with the clock"),
        passes_when="each stamp is within the parameter of now, and nothing is received before it happened",
        remedy="convert to nanoseconds UTC where data enters the system; synchronise the clock",
        parameters=(
            Parameter(name="max_skew", default="60s", text="distance of a live stamp from this clock"),
        ),
        references=("FW-09", "FW-10", "MD-16"),
        needs=(),
        defects=("stamps_in_milliseconds", "stamps_in_local_time"),
    )
)
def stamps(trial: Trial) -> Finding:
    """Compare the stamps of live quotes with the wall clock."""
    if trial.session("market_data").backend.backend == "replay":
        return not_applicable("a recording carries the times of its own day")
    worst_s = 0.0
    for instrument in trial.plan.instruments:
        quote = trial.quote(instrument.id)
        worst_s = max(worst_s, abs(clock.now_ns() - quote.ts_event_ns) / clock.NS_PER_S)
        if quote.ts_recv_ns is not None:
            worst_s = max(worst_s, abs(clock.now_ns() - quote.ts_recv_ns) / clock.NS_PER_S)
    count = len(trial.plan.instruments)
    return bounded(
        "quotes are stamped in nanoseconds UTC",
        (Measurement(name="clock_skew", value=round(worst_s, 6), unit="s", samples=count),),
        (Bound(name="clock_skew", op="<=", value=trial.seconds("max_skew"), unit="s"),),
    )


@check(
    CheckCard(
        id="execution.restarts",
        title="The system stops and starts again, and then answers as before",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId.EXECUTION,
        severity=Severity.CRITICAL,
        steps=("stop the system in order", "start it again with the same state", "ask for its health"),
        passes_when="both end within 30 s and the system says that it is alive and connected",
        remedy="release sockets, threads and locks in stop(); do not keep state that start() trips over",
        references=("FW-14", "BR-01"),
        defects=("stop_hangs", "second_start_fails"),
        modes=("standard", "certified"),
        destructive=True,
    )
)
def restarts(trial: Trial) -> Finding:
    """Stop, start, ask."""
    session = trial.session("execution")
    began = clock.monotonic_ns()
    trial.restart("execution")
    took_s = (clock.monotonic_ns() - began) / clock.NS_PER_S
    expect(not session.stop_problem, f"expected an orderly stop, was {session.stop_problem}")
    health = health_of(trial, "execution")
    if health is not None:
        expect(
            health.alive and health.connected, f"expected alive and connected after the start, was {health}"
        )
    return passed(
        f"stopped and started in {took_s:.2f} s", Measurement(name="restart", value=took_s, unit="s")
    )


PROBES: dict[str, dict[str, object]] = {
    "orders.market": {"type": OrderType.MARKET},
    "orders.stop": {"type": OrderType.STOP},
    "orders.stop_limit": {"type": OrderType.STOP_LIMIT},
    "orders.gtc": {"tif": TimeInForce.GTC},
    "orders.ioc": {"tif": TimeInForce.IOC},
    "orders.fok": {"tif": TimeInForce.FOK},
}


@check(
    CheckCard(
        id="execution.incapabilities_true",
        title="What the system declares that it cannot do, it refuses",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId.EXECUTION,
        severity=Severity.MINOR,
        steps=("for each order type and time in force declared as missing: send such an order",),
        passes_when="each is refused or not supported",
        remedy="declare what the system can do: a capability that is hidden is never checked",
        not_applicable_when="nothing that can be probed is declared as missing",
        references=("FW-13", "TC-E72, TC-E73 NautilusTrader exec testing spec"),
        defects=("hides_stop_orders",),
    )
)
def incapabilities_true(trial: Trial) -> Finding:
    """Try what is declared as impossible."""
    info = trial.session("execution").info
    declared = info.capabilities if info else {}
    flags = [flag for flag in PROBES if isinstance(declared.get(flag), str)]
    if not flags:
        return not_applicable("the system declares nothing as missing that can be probed")
    desk = OrderDesk(trial, "execution")
    trial.set_market()
    for flag in flags:
        order = desk.order(**_terms(desk, flag))  # type: ignore[arg-type]
        expect(_refused(desk, order), f"expected {flag} to be refused as declared, was accepted")
    return passed(f"refused as declared: {', '.join(flags)}")


def _terms(desk: OrderDesk, flag: str) -> dict[str, object]:
    terms = dict(PROBES[flag])
    if flag in ("orders.stop", "orders.stop_limit"):
        terms["stop_price"] = desk.resting_price(Side.SELL)
    if flag == "orders.stop_limit":
        terms["price"] = desk.resting_price(Side.SELL)
    return terms


def _refused(desk: OrderDesk, order: Order) -> bool:
    try:
        answer = desk.place(order, until=ACCEPTED | ENDED)
    except NotSupported:
        desk.trial.ledger.entries.pop(order.client_order_id, None)
        return True
    return answer.exec_type is ExecType.REJECTED


CHECKS: tuple[Check, ...] = (instrument_rules, stamps, smoke, incapabilities_true, restarts)
