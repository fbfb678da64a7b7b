"""A plan and a bench for the checks of the phase: the mock in its own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.model.events import Event
from certify.model.ids import PhaseId
from certify.model.results import ProfileRef, Scope, Subject
from certify.model.trading import Instrument
from certify.phases.api import Finding, Unmeasurable, Unmet, failed, inconclusive
from certify.phases.ledger import Ledger
from certify.phases.performance import CHECKS
from certify.phases.session import SessionPlace, SystemSession
from certify.phases.trial import Shared, Trial
from certify.plan import BackendPlan, Plan, PlannedCheck
from certify.profile.model import LoadLevel, Performance, Safety
from certify.profile.thresholds import parse_threshold
from certify.profile.yaml import Mark

PORTS = ("market_data", "broker", "execution", "paper_trading", "broker_framework", "risk", "trade_monitor")
INSTRUMENT = {"id": "AAPL.NASDAQ", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": "1"}
LEVEL = LoadLevel(name="one", duration_s=2.0, warmup_s=0.3, orders_per_s=100.0, market_data_per_s=60.0)
BY_ID = {check.card.id: check for check in CHECKS}


class Bench:
    """The mock with some options, and the checks of the phase on it."""

    def __init__(self, plan: Plan, place: Path) -> None:
        self.events: list[Event] = []
        self.plan = plan
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self.session = SystemSession(
            plan.backends[0],
            SessionPlace(root=place / "system", log_file=place / "system.log"),
            ledger=self.ledger,
            publish=self.events.append,
            stopping=self.stopping,
        )
        self.shared = Shared(
            plan=plan,
            sessions=dict.fromkeys(plan.backends[0].ports, self.session),
            ledger=self.ledger,
            publish=self.events.append,
            run_dir=place,
            tag="T",
        )

    def trial(self, check_id: str, **parameters: str) -> Trial:
        card = BY_ID[check_id].card
        values = {parameter.name: parameter.default for parameter in card.parameters} | parameters
        planned = PlannedCheck(
            id=card.id,
            title=card.title,
            phase=PhaseId.PERFORMANCE,
            component=card.component,
            severity=card.severity,
            parameters=values,
        )
        return Trial(self.shared, planned)

    def check(self, name: str, **parameters: str) -> Finding:
        check_id = f"performance.{name}"
        try:
            return BY_ID[check_id].run(self.trial(check_id, **parameters))
        except Unmet as error:
            return failed(str(error))
        except Unmeasurable as error:
            return inconclusive(str(error))


def make_plan(
    levels: tuple[LoadLevel, ...] = (LEVEL,),
    thresholds: tuple[str, ...] = ("orders.latency.p50 < 100ms", "orders.latency.p90 < 100ms"),
    adapter: str = "certify.backends.mock:create",
    ports: tuple[str, ...] = PORTS,
    safety: Safety | None = None,
    **options: Any,
) -> Plan:
    mark = Mark("profile.yaml", 1, 1)
    backend = BackendPlan(
        key="mock",
        backend="mock",
        ports=ports,
        adapter=adapter,
        options={"instruments": [INSTRUMENT], "market_rate_per_s": 5, **options},
    )
    return Plan(
        profile=ProfileRef(name="test", digest="sha256:0"),
        subject=Subject(name="test", version="1", digest="sha256:0"),
        seed=1,
        mode="standard",
        scope=Scope(),
        backends=(backend,),
        instruments=(Instrument("AAPL.NASDAQ", tick=Decimal("0.01"), lot=Decimal(1)),),
        checks=(),
        performance=Performance(
            loads=levels, thresholds=tuple(parse_threshold(text, mark) for text in thresholds)
        ),
        safety=safety or Safety(),
        limits={"price_band": Decimal(5)},
    )


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    @contextmanager
    def open_bench(**plan: Any) -> Iterator[Bench]:
        made = Bench(make_plan(**plan), tmp_path)
        made.session.start()
        try:
            yield made
        finally:
            made.session.stop("the test is over", graceful=False)

    return open_bench
