"""The ground under the certificate: clean accounts, right environment, the tool's own fitness."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import Any, cast

from certify import clock
from certify.evidence.artifacts import artifact_path, store_artifact
from certify.model.card import CheckCard, Parameter
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.measure import Bound, Measurement
from certify.model.trading import AccountState, OrderUpdate, Position
from certify.phases.api import Check, Finding, bounded, check, expect, expect_equal, inconclusive, passed
from certify.phases.trial import Trial

ORDER_PORTS = ("broker", "execution", "paper_trading")
SLEEPS = 40
SLEEP_S = 0.002


def _card(
    name: str, title: str, severity: Severity, component: ComponentId = ComponentId.CERTIFY, **more: Any
) -> CheckCard:
    return CheckCard(
        id=f"{component.value}.{name}",
        title=title,
        phase=PhaseId.FRAMEWORK,
        component=component,
        severity=severity,
        **more,
    )


@check(
    _card(
        "evidence_writable",
        "The tool can keep its evidence: it is written, read back and there is room for more",
        Severity.CRITICAL,
        steps=("write an artifact into the run directory", "read it back", "look at the free space"),
        passes_when="the same bytes come back and there is more free space than the parameter asks for",
        remedy="make room, or choose another directory with --out",
        parameters=(
            Parameter(name="min_free_mb", default="200", text="free space that must be left, in MB"),
        ),
        references=("FW-19", "hollow certificate T11"),
        defects=("artifact_bytes_lost",),
    )
)
def evidence_writable(trial: Trial) -> Finding:
    """Write, read back, measure the room."""
    data = f"written by {trial.planned.id}\n".encode()
    artifact = store_artifact(trial.shared.run_dir, "probe.txt", data)
    back = artifact_path(trial.shared.run_dir, artifact.name).read_bytes()
    expect_equal(back, data, "the artifact read back")
    free_mb = shutil.disk_usage(trial.shared.run_dir).free / 1e6
    return bounded(
        "evidence can be kept",
        (Measurement(name="free_space", value=free_mb, unit="MB"),),
        (Bound(name="free_space", op=">=", value=trial.number("min_free_mb"), unit="MB"),),
    )


@check(
    _card(
        "clock_fit",
        "The machine measures time well enough: the clock never goes back and short waits end in time",
        Severity.MAJOR,
        steps=(
            f"wait {SLEEPS} times for {SLEEP_S * 1000:g} ms",
            "compare the monotonic clock with each wait",
        ),
        passes_when="the clock never goes back; inconclusive when waits overshoot by more than the parameter",
        remedy="run on a machine with less other work, or with more cores",
        parameters=(Parameter(name="max_overshoot", default="250ms", text="overshoot of a wait, median"),),
        references=("FW-09", "FW-18", "PF-10"),
        defects=("clock_goes_back",),
    )
)
def clock_fit(trial: Trial) -> Finding:
    """Measure how much later than asked a short wait ends."""
    overshoots = []
    for _ in range(SLEEPS):
        began = clock.monotonic_ns()
        clock.sleep_s(SLEEP_S)
        took_ms = (clock.monotonic_ns() - began) / clock.NS_PER_MS
        expect(took_ms >= 0, f"expected the monotonic clock to go forward, was {took_ms:g} ms")
        overshoots.append(took_ms - SLEEP_S * 1000)
    median = sorted(overshoots)[SLEEPS // 2]
    figure = Measurement(name="wait_overshoot", value=round(median, 4), unit="ms", samples=SLEEPS)
    limit_ms = trial.seconds("max_overshoot") * 1000
    if median > limit_ms:
        return inconclusive(
            f"this machine overshoots short waits by {median:.1f} ms: too busy to measure", figure
        )
    return passed(f"short waits overshoot by {median:.2f} ms", figure)


def _clean_start(port: str) -> Check:
    card = _card(
        "clean_start",
        f"The account behind {port} is flat and free of open orders before anything is sent",
        Severity.CRITICAL,
        ComponentId(port),
        steps=("list the open orders", "list the positions"),
        passes_when="there is no open order and no position in an instrument of the profile",
        remedy="cancel the orders and close the positions, or certify on another account",
        references=("FW-14", "law 8: nobody loses money by running it"),
        defects=(f"{port}_not_flat_at_start",),
    )

    def run(trial: Trial) -> Finding:
        orders = cast("list[OrderUpdate]", trial.call(port, "open_orders"))
        expect(not orders, f"expected no open order, was {', '.join(o.client_order_id for o in orders)}")
        traded = {instrument.id for instrument in trial.plan.instruments}
        held = [
            f"{p.qty} {p.instrument}"
            for p in cast("list[Position]", trial.call(port, "positions"))
            if p.qty != Decimal(0) and (p.instrument in traded or not traded)
        ]
        expect(not held, f"expected to be flat, was {', '.join(held)}")
        return passed("no open order, no position")

    return Check(card, run)


@check(
    _card(
        "environment",
        "The account trades in the environment that the system says it is in",
        Severity.CRITICAL,
        ComponentId.EXECUTION,
        steps=("ask the account for its environment", "compare with the system's own description"),
        needs=("orders.account",),
        passes_when="both say the same, or the account does not say",
        remedy="connect the system to the account that it is meant for",
        references=("FW-02", "FW-03", "rts6.7.1"),
        defects=("account_is_live",),
    )
)
def environment(trial: Trial) -> Finding:
    """Compare what the system says with what its account says."""
    info = trial.session("execution").info
    account = cast("AccountState", trial.call("execution", "account"))
    expect(info is not None, "expected the system to describe itself, was nothing")
    said = account.environment
    if info is not None and said is not None:
        expect_equal(said.value, info.environment.value, "the account's environment")
    return passed(f"{said.value if said else 'the account does not say'}; account in {account.currency}")


CHECKS: tuple[Check, ...] = (
    evidence_writable,
    clock_fit,
    *(_clean_start(port) for port in ORDER_PORTS),
    environment,
)
