"""Renew what is due, through the same pipeline as `certify run`, and tell whoever wants to hear of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from filelock import FileLock, Timeout

from certify import clock
from certify.cli.live.text import clean
from certify.cli.renewal_run import Ran, run_again
from certify.cli.renewal_tell import Teller
from certify.cli.request import Selection, read_request
from certify.cli.standings import planned_names, standing_in, standings
from certify.errors import CertifyError, EvidenceError, UsageError
from certify.evidence.files import RESULT_FILE, VERDICT_FILE, read_json
from certify.model.ids import ExitCode
from certify.model.judgement import Verdict
from certify.model.results import RunResult
from certify.profile.model import Profile
from certify.recertify.due import why_not, why_renew
from certify.recertify.log import Log
from certify.recertify.metrics import Figures, write_metrics
from certify.recertify.standing import WITHIN, Standing, State, current
from certify.recertify.state import STATE_FILE, Attempt, read_state, write_state
from certify.store.runs import RunStore

LOCK_FILE = "locks/recertify.lock"
WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.NOT_CERTIFIED,
    ExitCode.INCONCLUSIVE,
    ExitCode.USAGE,
    ExitCode.NOT_ACCEPTABLE,
    ExitCode.CONDITIONAL,
)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What was asked of `certify recertify`."""

    profile: str | None = None
    """Only this one, by name or path, from the working directory; `None`: every certificate known."""
    within: Fraction = WITHIN
    force: bool = False
    dry_run: bool = False
    live: bool = False
    accept_conditional: bool = False
    delay_s: float = 0.0
    """The longest that is waited before anything is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One identity, with how its certificate stands and how it is certified again."""

    standing: Standing
    selection: Selection
    profile: Profile | None
    """`None` where it cannot be loaded; `problem` says why."""
    problem: CertifyError | None = None


def recertify(store: RunStore, orders: Orders, say: Say) -> ExitCode:
    """Renew what is due, stale, or failed last time; return the worst of how it ended.

    Raises:
        UsageError: the home cannot be written, or the profile that was asked for is wrong.
    """
    if orders.delay_s > 0:
        clock.sleep_s(random.uniform(0.0, orders.delay_s))
    lock = FileLock(store.home / LOCK_FILE, timeout=0)
    try:
        (store.home / LOCK_FILE).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        say(f"another certify recertify is at work on {store.home}: left to it")
        return ExitCode.CERTIFIED
    except OSError as error:
        raise UsageError(f"{store.home}: cannot be written: {error.strerror}") from error
    with lock:
        return _Renewals(store, orders, say).all()


class _Renewals:
    """One go over every certificate, under the lock."""

    def __init__(self, store: RunStore, orders: Orders, say: Say) -> None:
        self._store, self._orders = store, orders
        self._log, self._on_screen = Log(store.home), say
        self._teller = Teller(self._say, dry_run=orders.dry_run)
        self._state = read_state(store.home)

    def all(self) -> ExitCode:
        codes = []
        for task in self._tasks():
            codes.append(self._one(task))
            if codes[-1] is ExitCode.INTERRUPTED:
                break
        if not codes:
            self._say("nothing to renew: no certificate is known; name a profile with --profile")
        if not self._orders.dry_run:
            self._measure()
        return next((code for code in WORST_FIRST if code in codes), ExitCode.CERTIFIED)

    def _say(self, text: str) -> None:
        self._log.write(clean_lines(text))
        self._on_screen(clean_lines(text))

    def _tasks(self) -> Iterator[Task]:
        found = current(standings(self._store, within=self._orders.within))
        if self._orders.profile is not None:
            yield _asked_for(self._orders.profile, found, live=self._orders.live)
            return
        for standing in found:
            yield _known_task(standing, live=self._orders.live)

    def _one(self, task: Task) -> ExitCode:
        """Look at one certificate, renew it where that is asked for, and tell how it went."""
        standing = task.standing
        last = self._state.of(standing.profile, standing.subject)
        reason = why_renew(standing, last, force=self._orders.force)
        self._teller.ping(task.profile, "start")
        if self._orders.dry_run:
            self._rehearse(task, reason)
            return ExitCode.CERTIFIED
        if not reason:
            self._say(f"{standing.name}: left alone: {why_not(standing)}")
            self._teller.ping(task.profile)
            return ExitCode.CERTIFIED
        self._say(f"{standing.name}: is renewed, because {reason}")
        ran = self._renew(task, reason)
        self._keep(task, ran)
        code = ran.code
        if code is ExitCode.CONDITIONAL and self._orders.accept_conditional:
            code = ExitCode.CERTIFIED
        self._teller.ping(task.profile, "" if ran.renewed else str(int(ran.code)))
        return code

    def _rehearse(self, task: Task, reason: str) -> None:
        name = task.standing.name
        self._say(f"{name}: would be renewed, because {reason}" if reason else f"{name}: would be left alone")
        if task.problem is not None:
            self._say(f"{name}: cannot be renewed: {task.problem}")
        self._teller.rehearse(task.profile, task.standing)

    def _renew(self, task: Task, reason: str) -> Ran:
        began_ns = clock.monotonic_ns()
        if task.problem is not None or task.profile is None:
            ran = Ran.of_error(task.problem or UsageError("its profile is not known"))
        elif (refusal := self._teller.before(task.profile, task.standing, reason)) is not None:
            ran = Ran(code=ExitCode.INCONCLUSIVE, text=f"not run: {refusal}")
        else:
            ran = run_again(task.selection, self._store, self._say)
        return replace(ran, took_s=(clock.monotonic_ns() - began_ns) / clock.NS_PER_S)

    def _keep(self, task: Task, ran: Ran) -> None:
        """Keep how it ended, tell it, and keep when it was told that the certificate is about to expire."""
        standing, now_ns = task.standing, clock.now_ns()
        last = self._state.of(standing.profile, standing.subject)
        attempt = Attempt(
            profile=standing.profile,
            subject=standing.subject,
            at_ns=now_ns,
            exit_code=int(ran.code),
            text=clean(ran.text),
            run_id=ran.run_dir.name if ran.run_dir else "",
            took_s=round(ran.took_s, 3),
            told_expiring_ns=last.told_expiring_ns if last else 0,
        )
        self._write(attempt)
        self._teller.after(task.profile, standing, ran)
        told_ns = attempt.told_expiring_ns
        if not ran.renewed and self._teller.expiring(task.profile, standing, ran, told_ns, now_ns):
            self._write(replace(attempt, told_expiring_ns=now_ns))

    def _write(self, attempt: Attempt) -> None:
        self._state = self._state.with_attempt(attempt)
        try:
            write_state(self._store.home, self._state)
        except OSError as error:
            self._say(f"{STATE_FILE}: cannot be written: {error.strerror}")

    def _measure(self) -> None:
        """Write the figures of every certificate; a full disk must not undo what was renewed."""
        found = current(standings(self._store, within=self._orders.within))
        newest = newest_runs(self._store)
        figures = []
        for one in found:
            result, grade = newest.get((one.profile, one.subject), (None, ""))
            attempt = self._state.of(one.profile, one.subject)
            figures.append(Figures(standing=one, attempt=attempt, result=result, grade=grade))
        try:
            write_metrics(self._store.home, figures, at_ns=clock.now_ns())
        except OSError as error:
            self._say(f"metrics: cannot be written: {error.strerror}")


def clean_lines(text: str) -> str:
    """Return a text with account ids masked and control characters written out, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def newest_runs(store: RunStore) -> dict[tuple[str, str], tuple[RunResult | None, str]]:
    """Return the newest whole run of each identity, with its grade."""
    found: dict[tuple[str, str], tuple[RunResult | None, str]] = {}
    for run in reversed(store.all()):
        names = planned_names(run)
        if names in found or not (run / VERDICT_FILE).is_file():
            continue
        try:
            result = read_json(run / RESULT_FILE, RunResult)
            if not result.partial_selection:
                found[names] = result, read_json(run / VERDICT_FILE, Verdict).grade.value
        except EvidenceError:
            continue
    return found


def _known_task(standing: Standing, *, live: bool) -> Task:
    from certify.cli.pipeline import load

    selection = Selection(profile=standing.profile)
    try:
        if standing.run_dir is None:
            raise UsageError("no run of it is known")
        selection = replace(read_request(standing.run_dir), phases=(), checks=(), live=live)
        with standing_in(selection) as here:
            return Task(standing=standing, selection=here, profile=load(here))
    except CertifyError as error:
        return Task(standing=standing, selection=selection, profile=None, problem=error)


def _asked_for(name: str, found: tuple[Standing, ...], *, live: bool) -> Task:
    """Return the task of a profile that was named, certified before or not."""
    from certify.cli.pipeline import load

    selection = Selection(profile=name, live=live, directory=str(Path.cwd()))
    profile = load(selection)
    missing = Standing(
        profile=profile.name, subject=profile.subject.name, state=State.MISSING, reason="never certified"
    )
    identity = (profile.name, profile.subject.name)
    standing = next((one for one in found if (one.profile, one.subject) == identity), missing)
    return Task(standing=standing, selection=selection, profile=profile)
