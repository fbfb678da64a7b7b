"""Defects of the kill switch: it does not block, does not cancel, forgets, or lets anybody resume."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from certify.defects.api import Defect, defect
from certify.model.trading import Decision, ExecType, OrderType, Side, Source

Chosen = Callable[[Any], bool]
"""Of an order record: whether the kill cancels it."""


def _cancels_only(name: str, text: str, chosen: Callable[[Any, list[Any]], list[Any]]) -> Defect:
    """Return a defect: the kill cancels a part of what is working."""

    def plant(platform: Any) -> None:
        engine = platform.execution

        def cancel() -> bool:
            for record in chosen(platform, list(engine._open.values())):
                engine.cancel(record.order.client_order_id, record.order.instrument)
            return True

        platform.risk.cancel_working = [cancel]

    return Defect(name, text, plant)


def _blocks_but(name: str, text: str, passes: Callable[[Any], bool]) -> Defect:
    """Return a defect: the kill does not stop some orders."""

    def plant(platform: Any) -> None:
        check_state = platform.risk.check_state
        platform.risk.check_state = lambda p, desk: None if passes(p) else check_state(p, desk)

    return Defect(name, text, plant)


def _reduces(name: str, text: str, reduces: Callable[[Any, Any, bool], bool]) -> Defect:
    """Return a defect: REDUCE_ONLY judges what reduces wrongly; the rule is given the right answer too."""

    def plant(platform: Any) -> None:
        right = platform.risk.reduces
        platform.risk.reduces = lambda p, desk: reduces(p, desk, right(p, desk))

    return Defect(name, text, plant)


def _opposite(proposal: Any, desk: Any) -> bool:
    held = desk.book.qty(proposal.instrument)
    return bool(held > 0 if proposal.side is Side.SELL else held < 0)


SIMPLE: tuple[Defect, ...] = (
    _cancels_only("kill_does_not_cancel", "the kill switch cancels nothing", lambda _p, _open: []),
    _cancels_only(
        "kill_leaves_stops",
        "the kill switch does not cancel stop orders",
        lambda _p, records: [r for r in records if r.order.type is not OrderType.STOP],
    ),
    _cancels_only(
        "kill_leaves_other_instruments",
        "the kill switch cancels the orders of the first instrument only",
        lambda p, records: [r for r in records if r.order.instrument == next(iter(p.instruments))],
    ),
    _cancels_only(
        "kill_leaves_sales",
        "the kill switch cancels purchases only",
        lambda _p, records: [r for r in records if r.order.side is Side.BUY],
    ),
    _cancels_only(
        "kill_cancels_ten_at_most",
        "the kill switch cancels the first ten orders only",
        lambda _p, records: records[:10],
    ),
    _blocks_but("kill_cancels_but_does_not_block", "new orders pass after the kill switch", lambda _p: True),
    _blocks_but(
        "kill_misses_market_orders",
        "market orders pass after the kill switch",
        lambda p: p.type is OrderType.MARKET,
    ),
    _blocks_but("kill_misses_modify", "changes pass after the kill switch", lambda p: bool(p.is_change)),
    _reduces(
        "reduce_only_allows_flip",
        "REDUCE_ONLY lets an order against the position pass, however large",
        lambda p, desk, _right: _opposite(p, desk),
    ),
    _reduces(
        "reduce_only_allows_increase",
        "REDUCE_ONLY lets any order pass while something is held",
        lambda p, desk, _right: bool(desk.book.qty(p.instrument)),
    ),
    _reduces("reduce_only_blocks_everything", "REDUCE_ONLY refuses reducing too", lambda _p, _d, _r: False),
    _reduces(
        "reduce_only_knows_long_only",
        "REDUCE_ONLY does not let a short position be reduced",
        lambda p, _desk, right: right and p.side is Side.SELL,
    ),
)


@defect("kill_misses_orders_in_flight", "orders on their way when the kill switch is used stay at the venue")
def kill_misses_orders_in_flight(platform: Any) -> None:
    """Send from a queue that the kill does not know of."""
    engine, send = platform.execution, platform.execution.send

    def now(order: Any) -> None:
        with platform.kernel.lock:
            send(order)

    def later(order: Any) -> None:
        timer = threading.Timer(0.1, now, [order])
        timer.daemon = True
        timer.start()

    engine.send = later


@defect("kill_takes_too_long", "the kill switch cancels six seconds later")
def kill_takes_too_long(platform: Any) -> None:
    """Cancel late."""
    cancels = list(platform.risk.cancel_working)

    def cancel() -> None:
        with platform.kernel.lock:
            for each in cancels:
                each()

    def late() -> bool:
        timer = threading.Timer(6.0, cancel)
        timer.daemon = True
        timer.start()
        return True

    platform.risk.cancel_working = [late]


@defect("kill_blocks_cancels", "nothing can be cancelled after the kill switch")
def kill_blocks_cancels(platform: Any) -> None:
    """Refuse cancels while stopped."""
    engine, cancel = platform.execution, platform.execution.cancel

    def stopped(client_order_id: str, instrument: str) -> None:
        record = engine.records.get(client_order_id)
        if record is None or platform.risk.state() == "ACTIVE":
            cancel(client_order_id, instrument)
        else:
            no = Decision(False, "HALT", "trading is stopped")
            platform.kernel.emit(record.update(ExecType.CANCEL_REJECTED, Source.RISK, no))

    engine.cancel = stopped


@defect("kill_always_cancels", "the kill switch cancels what it was told to leave")
def kill_always_cancels(platform: Any) -> None:
    """Forget what was asked for."""
    kill = platform.risk.kill
    platform.risk.kill = lambda mode, by, reason, _cancel_open=True: kill(mode, by, reason, True)


@defect("kill_forgotten_on_restart", "the kill switch is released by a restart")
def kill_forgotten_on_restart(platform: Any) -> None:
    """Write nothing down."""
    platform.risk._write_state = lambda: None


@defect("kill_written_on_stop_only", "the kill switch is released by a crash")
def kill_written_on_stop_only(platform: Any) -> None:
    """Write the state down at an orderly stop alone."""
    write, stop = platform.risk._write_state, platform.stop

    def stop_and_write() -> None:
        write()
        stop()

    platform.risk._write_state = lambda: None
    platform.stop = stop_and_write


@defect("kill_forgotten_while_away", "cancels that a kill could not send are never sent")
def kill_forgotten_while_away(platform: Any) -> None:
    """Try once."""
    cancel = platform.risk.cancel_when_possible

    def once() -> None:
        cancel()
        platform.risk._cancel_due = False

    platform.risk.cancel_when_possible = once


@defect("resume_without_name", "anybody may resume trading without a name")
def resume_without_name(platform: Any) -> None:
    """Make a name up."""
    resume = platform.risk.resume
    platform.risk.resume = lambda by, reason: resume(by.strip() or "somebody", reason)


@defect("resume_does_nothing", "trading is said to be resumed and stays stopped")
def resume_does_nothing(platform: Any) -> None:
    """Say yes to a name, do nothing."""
    platform.risk.resume = lambda by, _reason: Decision(accepted=bool(by.strip()))


DEFECTS: tuple[Defect, ...] = (
    *SIMPLE,
    kill_misses_orders_in_flight,
    kill_takes_too_long,
    kill_blocks_cancels,
    kill_always_cancels,
    kill_forgotten_on_restart,
    kill_written_on_stop_only,
    kill_forgotten_while_away,
    resume_without_name,
    resume_does_nothing,
)
