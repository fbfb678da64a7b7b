"""Port `risk`: limits in force, the kill switch, and the one gate that every order passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from certify.clock import NS_PER_S
from certify.model.trading import (
    LIMIT_UNITS,
    AlertKind,
    AlertSeverity,
    Decision,
    Instrument,
    Limit,
    Order,
    Side,
)
from certify.reference.exposure import Desk, Proposal
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import refuse
from certify.reference.rules import LimitRules, OrderRate, Rule
from certify.reference.trade_monitor import TradeMonitor

ACTIVE, HALT, REDUCE_ONLY = "ACTIVE", "HALT", "REDUCE_ONLY"
ALLOWED = Decision(accepted=True)
NS_PER_DAY = 24 * 3600 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who changed what in risk control."""

    at_ns: int
    by: str
    action: str
    detail: str


class RiskManager:
    """Holds the limits and the state of trading, and decides on every order and change."""

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        monitor: TradeMonitor,
        *,
        instruments: Mapping[str, Instrument],
        limits: Mapping[str, Decimal],
    ) -> None:
        """Start with `limits` (global, by name) and what `journal` has changed since."""
        self.kernel = kernel
        self._journal = journal
        self._monitor = monitor
        self._instruments = instruments
        self.rate = OrderRate(kernel.now_ns)
        self.rules: dict[str, Rule] = LimitRules(instruments, self.rate).table()
        self.cancel_working: list[Callable[[], bool]] = []
        """What a kill calls to cancel everything; each returns whether it could."""
        self._limits = {(name, None): value for name, value in limits.items()}
        self._set_state(ACTIVE, None)
        self._audit: list[AuditEntry] = []
        self._cancel_due = False
        self._day = self._today()
        self._desks: dict[str, Desk] = {}
        self._baselines: dict[str, Decimal] = {}
        for row in journal.load():
            self._replay(row)

    _limits: dict[tuple[str, str | None], Decimal]

    # -- limits --------------------------------------------------------------------------------

    @locked
    def limits(self) -> list[Limit]:
        """Return the limits in force."""
        return [Limit(name, value, instrument) for (name, instrument), value in self._limits.items()]

    def limit_for(self, name: str, instrument: str) -> Decimal | None:
        """Return the limit that holds for an instrument: its own, else the global one."""
        own = self._limits.get((name, instrument))
        return own if own is not None else self._limits.get((name, None))

    @locked
    def set_limit(self, limit: Limit, by: str) -> Decision:
        """Change a limit at once; refused without a name, for an unknown limit or a value below 0."""
        refusal = self._invalid_limit(limit, by)
        if refusal is not None:
            return refusal
        self._limits[limit.name, limit.instrument] = limit.value
        self._journal.append("limit", limit.name, limit.value, limit.instrument)
        scope = limit.instrument or "all instruments"
        self.record(by, "set_limit", f"{limit.name} = {limit.value} for {scope}")
        return ALLOWED

    def _invalid_limit(self, limit: Limit, by: str) -> Decision | None:
        if not by.strip():
            return refuse("NAME_REQUIRED", "expected the name of who changes a limit, was empty")
        if limit.name not in LIMIT_UNITS:
            return refuse("UNKNOWN_LIMIT", f"no limit {limit.name}")
        if not limit.value.is_finite() or limit.value < 0:
            return refuse("INVALID_VALUE", f"expected a value of 0 or more, was {limit.value}")
        if limit.instrument is not None and limit.instrument not in self._instruments:
            return refuse("UNKNOWN_INSTRUMENT", f"no instrument {limit.instrument}")
        return None

    # -- the gate ------------------------------------------------------------------------------

    @locked
    def admit(self, proposal: Proposal, desk: Desk) -> Decision:
        """Decide, and reserve at once what is allowed, so that no other order can use it too."""
        decision = self.evaluate(proposal, desk)
        if decision.accepted:
            desk.reserve(proposal)
            self.rate.add()
        else:
            self.on_refused(decision, proposal)
        return decision

    def evaluate(self, proposal: Proposal, desk: Desk) -> Decision:
        """Decide without any effect."""
        stopped = self.check_state(proposal, desk)
        if stopped is not None:
            return stopped
        for name, rule in self.rules.items():
            limit = self.limit_for(name, proposal.instrument)
            found = rule(proposal, desk, limit) if limit is not None else None
            if found is not None:
                return found
        return ALLOWED

    @locked
    def precheck(self, order: Order) -> Decision:
        """Say whether this order would pass now on the account it names, else the main one."""
        desk = self._desks.get(order.account or "") or next(iter(self._desks.values()))
        return self.evaluate(Proposal.of(order), desk)

    def check_state(self, proposal: Proposal, desk: Desk) -> Decision | None:
        """Refuse what the kill switch stops: everything, or what does not reduce a position."""
        if self._state == ACTIVE:
            return None
        if self._state == REDUCE_ONLY and self.reduces(proposal, desk):
            return None
        if self._cause is not None and self._state == HALT:
            return self._cause
        return refuse(self._state, f"trading is stopped: {self._state}")

    @staticmethod
    def reduces(proposal: Proposal, desk: Desk) -> bool:
        """Whether the position shrinks even if everything working on this side fills, and never turns."""
        held = desk.book.qty(proposal.instrument)
        opposite = held > 0 if proposal.side is Side.SELL else held < 0
        return opposite and desk.worst_position(proposal) <= 0

    def on_refused(self, decision: Decision, proposal: Proposal) -> None:
        """Alert a breached limit, and stop trading when it was the day's loss."""
        if decision.limit is None and decision.code != "NO_REFERENCE":
            return
        code = decision.code or ""
        text = f"{proposal.client_order_id} refused: {decision.reason}"
        self._monitor.raise_alert(
            AlertKind.LIMIT_BREACH, text, key=code, component="risk", instrument=proposal.instrument
        )
        if code == "MAX_DAILY_LOSS" and self._state != HALT:
            self.stop_for_loss(decision)

    # -- the day's loss ------------------------------------------------------------------------

    @locked
    def add_desk(self, desk: Desk) -> None:
        """Watch one more account; the first is the main one."""
        desk.baseline = self._baselines.get(desk.account, Decimal(0))
        self._desks[desk.account] = desk

    @locked
    def start(self) -> None:
        """Take up the day; alerts of a stop that was lifted are about nothing that goes on."""
        if self._state == ACTIVE:
            self._clear_alerts()
        self.check_losses()

    def _clear_alerts(self) -> None:
        self._monitor.clear(AlertKind.KILL_SWITCH)
        self._monitor.clear(AlertKind.DAILY_LOSS)

    @locked
    def drop_desk(self, desk: Desk) -> None:
        """Watch an account no longer."""
        self._desks.pop(desk.account, None)

    def _remember_baseline(self, desk: Desk) -> None:
        self._baselines[desk.account] = desk.baseline
        self._journal.append("day", desk.account, self._day, desk.baseline)

    def _today(self) -> int:
        return self.kernel.now_ns() // NS_PER_DAY

    @locked
    def check_losses(self) -> None:
        """Stop trading when an account has lost more than its limit; start a new day at midnight UTC."""
        if self._today() != self._day:
            self._new_day()
        for desk in self._desks.values():
            if desk.account not in self._baselines:
                self._remember_baseline(desk)
        limit = self.limit_for("max_daily_loss", "")
        rule = self.rules.get("max_daily_loss")
        if self._state == HALT or limit is None or rule is None:
            return
        for desk in self._desks.values():
            found = rule(_NOTHING, desk, limit)
            if found is not None:
                self.stop_for_loss(found)
                return

    def _new_day(self) -> None:
        self._day = self._today()
        for desk in self._desks.values():
            desk.baseline = desk.book.pnl()
            self._remember_baseline(desk)

    def stop_for_loss(self, found: Decision) -> None:
        """Latch HALT: too much was lost today."""
        text = found.reason or "max_daily_loss"
        self._monitor.raise_alert(
            AlertKind.DAILY_LOSS, text, severity=AlertSeverity.CRITICAL, component="risk"
        )
        self._stop(HALT, "system", text, cancel_open=True, cause=found)

    # -- the kill switch -----------------------------------------------------------------------

    @locked
    def kill(self, mode: str, by: str, reason: str, cancel_open: bool = True) -> None:
        """Stop trading now; HALT is never weakened to REDUCE_ONLY but by `resume`."""
        if mode not in (HALT, REDUCE_ONLY):
            raise ValueError(f"expected HALT or REDUCE_ONLY, was {mode}")
        text = f"{mode} by {by or 'an unnamed person'}: {reason}"
        self._monitor.raise_alert(
            AlertKind.KILL_SWITCH, text, severity=AlertSeverity.CRITICAL, component="risk"
        )
        self._stop(mode, by, reason, cancel_open=cancel_open, cause=None)

    def _stop(self, mode: str, by: str, reason: str, *, cancel_open: bool, cause: Decision | None) -> None:
        if self._state != HALT:
            self._set_state(mode, cause)
        self._cancel_due = cancel_open
        # Journalled before anything is cancelled: a crash in between must not lift the stop.
        self._write_state()
        self.record(by, f"kill {mode}", reason)
        self.cancel_when_possible()

    def cancel_when_possible(self) -> None:
        """Cancel what a kill wanted cancelled; what could not be reached is tried again on reconnect."""
        if not self._cancel_due:
            return
        reached = [cancel() for cancel in self.cancel_working]
        if all(reached):
            self._cancel_due = False
            self._write_state()

    @locked
    def resume(self, by: str, reason: str) -> Decision:
        """Allow trading again; needs a name and a reason, and starts the loss of the day afresh."""
        if not by.strip():
            return refuse("NAME_REQUIRED", "expected the name of who resumes trading, was empty")
        if not reason.strip():
            return refuse("REASON_REQUIRED", "expected a reason to resume trading, was empty")
        for desk in self._desks.values():
            desk.baseline = desk.book.pnl()
            self._remember_baseline(desk)
        self._set_state(ACTIVE, None)
        self._cancel_due = False
        self._write_state()
        self.record(by, "resume", reason)
        self._clear_alerts()
        return ALLOWED

    @locked
    def state(self) -> str:
        """Return `ACTIVE`, `HALT` or `REDUCE_ONLY`."""
        return self._state

    def _set_state(self, state: str, cause: Decision | None) -> None:
        self._state = state
        self._cause = cause

    # -- what survives -------------------------------------------------------------------------

    def record(self, by: str, action: str, detail: str) -> None:
        """Add a line to the audit trail."""
        entry = AuditEntry(at_ns=self.kernel.now_ns(), by=by, action=action, detail=detail)
        self._audit.append(entry)
        self._journal.append("audit", entry.at_ns, by, action, detail)

    @locked
    def audit(self) -> list[AuditEntry]:
        """Return every change of limits and state, oldest first."""
        return list(self._audit)

    def _write_state(self) -> None:
        cause = self._cause
        row = None if cause is None else (cause.code, cause.reason, cause.observed, cause.limit)
        self._journal.append("state", self._state, self._cancel_due, row)

    def _replay(self, row: list[object]) -> None:
        match row:
            case ["limit", str(name), str(value), instrument]:
                self._limits[name, instrument if isinstance(instrument, str) else None] = Decimal(value)
            case ["state", str(state), bool(cancel_due), cause]:
                self._set_state(state, _cause(cause))
                self._cancel_due = cancel_due
            case ["day", str(account), int(day), str(baseline)]:
                # The day goes on where it was; `check_losses` sees a new one when there are prices again.
                self._day, self._baselines[account] = day, Decimal(baseline)
            case ["audit", int(at_ns), str(by), str(action), str(detail)]:
                self._audit.append(AuditEntry(at_ns=at_ns, by=by, action=action, detail=detail))

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _cause(row: object) -> Decision | None:
    match row:
        case [str(code), str(reason), str(observed), str(limit)]:
            return Decision(False, code, reason, Decimal(observed), Decimal(limit))
    return None


_NOTHING = Proposal.of(Order(client_order_id="", instrument="", side=Side.BUY, qty=Decimal(0)))
"""For asking rules that look at the account alone."""
