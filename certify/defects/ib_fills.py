"""Defects of what a client makes of executions and commission reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.ib_wrap import Collected, change_reports, on_desks, on_ledgers
from certify.defects.trading_wrap import wrap
from certify.model.trading import ExecType, OrderUpdate

planted = Collected()

FIVE_HOURS_NS = 5 * 3600 * 10**9
NEVER_NS = 10**18
Take = Callable[[Any, Any], None]


def _executions(platform: Any, change: Callable[[Any, Take], Take]) -> None:
    """Change how a ledger takes executions: `change(ledger, on_execution)`."""

    def each(ledger: Any) -> None:
        ledger.on_execution = change(ledger, ledger.on_execution)

    on_ledgers(platform, each)


@planted("ib_executions_counted_twice", "an execution that is sent twice is counted twice")
def _ib_executions_counted_twice(platform: Any) -> None:
    def change(_ledger: Any, take: Take) -> Take:
        seen: set[str] = set()

        def counted(held: Any, execution: Any) -> None:
            if execution.exec_id in seen and held.executions:
                execution = replace(execution, exec_id=f"{execution.base}x.01")
            seen.add(execution.exec_id)
            take(held, execution)

        return counted

    _executions(platform, change)


@planted("ib_early_execution_dropped", "an execution that comes before the acknowledgement is dropped")
def _ib_early_execution_dropped(platform: Any) -> None:
    def change(_ledger: Any, take: Take) -> Take:
        dropped: set[str] = set()

        def strict(held: Any, execution: Any) -> None:
            if not held.acked:
                dropped.add(execution.exec_id)
            if execution.exec_id not in dropped:
                take(held, execution)

        return strict

    _executions(platform, change)


@planted("ib_filled_by_status_only", "fills are taken only when an order status speaks of them")
def _ib_filled_by_status_only(platform: Any) -> None:
    def each(ledger: Any) -> None:
        take, on_status, waiting = ledger.on_execution, ledger.on_status, list[tuple[Any, Any]]()

        def status(held: Any, state: str, filled: Decimal, remaining: Decimal) -> None:
            on_status(held, state, filled, remaining)
            for mine, execution in [each for each in waiting if each[0] is held and filled]:
                waiting.remove((mine, execution))
                take(mine, execution)

        ledger.on_execution = lambda held, execution: waiting.append((held, execution))
        ledger.on_status = status

    on_ledgers(platform, each)


@planted("ib_second_fill_dropped", "of the fills of one order only the first is taken")
def _ib_second_fill_dropped(platform: Any) -> None:
    def change(_ledger: Any, take: Take) -> Take:
        def once(held: Any, execution: Any) -> None:
            if execution.base in held.executions or not held.executions:
                take(held, execution)

        return once

    _executions(platform, change)


@planted("ib_late_commission_dropped", "a commission that comes after its fill was reported is dropped")
def _ib_late_commission_dropped(platform: Any) -> None:
    def each(ledger: Any) -> None:
        on_commission = ledger.on_commission

        def hasty(exec_id: str, commission: Decimal) -> None:
            if exec_id not in ledger._reported:
                on_commission(exec_id, commission)

        ledger.on_commission = hasty

    on_ledgers(platform, each)


@planted("ib_waits_for_commission", "a fill is not reported before its commission has come by itself")
def _ib_waits_for_commission(platform: Any) -> None:
    def each(desk: Any) -> None:
        ledger, asking = desk.ledger, list[bool]()
        ask_orders, on_commission = desk.ask_orders, ledger.on_commission

        async def asked() -> Any:
            asking.append(True)
            try:
                return await ask_orders()
            finally:
                asking.pop()

        def live_only(exec_id: str, commission: Decimal) -> None:
            if not asking:
                on_commission(exec_id, commission)

        desk.ask_orders, ledger.on_commission = asked, live_only
        ledger._waits = replace(ledger._waits, commission_ns=NEVER_NS)

    on_desks(platform, each)


@planted("ib_bust_ignored", "an execution that is taken back stays booked")
def _ib_bust_ignored(platform: Any) -> None:
    def make(login: Any) -> Any:
        def changed(account: str, listener: Any) -> Any:
            wrap(listener, "on_report", deaf)
            return login(account, listener)

        return changed

    def deaf(on_report: Any) -> Any:
        def heard(update: OrderUpdate) -> None:
            if update.exec_type is not ExecType.TRADE_CANCEL:
                on_report(update)

        return heard

    wrap(platform.connection, "login", make)


@planted("ib_correction_counts_again", "a corrected execution counts beside the one that it corrects")
def _ib_correction_counts_again(platform: Any) -> None:
    def change(_ledger: Any, take: Take) -> Take:
        def beside(held: Any, execution: Any) -> None:
            if execution.revision > 1:
                execution = replace(execution, exec_id=f"{execution.base}c.01")
            take(held, execution)

        return beside

    _executions(platform, change)


@planted("ib_equity_is_cash", "the account's equity is its cash, whatever is held")
def _ib_equity_is_cash(platform: Any) -> None:
    def make(account: Any) -> Any:
        def wrong() -> Any:
            state = account()
            return replace(state, equity=state.cash)

        return wrong

    wrap(platform.broker, "account", make)


@planted("ib_figures_count_messages", "the monitor counts a fill for each message that speaks of it")
def _ib_figures_count_messages(platform: Any) -> None:
    def make(on_order: Any) -> Any:
        def twice(update: OrderUpdate, *, first_answer: bool) -> None:
            on_order(update, first_answer=first_answer)
            if update.exec_type is ExecType.TRADE:
                on_order(update, first_answer=False)

        return twice

    wrap(platform.trade_monitor, "on_order", make)


@planted("ib_times_in_local_zone", "times of executions are read in the machine's zone instead of theirs")
def _ib_times_in_local_zone(platform: Any) -> None:
    def change(update: OrderUpdate) -> OrderUpdate:
        if update.exec_type is ExecType.TRADE and update.ts_event_ns is not None:
            return replace(update, ts_event_ns=update.ts_event_ns - FIVE_HOURS_NS)
        return update

    change_reports(platform, change)


@planted("ib_execution_prices_rounded", "executions are listed with prices rounded to tenths")
def _ib_execution_prices_rounded(platform: Any) -> None:
    def make(executions: Any) -> Any:
        def rounded() -> Any:
            return [replace(u, last_px=u.last_px and round(u.last_px, 1)) for u in executions()]

        return rounded

    for port in (platform.execution, platform.broker):
        wrap(port, "executions", make)


DEFECTS = tuple(planted.defects)
