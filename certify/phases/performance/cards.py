"""The cards of the checks of the phase `performance`."""

from __future__ import annotations

from certify.model.card import CheckCard, Parameter
from certify.model.ids import ComponentId, Outcome, PhaseId, Severity

INJECT = ("market_data.inject",)
TIMES = ("market_data.event_time",)
"""Quotes of a load are told apart by their times."""


def _card(name: str, component: ComponentId, severity: Severity, title: str, **rest: object) -> CheckCard:
    return CheckCard(
        id=f"performance.{name}",
        title=title,
        phase=PhaseId.PERFORMANCE,
        component=component,
        severity=severity,
        **rest,  # type: ignore[arg-type]
    )


NULL_TEST = _card(
    "null_test",
    ComponentId.CERTIFY,
    Severity.MAJOR,
    "The harness alone adds little to what it measures",
    steps=(
        "start a system that does nothing but answer, in the same kind of process",
        "send it the orders of the heaviest level for a moment",
        "take the response times: they are the harness's own",
    ),
    passes_when="the median response time of the empty system is within the limit; its p99 is recorded",
    remedy="Run on a quieter machine: the tool cannot measure what is quicker than itself.",
    parameters=(
        Parameter(name="duration", default="1s", text="how long the empty system is driven"),
        Parameter(name="max_p50", default="5ms", text="the median beyond which nothing can be measured"),
    ),
    references=("catalogue PF-10", "law 10 of the design: the tool knows its own limits"),
    defects=("harness_slow",),
    red=Outcome.INCONCLUSIVE,
)
GENERATOR_FIT = _card(
    "generator_fit",
    ComponentId.CERTIFY,
    Severity.MAJOR,
    "The generator held the planned load at every level",
    steps=("take the generator's own lateness and what it had to drop, per level and stream",),
    passes_when="nothing was dropped and 98 % of the requests were sent within 100 ms of their time",
    remedy="Lower the rates or run on a quieter machine; a level that was not offered says nothing.",
    references=("catalogue PF-01, PF-10", "G. Tene, coordinated omission: plan every request beforehand"),
    defects=("interpreter_hog",),
    red=Outcome.INCONCLUSIVE,
)
ORDERS_LEVELS = _card(
    "orders_levels",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "Orders are answered at the rate at which they are sent, at every level",
    steps=(
        "set the market and keep it at one price",
        "send small marketable orders at planned times, whatever the system does (open loop)",
        "count what is answered, and how long that takes, from the end of the warm-up on",
    ),
    passes_when="the rate of answers is at least the stated share of the rate that was offered",
    remedy="Find what holds the order path back: a lock, a blocking call, a scan of all orders.",
    ports=(),
    parameters=(
        Parameter(name="min_share", default="90%", text="answers per second, as a share of what is offered"),
    ),
    references=("catalogue PF-01, PF-02, PF-04", "RTS 6 Article 10 (stress testing)"),
    defects=("blocking_submit",),
)
MARKET_DATA_LEVELS = _card(
    "market_data_levels",
    ComponentId.MARKET_DATA,
    Severity.MAJOR,
    "Quotes are passed on at the rate at which they come, at every level",
    steps=(
        "inject quotes at planned times, each with a time of its own, beside the orders",
        "match what the system shows with what was injected",
    ),
    passes_when="the rate of quotes shown is at least the stated share of the rate that was offered",
    remedy="Find what holds the feed back; quotes must not queue behind orders.",
    needs=TIMES,
    methods=INJECT,
    parameters=(
        Parameter(name="min_share", default="90%", text="quotes per second, as a share of what is offered"),
    ),
    references=("catalogue PF-03, PF-04",),
    defects=("feed_drops_under_load",),
)
THRESHOLDS = _card(
    "thresholds",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "Every threshold of the profile is kept",
    steps=("hold each threshold to the figures of each level that it names",),
    passes_when=(
        "each bound is kept; response times count from the planned time, and a percentile is only used "
        "with ten samples beyond it (else the maximum must keep the bound)"
    ),
    remedy="Look at the level and stream that the message names, first at its service time.",
    references=("catalogue PF-02, PF-04", "the profile's own thresholds"),
    defects=("slow_ack", "periodic_stall"),
)
ERROR_RATE = _card(
    "error_rate",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "Requests are not refused or failed under load",
    steps=("count errors by class at each level", "take the 95 % Wilson interval of their rate"),
    passes_when="the lower end of the interval is not above the limit (or a looser threshold of the profile)",
    remedy="Look at the error classes: risk_refusal and engine_refusal are the system's own doing.",
    parameters=(
        Parameter(
            name="max_rate", default="1%", text="errors of any class, of all that were answered or lost"
        ),
    ),
    references=("catalogue PF-07",),
    defects=("reject_under_load",),
)
NO_LOST_ORDERS = _card(
    "no_lost_orders",
    ComponentId.EXECUTION,
    Severity.CRITICAL,
    "Every order sent under load is answered",
    steps=("wait five seconds for the first answer of every order of every level",),
    passes_when="no order is left without an answer",
    remedy="Silence is failure: answer every order, if only with a reject.",
    references=("catalogue PF-07",),
    defects=("silent_drop",),
)
ORDER_LAWS = _card(
    "order_laws",
    ComponentId.EXECUTION,
    Severity.CRITICAL,
    "No law of order state is broken under load",
    steps=("keep the ledger of every order of every level", "hold each report to the laws of order state"),
    passes_when="no law is broken",
    remedy="Look for state that two threads change: such mistakes show under load first.",
    references=("FIX 4.4 volume 4, order state changes (appendix D)",),
    defects=("duplicate_fill_under_load",),
)
FLAT_AFTER_LOAD = _card(
    "flat_after_load",
    ComponentId.EXECUTION,
    Severity.CRITICAL,
    "After the load the book is flat and nothing is open",
    steps=(
        "trade away what the load left",
        "ask the system for its open orders and its position",
        "compare with the ledger",
    ),
    passes_when="no order of the load is open, and the position is what it was before the level",
    remedy="Compare the executions of the level with the positions: one of them lost a fill.",
    references=("catalogue PF-03 (fill to position)",),
    defects=("position_lost_under_load",),
)
LATENCY_STABLE = _card(
    "latency_stable",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "Response times do not grow while a level lasts",
    steps=("compare the median response time of the first and the last third of each level",),
    passes_when="the last is at most the stated multiple of the first, plus the stated slack",
    remedy="Look for work that grows with the number of orders: a list scanned, a log re-read.",
    parameters=(
        Parameter(name="max_growth", default="3", text="last third as a multiple of the first"),
        Parameter(name="slack", default="5ms", text="what is added to that, for very short times"),
    ),
    references=("catalogue PF-08",),
    defects=("quadratic_scan",),
)
MEMORY_STABLE = _card(
    "memory_stable",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "Memory does not grow faster than an order may cost",
    steps=("sample the resident memory of the system's process from outside, before, during and after",),
    passes_when="growth per order is within the limit, or below 10 MB in all",
    remedy="Find what is kept for every order that has ended.",
    parameters=(
        Parameter(name="max_kb_per_order", default="20", text="growth of resident memory, kB per order sent"),
    ),
    references=("catalogue PF-04",),
    defects=("leak",),
)
RECOVERS = _card(
    "recovers_after_load",
    ComponentId.EXECUTION,
    Severity.MAJOR,
    "A single order is answered at once when the load is over",
    steps=("wait until every answer of a level is in, and 0.2 s more", "send one order, alone"),
    passes_when="its first answer comes within the limit",
    remedy="Look for what the load left behind: a full queue, a dead thread, a breaker that stays open.",
    parameters=(Parameter(name="within", default="2s", text="how long the answer may take"),),
    references=("catalogue PF-04", "RTS 6 Article 10"),
    defects=("wedged_after_burst",),
)
KEEPS_UP = _card(
    "market_data_keeps_up",
    ComponentId.MARKET_DATA,
    Severity.MAJOR,
    "No quote is lost under load",
    steps=("count the injected quotes that were never shown",),
    passes_when="every quote is shown",
    remedy="Look for a bounded queue or a conflating feed; declare conflation if it is meant.",
    needs=TIMES,
    methods=INJECT,
    references=("catalogue PF-03",),
    defects=("quote_lost_under_load",),
)
