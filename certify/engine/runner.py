"""Carry out a plan: check after check, each with its outcome, whatever the system does."""

from __future__ import annotations

import contextlib
import secrets
import threading
import traceback
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import certify
from certify import clock
from certify.engine.bench import Bench
from certify.engine.environment import environment
from certify.engine.stream import EventStream
from certify.engine.sweep import sweep
from certify.engine.tidy import replaceable, tidy
from certify.errors import (
    AdapterRaised,
    CertifyError,
    EvidenceError,
    NotSupported,
    SystemSilent,
    SystemUnavailable,
)
from certify.evidence.journal import JournalWriter
from certify.model.events import (
    CheckFinished,
    CheckStarted,
    Note,
    PhaseFinished,
    PhaseStarted,
    PlannedRef,
    RunFinished,
    RunStarted,
)
from certify.model.fingerprint import Fingerprint
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, StopReason
from certify.phases.api import Check, Finding, Stopped, Unmeasurable, Unmet, failed, inconclusive
from certify.phases.session import SystemSession
from certify.phases.trial import Shared, Trial
from certify.plan import Plan, PlannedCheck, plan_digest

CHECK_LIMIT_S = 180.0
"""How long a check may take beyond the planned load; then its system is ended under it."""
MOST_ATTEMPTS = 4
"""With one order in twenty refused and ten orders in a check, one in forty still fails every time."""


def new_run_id(profile_name: str) -> str:
    """Return an id that sorts by time: `20260131T093000Z-staging-3f2a`."""
    stamp = clock.utc(clock.now_ns()).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{profile_name}-{secrets.token_hex(2)}"


def execute(
    plan: Plan,
    bench: Bench,
    *,
    run_id: str,
    run_dir: Path,
    catalogue: Mapping[str, Check],
    done: frozenset[str] = frozenset(),
    stands_on: Fingerprint | None = None,
) -> EventStream:
    """Run a plan on launched systems and return the stream of its events; the journal is in `run_dir`.

    `done`: checks whose outcome is in the journal of the interrupted run that goes on; not run again.
    `stands_on`: what is recorded of everything that the run stands on.
    """
    runner = Runner(plan, bench, run_id, run_dir, catalogue, done)
    runner.stands_on = stands_on
    return EventStream(bench.publisher, runner.run, bench.stopping)


class Runner:
    """One run, on its own thread."""

    def __init__(
        self,
        plan: Plan,
        bench: Bench,
        run_id: str,
        run_dir: Path,
        catalogue: Mapping[str, Check],
        done: frozenset[str],
    ) -> None:
        """Keep what is needed; nothing runs before `run`."""
        self._left = [check for check in plan.checks if check.id not in done]
        self._plan, self._bench, self._run_id, self._catalogue = plan, bench, run_id, catalogue
        self._run_dir = run_dir
        self.stands_on: Fingerprint | None = None
        """The fingerprint that is recorded with the run."""
        self._publish = bench.publisher.publish
        self._shared = Shared(
            plan=plan,
            sessions=bench.by_port,
            ledger=bench.ledger,
            publish=self._publish,
            run_dir=run_dir,
            tag=order_tag(plan, run_id, bench, attempt=len(done)),
        )

    def run(self) -> None:
        """Do everything; whatever happens, the last event is `RunFinished`."""
        with JournalWriter(self._run_dir / "events.jsonl") as journal:
            self._bench.publisher.attach(journal, self._opening())
            stop, text = self._guarded()
            self._publish(RunFinished(at_ns=clock.now_ns(), stop=stop, text=text))

    def _guarded(self) -> tuple[StopReason, str]:
        try:
            self._bench.start()
            self._sweep()
            self._phases()
            stop, text = StopReason.COMPLETED, ""
        except Stopped:
            stop, text = StopReason.INTERRUPTED, "asked to stop"
        except SystemUnavailable as error:
            stop, text = StopReason.UNAVAILABLE, str(error)
        except (AdapterRaised, NotSupported) as error:
            stop, text = StopReason.UNAVAILABLE, f"the system could not be started: {error}"
        except Exception as error:  # the tool's own mistake must end as an honest partial run
            stop, text = StopReason.BROKEN, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        self._bench.stopping.clear()
        try:
            self._leave_clean()
        finally:
            self._bench.close()
        return stop, text

    def _sweep(self) -> None:
        """Take away what an earlier run left in a real account, before anything is looked at."""
        if self._plan.checks:
            for text in sweep(Trial(self._shared, self._plan.checks[0])):
                self._publish(Note(at_ns=clock.now_ns(), text=f"swept: {text}"))

    def _opening(self) -> RunStarted:
        plan = self._plan
        return RunStarted(
            run_id=self._run_id,
            at_ns=clock.now_ns(),
            seed=plan.seed,
            profile=plan.profile,
            plan_digest=plan_digest(plan),
            subject=plan.subject,
            scope=plan.scope,
            partial_selection=plan.partial_selection,
            planned=tuple(check.id for check in plan.checks),
            planned_checks=tuple(_ref(check) for check in plan.checks),
            tool_version=certify.__version__,
            environment=environment(),
            fingerprint=self.stands_on,
        )

    def _phases(self) -> None:
        for phase, checks in groupby(self._left, key=lambda check: check.phase):
            group = list(checks)
            began = clock.monotonic_ns()
            self._publish(PhaseStarted(at_ns=clock.now_ns(), phase=PhaseId(phase), checks=len(group)))
            for planned in group:
                self._check(planned)
            self._publish(PhaseFinished(at_ns=clock.now_ns(), phase=PhaseId(phase), took_ms=_since_ms(began)))

    def _check(self, planned: PlannedCheck) -> None:
        if self._bench.stopping.is_set():
            raise Stopped
        if planned.decided is not None:
            self._finish(planned, Finding(outcome=planned.decided, message=planned.reason), 0.0)
            return
        self._heal()
        self._publish(CheckStarted(at_ns=clock.now_ns(), id=planned.id))
        began = clock.monotonic_ns()
        trial = Trial(self._shared, planned)
        finding, tries = self._attempts(planned, trial)
        self._finish(
            planned, finding, _since_ms(began), flaky=tries > 1 and finding.outcome is Outcome.PASSED
        )
        self._restore(trial)

    def _attempts(self, planned: PlannedCheck, trial: Trial) -> tuple[Finding, int]:
        """Run a check; once more, up to a bound, where the venue refused an order and may not do so again.

        A venue that refuses one order in twenty is no fault of the order path. What passes only then
        is flaky, and says so; what fails every time is failed.
        """
        seen = self._venue_refusals()
        first = finding = self._attempt(planned, trial)
        number = 1
        while finding.outcome is Outcome.FAILED and self._venue_refusals() > seen and number < MOST_ATTEMPTS:
            self._restore(trial)
            self._heal()
            seen, number = self._venue_refusals(), number + 1
            finding = self._attempt(planned, trial)
        if number > 1 and finding.outcome is Outcome.PASSED:
            text = f"{finding.message} (passed at attempt {number}; before: {first.message})"
            return replace(finding, message=text), number
        return finding, 1

    def _venue_refusals(self) -> int:
        """Count the orders that a venue or broker has refused in this run."""
        return self._shared.ledger.refused_outside

    def _attempt(self, planned: PlannedCheck, trial: Trial) -> Finding:
        watchdog = threading.Timer(CHECK_LIMIT_S + self._load_s(planned), self._abort_check)
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._catalogue[planned.id].run(trial)
        except Exception as error:  # every way to end is an outcome
            return outcome_of(error, self._alive)
        finally:
            watchdog.cancel()

    def _load_s(self, planned: PlannedCheck) -> float:
        if planned.phase is not PhaseId.PERFORMANCE:
            return 0.0
        return 3 * sum(level.duration_s + level.warmup_s for level in self._plan.performance.loads)

    def _abort_check(self) -> None:
        for session in self._bench.sessions:
            session.unwell = "the check took too long"
            with contextlib.suppress(SystemUnavailable):  # between two processes there is none
                session.process.kill()

    def _alive(self) -> str:
        """Ask every system whether it is still alive, in words for a message; empty when all are."""
        texts = []
        for session in self._bench.sessions:
            try:
                session.process.call("system", "health", timeout_s=2.0)
            except NotSupported:
                continue
            except CertifyError as error:
                texts.append(f"{session.backend.key} does not answer any more ({error})")
        return "; ".join(texts)

    def _finish(
        self, planned: PlannedCheck, finding: Finding, took_ms: float, *, flaky: bool = False
    ) -> None:
        try:
            self._publish(self._finished(planned, finding, took_ms, flaky))
        except EvidenceError as error:  # a figure that is no number: the check broke, not the evidence
            broken = Finding(outcome=Outcome.ERROR, message=f"the check broke: {error}")
            self._publish(self._finished(planned, broken, took_ms, flaky=False))

    def _finished(
        self, planned: PlannedCheck, finding: Finding, took_ms: float, flaky: bool
    ) -> CheckFinished:
        return CheckFinished(
            at_ns=clock.now_ns(),
            id=planned.id,
            title=planned.title,
            phase=planned.phase,
            component=planned.component,
            severity=planned.severity,
            outcome=finding.outcome,
            message=finding.message,
            measurements=finding.measurements,
            limits=finding.limits,
            assurance=self._assurance(planned),
            took_ms=took_ms,
            waived=planned.waived,
            flaky=flaky,
        )

    def _assurance(self, planned: PlannedCheck) -> Assurance:
        session = self._shared.sessions.get(planned.component)
        if session is not None:
            return session.assurance
        every = [s.assurance for s in self._bench.sessions]
        if planned.component is ComponentId.CERTIFY or not every:
            return max(every, key=lambda a: a.rank, default=Assurance.SIMULATED)
        return min(every, key=lambda a: a.rank)

    def _heal(self) -> None:
        """Replace a system that fell silent or died, so that one failure is not every failure."""
        for session in self._bench.sessions:
            if not session.running:
                self._replace(session, session.unwell or "its process ended")

    def _restore(self, trial: Trial) -> None:
        if any(session.unwell for session in self._bench.sessions):
            return
        problems = tidy(trial)
        if problems and replaceable(trial):
            for session in self._bench.sessions:
                self._replace(session, "; ".join(problems))
        elif problems:
            trial.note(f"after {trial.planned.id}: {'; '.join(problems)}")

    def _replace(self, session: SystemSession, why: str) -> None:
        self._publish(Note(at_ns=clock.now_ns(), text=f"{session.backend.key} is replaced: {why}"))
        session.stop(why, graceful=False)
        self._shared.ledger.forget(session.backend.ports)
        self._shared.reset(session.backend.ports)
        session.restart(why, graceful=False, fresh=session.assurance is Assurance.SIMULATED)

    def _leave_clean(self) -> None:
        last = self._plan.checks[-1] if self._plan.checks else None
        alive = all(session.running for session in self._bench.sessions)
        if last is None or not alive:
            return
        for problem in tidy(Trial(self._shared, last)):
            self._publish(Note(at_ns=clock.now_ns(), text=f"left behind: {problem}"))


def outcome_of(error: Exception, ask_alive: object) -> Finding:
    """Return the finding that an exception of a check amounts to.

    Raises:
        Stopped: the run was asked to stop.
    """
    if isinstance(error, Stopped):
        raise error
    if isinstance(error, Unmet):
        alive = ask_alive() if callable(ask_alive) and "silence" in str(error) else ""
        return failed(f"{error}{f' ({alive})' if alive else ''}")
    if isinstance(error, Unmeasurable):
        return inconclusive(str(error))
    if isinstance(error, NotSupported):
        return failed(f"expected what the system claims it can do, was: {error} (and no reason declared)")
    if isinstance(error, SystemSilent):
        return failed(f"{error} (silence is failure)")
    if isinstance(error, SystemUnavailable):
        return failed(f"expected the system to stay alive, was: {error}")
    if isinstance(error, AdapterRaised):
        return Finding(outcome=Outcome.ERROR, message=f"the adapter raised {error}")
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    where = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        outcome=Outcome.ERROR, message=f"the check broke: {text} ({Path(where.filename).name}:{where.lineno})"
    )


def order_tag(plan: Plan, run_id: str, bench: Bench, *, attempt: int = 0) -> str:
    """Return the prefix of every client order id of a run.

    A simulated system starts empty, so the tag comes from the seed and a run can be repeated
    exactly; a real account keeps ids for ever, so there it comes from the run, and from how far
    the run had come (`attempt`) when it goes on: its numbers begin again.
    """
    if all(session.assurance is Assurance.SIMULATED for session in bench.sessions):
        return f"CT{plan.seed}"
    return f"CT{run_id.split('-', maxsplit=1)[0]}{run_id[-4:]}{f'r{attempt}' if attempt else ''}"


def _ref(check: PlannedCheck) -> PlannedRef:
    return PlannedRef(
        id=check.id,
        title=check.title,
        phase=check.phase,
        component=check.component,
        severity=check.severity,
        waived=check.waived,
    )


def _since_ms(began_ns: int) -> float:
    return round((clock.monotonic_ns() - began_ns) / clock.NS_PER_MS, 3)


__all__ = ["Runner", "execute", "new_run_id", "outcome_of"]
