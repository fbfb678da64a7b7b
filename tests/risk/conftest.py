"""Runs chosen checks on a system in its own process, as a run does, without the rest of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certify import clock
from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.evidence.journal import read_journal
from certify.model.card import CheckCard
from certify.model.events import CheckFinished
from certify.model.results import Subject
from certify.phases.catalogue import BY_ID
from certify.plan import SystemFacts, backend_plans, make_plan
from certify.profile.load import load_profile
from certify.profile.vocabulary import Vocabulary

SUBJECT = Subject(name="system", version="1", digest="sha256:" + "0" * 64)
CARDS = tuple(check.card for check in BY_ID.values())
KNOWN = Vocabulary.of(CARDS)
RunChecks = Callable[..., dict[str, CheckFinished]]


@pytest.fixture
def run_checks(tmp_path: Path) -> RunChecks:
    """Return a function that runs checks by id and returns what became of each."""

    def run(
        ids: Sequence[str],
        *,
        settings: Sequence[str] = (),
        seed: int = 1,
        backend: str = "mock",
        adapter: str | None = None,
        parameters: dict[str, str] | None = None,
        **options: Any,
    ) -> dict[str, CheckFinished]:
        profile = load_profile("quick", ["mode=standard", f"seed={seed}", *settings], known=KNOWN)
        spec = replace(
            next(iter(profile.components.values())), backend=backend, adapter=adapter, options=options
        )
        profile = replace(profile, components=dict.fromkeys(profile.components, spec))
        cards = tuple(_with(card, parameters or {}) for card in CARDS)
        return _run(profile, cards, ids, tmp_path)

    return run


def _with(card: CheckCard, parameters: dict[str, str]) -> CheckCard:
    changed = tuple(replace(p, default=parameters.get(p.name, p.default)) for p in card.parameters)
    return replace(card, parameters=changed)


def _run(
    profile: Any, cards: tuple[CheckCard, ...], ids: Sequence[str], tmp_path: Path
) -> dict[str, CheckFinished]:
    place = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
    (place / "logs").mkdir(parents=True)
    with Bench(backend_plans(profile), place / "logs") as bench:
        bench.launch()
        plan = make_plan(
            profile,
            cards,
            {s.backend.key: SystemFacts(info=s.info, methods=s.facts.methods) for s in bench.sessions},
            only=ids,
            subject=SUBJECT,
            today=clock.utc(clock.now_ns()).date(),
        )
        for _event in execute(plan, bench, run_id="run", run_dir=place, catalogue=BY_ID):
            pass
    events = read_journal(place / "events.jsonl").events
    return {event.id: event for event in events if isinstance(event, CheckFinished)}
