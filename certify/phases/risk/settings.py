"""The limits themselves: declared, as the profile states them, changed by name, kept over a restart."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from certify import clock
from certify.model.trading import LIMIT_UNITS, Decision, ExecType, Limit, OrderType, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, not_applicable, passed
from certify.phases.orders import ACCEPTED
from certify.phases.risk.cards import CRITICAL, MAJOR, MINOR, READY_WITHIN, SLOW, risk_card
from certify.phases.risk.desk import RiskDesk, claims, refuses, settable
from certify.phases.trial import QUICK_LOOK_S, Trial

SET = ("risk.set_limit",)
RATE_WINDOW_S = 1.2
WHO_RULES = ("RK-26", "rts6.15.3")


def _listed(trial: Trial) -> list[Limit]:
    return cast("list[Limit]", trial.call("risk", "limits"))


@check(
    risk_card(
        "limits_declared",
        "Every limit that the system claims to have is in force and has a value",
        CRITICAL,
        steps=("list the limits", "compare with what the system claims"),
        passes_when="each claimed limit is there once, finite and not negative, or can be set",
        remedy="give every limit a value before the first order: an unset limit is no limit",
        ports=("risk",),
        references=("RK-23", "rts6.8", "fia.2024.1.1"),
    )
)
def limits_declared(trial: Trial) -> Finding:
    """List and compare."""
    limits = _listed(trial)
    keys = [(limit.name, limit.instrument) for limit in limits]
    double = sorted({name for name, instrument in keys if keys.count((name, instrument)) > 1})
    expect(not double, f"expected each limit once, was more than once: {', '.join(double)}")
    wrong = [
        f"{limit.name} {limit.value}" for limit in limits if not limit.value.is_finite() or limit.value < 0
    ]
    expect(not wrong, f"expected values of 0 or more, was {', '.join(wrong)}")
    names = {name for name, _ in keys}
    missing = [name for name in LIMIT_UNITS if name not in names and claims(trial, "risk", f"risk.{name}")]
    if missing and settable(trial):
        return passed(f"{len(names)} limits in force; to be set first: {', '.join(missing)}")
    expect(not missing, f"expected a value of every claimed limit, was none of {', '.join(missing)}")
    return passed(f"{len(names)} limits in force")


@check(
    risk_card(
        "limits_as_profile",
        "Every limit that the profile states is in force with that value",
        CRITICAL,
        steps=("list the limits", "compare each limit of the profile"),
        passes_when="each has the stated value, for every instrument",
        remedy="bring the system's configuration and the profile to the same values",
        ports=("risk",),
        references=("RK-23", "rts6.8", "rts6.15.1.c"),
        not_applicable_when="the profile states no limits",
    )
)
def limits_as_profile(trial: Trial) -> Finding:
    """Compare one by one."""
    if not trial.plan.limits:
        return not_applicable("the profile states no limits")
    limits = _listed(trial)
    differences = []
    for name, stated in sorted(trial.plan.limits.items()):
        values = {limit.value for limit in limits if limit.name == name}
        if not claims(trial, "risk", f"risk.{name}") and not values:
            continue
        if values != {stated}:
            was = ", ".join(str(value) for value in sorted(values)) or "none"
            differences.append(f"{name}: expected {stated}, was {was}")
    expect(not differences, "; ".join(differences))
    return passed(f"{len(trial.plan.limits)} limits are as the profile states them")


@check(
    risk_card(
        "set_limit_at_once",
        "A changed limit is shown and holds at once, both ways",
        CRITICAL,
        steps=("lower max_order_qty", "list it, try one lot more", "raise it by one lot", "try again"),
        passes_when="it is listed with the new value; the order is refused, then let through",
        remedy="read the limit where the order is judged, not from a copy made at the start",
        needs=(*SET, "risk.max_order_qty"),
        references=("RK-26", "rts6.15.6"),
    )
)
def set_limit_at_once(trial: Trial) -> Finding:
    """Lower, try, raise, try."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty", 5, spare=2)
    expect_equal(desk.declared("max_order_qty"), desk.lots(count), "max_order_qty as listed")
    desk.refused(desk.make(Side.BUY, count + 1), f"by max_order_qty {desk.lots(count)}")
    decision = trial.set_limit("max_order_qty", desk.lots(count + 1))
    expect(decision.accepted, f"expected the limit to be raised, was {decision.reason or decision.code}")
    desk.allowed(desk.make(Side.BUY, count + 1), f"by max_order_qty {desk.lots(count + 1)}")
    return passed(f"{desk.lots(count)} and {desk.lots(count + 1)} held at once")


@check(
    risk_card(
        "set_limit_named",
        "Nobody changes a limit without a name",
        MAJOR,
        steps=("change a limit with an empty name, and with blanks", "list the limits"),
        passes_when="both are refused and the limit is as before",
        remedy="refuse a change without the name of a person and keep a record of every one",
        ports=("risk",),
        needs=SET,
        references=WHO_RULES,
    )
)
def set_limit_named(trial: Trial) -> Finding:
    """Change without a name."""
    name, before = _first_limit(trial)
    for by in ("", "  "):
        said_no = _refused_change(trial, name, before + 1, by=by)
        expect(said_no, f"expected a change of {name} by {by!r} to be refused, was accepted")
    expect_equal(trial.limits().get(name), before, f"{name} after the refused changes")
    return passed(f"{name} stayed {before}")


@check(
    risk_card(
        "set_limit_sane",
        "A limit that does not exist, or a value that cannot be, is refused",
        MAJOR,
        steps=("set a limit of an unknown name", "set a limit to a negative value", "list the limits"),
        passes_when="both are refused and the limits are as before",
        remedy="check name and value before anything is changed: a typing error must not lift a limit",
        ports=("risk",),
        needs=SET,
        references=("RK-26", "inc.sentinel"),
    )
)
def set_limit_sane(trial: Trial) -> Finding:
    """Set nonsense."""
    name, before = _first_limit(trial)
    known = {limit.name for limit in _listed(trial)}
    said_no = refuses(trial, "risk", "set_limit", Limit("max_moon_phase", Decimal(1)), "certify")
    expect(said_no, "expected a limit max_moon_phase to be refused, was accepted")
    expect(_refused_change(trial, name, Decimal(-1)), f"expected {name} -1 to be refused, was accepted")
    expect_equal(trial.limits().get(name), before, f"{name} after the refused changes")
    expect_equal({limit.name for limit in _listed(trial)}, known, "names of the limits")
    return passed("an unknown limit and a negative value were refused")


def _first_limit(trial: Trial) -> tuple[str, Decimal]:
    limits = {name: value for name, value in trial.limits().items() if name in LIMIT_UNITS}
    if not limits:
        raise Unmet("expected limits in force, was none")
    name = "max_order_qty" if "max_order_qty" in limits else min(limits)
    return name, limits[name]


def _refused_change(trial: Trial, name: str, value: Decimal, *, by: str = "certify") -> bool:
    """Return whether a change is refused; one that is made is put back after the check."""
    before = trial.limits()[name]
    own = any((x.name, x.instrument) == (name, trial.instrument.id) for x in _listed(trial))
    instrument = trial.instrument.id if own else None
    said_no = refuses(trial, "risk", "set_limit", Limit(name, value, instrument), by)
    if not said_no:
        trial.shared.changed_limits.setdefault((name, instrument), before)
    return said_no


@check(
    risk_card(
        "limits_survive_restart",
        "A limit that was changed holds after a restart",
        CRITICAL,
        steps=("lower max_order_qty", "restart the system", "list it", "try at the limit and one lot above"),
        passes_when="it is listed with the changed value, and holds",
        remedy="write a change down before it is confirmed, and read it before the first order is taken",
        needs=(*SET, "risk.max_order_qty", "orders.restart"),
        parameters=(READY_WITHIN,),
        references=("RK-26", "RK-07", "rts7.9.3.c.resume"),
        modes=SLOW,
        destructive=True,
    )
)
def limits_survive_restart(trial: Trial) -> Finding:
    """Lower, restart, try."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty", 5)
    trial.restart("risk")
    desk.ready(trial.seconds("ready_within"))
    expect_equal(desk.declared("max_order_qty"), desk.lots(count), "max_order_qty after the restart")
    why = f"by max_order_qty {desk.lots(count)} after the restart"
    desk.allowed(desk.make(Side.BUY, count), why)
    desk.refused(desk.make(Side.BUY, count + 1), why)
    return passed(f"max_order_qty {desk.lots(count)} was kept")


@check(
    risk_card(
        "limits_survive_reconnect",
        "A limit that was changed holds after the link to the broker was broken",
        CRITICAL,
        steps=(
            "lower max_order_qty",
            "break the link to the broker and let it come back",
            "list it, try at the limit and one lot above",
        ),
        passes_when="it is listed with the changed value, and holds",
        remedy="keep limits apart from the session: a new session must not read them from its configuration",
        ports=("risk", "execution", "broker"),
        needs=(*SET, "risk.max_order_qty", "orders.disconnect"),
        methods=("broker.disconnect", "broker.reconnect"),
        parameters=(READY_WITHIN,),
        references=("RK-26", "RK-07", "BR-06"),
        modes=SLOW,
        destructive=True,
    )
)
def limits_survive_reconnect(trial: Trial) -> Finding:
    """Lower, break, mend, try."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty", 5)
    trial.cut("broker")
    trial.wait("broker", lambda: None, QUICK_LOOK_S)
    trial.mend("broker")
    desk.ready(trial.seconds("ready_within"))
    expect_equal(desk.declared("max_order_qty"), desk.lots(count), "max_order_qty after the reconnect")
    why = f"by max_order_qty {desk.lots(count)} after the reconnect"
    desk.allowed(desk.make(Side.BUY, count), why)
    desk.refused(desk.make(Side.BUY, count + 1), why)
    return passed(f"max_order_qty {desk.lots(count)} was kept")


# -- asking without sending --------------------------------------------------------------------


@check(
    risk_card(
        "precheck_agrees",
        "Asking whether an order would pass gives the answer that sending it gives",
        MAJOR,
        steps=("lower max_order_qty", "ask and send at the limit and one lot above, limit and market orders"),
        passes_when="both answers agree each time",
        remedy="let the question and the order go through the same rules",
        needs=("risk.precheck", "risk.max_order_qty", "orders.market"),
        methods=("risk.precheck",),
        references=("RK-07", "RK-24"),
    )
)
def precheck_agrees(trial: Trial) -> Finding:
    """Ask, then send."""
    desk = RiskDesk(trial)
    desk.deep_market()
    count = desk.lots_limit("max_order_qty", 5)
    for lots in (count, count + 1):
        for kind in (OrderType.LIMIT, OrderType.MARKET):
            order = desk.make(Side.BUY, lots, kind)
            asked = cast("Decision", trial.call("risk", "precheck", order)).accepted
            answer = desk.place(order)
            sent = answer.exec_type in ACCEPTED
            expect_equal(asked, sent, f"precheck of {kind.value} {order.qty} (expected as when sent)")
            if sent and kind is OrderType.MARKET:
                desk.filled(order)
                desk.fill(Side.SELL, order.qty)
            desk.clear(order)
    return passed(f"4 questions agreed with 4 orders around {desk.lots(count)}")


@check(
    risk_card(
        "precheck_without_effect",
        "Asking whether an order would pass changes nothing",
        MAJOR,
        steps=(
            "lower max_position_qty, and max_order_rate where there is one",
            "ask for all of it, more often than the rate allows orders",
            "send an order for all of it",
        ),
        passes_when="every answer is the same, no order appears, and the order is let through",
        remedy="decide without reserving, counting or alerting when only asked",
        needs=("risk.precheck", "risk.max_position_qty"),
        methods=("risk.precheck",),
        modes=SLOW,
        references=("RK-06",),
    )
)
def precheck_without_effect(trial: Trial) -> Finding:
    """Ask and ask, then send."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_position_qty", 4, times=3)
    order = desk.make(Side.BUY, count)
    before, questions = desk.open_ids(), 5
    if claims(trial, "risk", "risk.max_order_rate") and desk.lower("max_order_rate", Decimal(questions)):
        clock.sleep_s(RATE_WINDOW_S)
        questions *= 4
    answers = [cast("Decision", trial.call("risk", "precheck", order)).accepted for _ in range(questions)]
    expect(all(answers), f"expected every question to be answered alike with yes, was {answers}")
    expect_equal(desk.open_ids(), before, "working orders after asking")
    expect(desk.silent(order, set(ExecType)), "expected no report of an order that was only asked about")
    desk.allowed(order, f"after asking for it {questions} times")
    return passed(f"{questions} questions changed nothing")


# -- refusals ----------------------------------------------------------------------------------


@check(
    risk_card(
        "refusal_says_why",
        "A refusal says who refused and why",
        MINOR,
        steps=("send an order above max_order_qty",),
        passes_when="it is REJECTED with a code or a reason, by the system and not by broker or venue",
        remedy="carry the rule, what was seen and the limit in the refusal, and say RISK",
        needs=("risk.max_order_qty",),
        references=("RK-24",),
    )
)
def refusal_says_why(trial: Trial) -> Finding:
    """Look at one refusal."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty")
    answer = desk.refused(desk.make(Side.BUY, count + 1), f"by max_order_qty {desk.lots(count)}")
    expect(
        answer.source.value in ("RISK", "ENGINE"),
        f"expected a refusal by RISK before anything is sent, was by {answer.source.value}",
    )
    expect_equal(answer.leaves_qty, Decimal(0), "leaves of a refused order")
    return passed(f"refused by {answer.source.value}: {answer.code or ''} {answer.reason or ''}".rstrip())


@check(
    risk_card(
        "refused_never_sent",
        "An order that is refused never reaches the broker",
        CRITICAL,
        steps=(
            "lower max_order_qty",
            "try a limit and a market order above it",
            "look at the broker's working orders, executions and position",
        ),
        passes_when="neither is there, and the position is as before",
        remedy="decide before anything is sent: a refusal that is only said is no control",
        ports=("risk", "execution", "broker"),
        needs=("risk.max_order_qty", "orders.market"),
        references=("RK-14", "RK-25", "inc.hardblock", "sec.15c3-5.d"),
    )
)
def refused_never_sent(trial: Trial) -> Finding:
    """Be refused, look behind."""
    desk = RiskDesk(trial)
    quote = desk.deep_market()
    count = desk.lots_limit("max_order_qty")
    held = _held_at_broker(trial)
    orders = [desk.make(Side.BUY, count + 1, kind) for kind in (OrderType.LIMIT, OrderType.MARKET)]
    for order in orders:
        desk.refused(order, f"by max_order_qty {desk.lots(count)}")
    ids = {order.client_order_id for order in orders}
    trial.wait("execution", lambda: None, 0.2)
    for method in ("open_orders", "executions"):
        if method == "executions" and not claims(trial, "broker", "orders.executions"):
            continue
        there = {u.client_order_id for u in cast("list", trial.call("broker", method))} & ids  # type: ignore[type-arg]
        expect(not there, f"expected refused orders not to be in the broker's {method}, was {there}")
    expect_equal(_held_at_broker(trial), held, "the broker's position after refused orders")
    return passed(f"nothing of it is at the broker, with the market at {quote.bid}/{quote.ask}")


def _held_at_broker(trial: Trial) -> Decimal:
    positions = cast("list", trial.call("broker", "positions"))  # type: ignore[type-arg]
    return sum((p.qty for p in positions if p.instrument == trial.instrument.id), Decimal(0))


CHECKS: tuple[Check, ...] = (
    limits_declared,
    limits_as_profile,
    set_limit_at_once,
    set_limit_named,
    set_limit_sane,
    precheck_agrees,
    precheck_without_effect,
    refusal_says_why,
    refused_never_sent,
)
SLOW_CHECKS: tuple[Check, ...] = (limits_survive_reconnect, limits_survive_restart)
