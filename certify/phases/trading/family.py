"""Behaviours that every order port must show: written once, tried on each port under its own id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.phases.api import Check, Finding
from certify.phases.trading.desk import Desk
from certify.phases.trading.red import TURNS_RED
from certify.phases.trial import Trial

CRITICAL, MAJOR, MINOR = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR
ALL_MODES = ("quick", "standard", "certified")
SLOW = ("standard", "certified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One order port with the prefix of its checks."""

    port: str
    component: ComponentId
    prefix: str
    words: str = ""
    """What to add to a title, so that it says which port it is about."""
    severities: Mapping[Severity, Severity] | None = None
    """What a behaviour's severity becomes on this port; what is not named stays."""


EXECUTION = Family(port="execution", component=ComponentId.EXECUTION, prefix="execution")
BROKER = Family(
    port="broker", component=ComponentId.BROKER, prefix="broker", words=", straight to the broker"
)
PAPER = Family(
    port="paper_trading",
    component=ComponentId.PAPER_TRADING,
    prefix="paper",
    words=", on paper",
    severities={CRITICAL: MAJOR},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a card says but for the port, and the function that looks."""

    what: str
    title: str
    severity: Severity
    steps: tuple[str, ...]
    passes_when: str
    remedy: str
    needs: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """Optional methods; `port.disconnect` stands for the family's own port."""
    references: tuple[str, ...] = ()
    modes: tuple[str, ...] = SLOW
    destructive: bool = False
    look: Callable[[Desk], Finding]

    def on(self, family: Family) -> Check:
        """Return the check of this behaviour on one port."""
        look, port = self.look, family.port

        def run(trial: Trial) -> Finding:
            return look(Desk(trial, port))

        return Check(self._card(family), run)

    def _card(self, family: Family) -> CheckCard:
        name = f"{family.prefix}.{self.what}"
        return CheckCard(
            id=name,
            title=self.title + family.words,
            phase=PhaseId.TRADING,
            component=family.component,
            severity=(family.severities or {}).get(self.severity, self.severity),
            steps=self.steps,
            passes_when=self.passes_when,
            remedy=self.remedy,
            needs=self.needs,
            methods=tuple(method.replace("port.", f"{family.port}.", 1) for method in self.methods),
            references=self.references,
            defects=TURNS_RED.get(name, ()),
            modes=self.modes,
            destructive=self.destructive,
        )


def behaviour(  # noqa: PLR0913 - a card has as many parts
    what: str,
    title: str,
    severity: Severity,
    *,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    needs: tuple[str, ...] = (),
    methods: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    modes: tuple[str, ...] = SLOW,
    destructive: bool = False,
) -> Callable[[Callable[[Desk], Finding]], Behaviour]:
    """Make a `Behaviour` of a function; used as a decorator with what its card says."""
    return lambda function: Behaviour(
        what=what,
        title=title,
        severity=severity,
        steps=steps,
        passes_when=passes_when,
        remedy=remedy,
        needs=needs,
        methods=methods,
        references=references,
        modes=modes,
        destructive=destructive,
        look=function,
    )
