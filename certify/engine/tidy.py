"""Leave no trace: gateways healed, links mended, kill switch released, limits put back, no open order, flat.

Runs after every check, and before and after the run. What a system does not let itself be
tidied of is said; a simulated one is replaced by a fresh one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from certify.errors import CertifyError
from certify.model.ids import Assurance
from certify.model.trading import Limit, OrderType, Side
from certify.phases.api import Stopped, Unmeasurable, Unmet
from certify.phases.gateway import healed
from certify.phases.ledger import Entry
from certify.phases.orders import OrderDesk
from certify.phases.trial import Trial

ORDER_PORTS = ("broker", "execution", "paper_trading")
TIDY_PATIENCE_S = 3.0
TIDY_TRIES = 4
NAME = "certify"
Step = Callable[[Trial], Iterator[str]]


def tidy(trial: Trial) -> list[str]:
    """Undo what a check left behind and return what could not be undone, in words."""
    problems: list[str] = []
    for step in (_heal, _mend_links, _resume, _restore_limits, _revert, _cancel_orders, _flatten):
        try:
            problems.extend(step(trial))
        except (Unmet, Unmeasurable, CertifyError) as error:
            problems.append(f"{_name(step)}: {error}")
        except Stopped:
            problems.append("stopped while tidying")
        except Exception as error:  # what a system answers need not be what the contract says
            problems.append(f"{_name(step)}: {type(error).__name__}: {error}")
    return problems


def _name(step: Step) -> str:
    return step.__name__.strip("_").replace("_", " ")


def _heal(trial: Trial) -> Iterator[str]:
    """Put every simulated gateway back first: nothing can be cancelled through one that is silent."""
    sessions = {session.backend.key: session for session in trial.shared.sessions.values()}
    health = {
        key: partial(session.call, "system", "health")
        for key, session in sessions.items()
        if session.running and session.has("system", "health")
    }
    yield from healed(trial.gateways, health)


def _mend_links(trial: Trial) -> Iterator[str]:
    for port in sorted(trial.shared.cut_ports):
        trial.call(port, "reconnect")
        trial.shared.cut_ports.discard(port)
    yield from ()


def _resume(trial: Trial) -> Iterator[str]:
    if not trial.shared.killed:
        return
    decision = trial.call("risk", "resume", NAME, "end of the check")
    state = trial.call("risk", "state")
    if state != "ACTIVE":
        yield f"the kill switch stays {state}: {decision}"
    else:
        trial.shared.killed = False


def _restore_limits(trial: Trial) -> Iterator[str]:
    for (name, instrument), value in list(trial.shared.changed_limits.items()):
        trial.call("risk", "set_limit", Limit(name, value, instrument), NAME)
        del trial.shared.changed_limits[name, instrument]
    yield from ()


def _revert(trial: Trial) -> Iterator[str]:
    if not trial.shared.facts.get("live"):
        return
    trial.call("paper_trading", "revert")
    del trial.shared.facts["live"]
    yield from ()


def _cancel_orders(trial: Trial) -> Iterator[str]:
    for port in _ports(trial):
        working = [entry for entry in trial.ledger.working(port) if entry.updates]
        for entry in working:
            trial.call(port, "cancel", entry.order.client_order_id, entry.order.instrument)
        if working and trial.wait(port, _ended(working), TIDY_PATIENCE_S) is None:
            left = sorted(entry.order.client_order_id for entry in working if entry.working)
            yield f"{port}: still working: {', '.join(left)}"


def _ended(entries: list[Entry]) -> Callable[[], bool]:
    return lambda: not any(entry.working for entry in entries)


def _flatten(trial: Trial) -> Iterator[str]:
    for port in _ports(trial):
        for instrument in _traded(trial, port):
            held = trial.ledger.position(port, instrument)
            if held:
                yield from _trade_away(trial, port, instrument, held)


def _trade_away(trial: Trial, port: str, instrument: str, held: Decimal) -> Iterator[str]:
    trial.set_market(instrument=instrument)
    desk = OrderDesk(trial, port)
    side = Side.SELL if held > 0 else Side.BUY
    for qty in portions(trial, abs(held)):
        insist(desk, side, qty, instrument)
    left = trial.ledger.position(port, instrument)
    if left:
        yield f"{port}: still holds {left} {instrument}"


def insist(desk: OrderDesk, side: Side, qty: Decimal, instrument: str) -> None:
    """Trade, again where it is refused: a venue may refuse one order and take the next."""
    for left in reversed(range(TIDY_TRIES)):
        order = desk.order(side, qty, type=OrderType.MARKET, instrument=instrument)
        desk.submit(order)
        try:
            desk.filled(order, within_s=TIDY_PATIENCE_S)
        except Unmet:
            if not left or desk.trial.ledger.entries[order.client_order_id].cum_qty:
                raise
        else:
            return


def portions(trial: Trial, qty: Decimal) -> Iterator[Decimal]:
    """Split what is held by the order size limits of the profile and of the system itself."""
    limits = trial.plan.limits | (trial.limits() if trial.has("risk", "limits") else {})
    most = min(trial.plan.safety.max_order_qty, limits.get("max_order_qty", qty))
    while qty > 0:
        part = min(qty, most)
        yield part
        qty -= part


def _ports(trial: Trial) -> list[str]:
    return [port for port in ORDER_PORTS if trial.has(port)]


def _traded(trial: Trial, port: str) -> list[str]:
    return sorted({e.order.instrument for e in trial.ledger.entries.values() if e.port == port})


def replaceable(trial: Trial) -> bool:
    """Return whether a system that cannot be tidied may be replaced by a fresh one: only a simulated one."""
    return all(session.assurance is Assurance.SIMULATED for session in trial.shared.sessions.values())
