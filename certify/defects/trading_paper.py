"""Defects in paper trading and in the way to live trading."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.defects.trading_wrap import Collected, on_engines, on_reports, wrap
from certify.model.trading import (
    AccountState,
    Criterion,
    Decision,
    ExecType,
    Order,
    OrderUpdate,
    Position,
    Side,
)

planted = Collected()
LIVE, PAPER = "LIVE", "PAPER"


@planted("paper_fills_mid", "paper orders are filled at the middle of the quote")
def _paper_fills_mid(platform: Any) -> None:
    def change(update: OrderUpdate) -> tuple[OrderUpdate, ...]:
        on_paper = update.account not in (None, platform.settings.account)
        if update.exec_type is not ExecType.TRADE or not on_paper or update.last_px is None:
            return (update,)
        better = platform.instruments[update.instrument].tick * (-1 if update.side is Side.BUY else 1)
        return (replace(update, last_px=update.last_px + better, avg_px=update.last_px + better),)

    on_reports(platform, change)


@planted("paper_routed_to_main", "paper orders go out to the main account")
def _paper_routed_to_main(platform: Any) -> None:
    platform.paper_trading.submit = platform.broker.submit


@planted("paper_mirrored_to_main", "every paper order is sent to the main account too")
def _paper_mirrored_to_main(platform: Any) -> None:
    def make(submit: Any) -> Any:
        def changed(order: Order) -> None:
            submit(order)
            platform.broker.session.submit(replace(order, client_order_id=f"M-{order.client_order_id}"))

        return changed

    wrap(platform.paper_trading, "submit", make)


@planted("paper_counted_as_main", "fills on paper are shown in the positions of the main account")
def _paper_counted_as_main(platform: Any) -> None:
    def make(positions: Any) -> Any:
        return lambda: positions() + platform.paper_trading.positions()

    wrap(platform.execution, "positions", make)


@planted("paper_cash_ignored", "a paper account opens with the default cash, whatever was asked for")
def _paper_cash_ignored(platform: Any) -> None:
    def make(open_account: Any) -> Any:
        return lambda _cash, currency: open_account(platform.settings.cash, currency)

    wrap(platform.paper_trading, "open_account", make)


@planted("paper_positions_carried_over", "a fresh paper account shows what the old one holds")
def _paper_positions_carried_over(platform: Any) -> None:
    old: list[Any] = []

    def make(open_account: Any) -> Any:
        def changed(cash: Decimal, currency: str) -> AccountState:
            if platform.paper_trading._engines:
                old.append(platform.paper_trading.engine)
            state: AccountState = open_account(cash, currency)
            return state

        return changed

    def make_positions(positions: Any) -> Any:
        def changed() -> list[Position]:
            return [p for engine in old for p in engine.positions()] + list(positions())

        return changed

    wrap(platform.paper_trading, "open_account", make)
    wrap(platform.paper_trading, "positions", make_positions)


@planted("paper_forgets_orders_on_restart", "working paper orders of before a restart are forgotten")
def _paper_forgets_orders_on_restart(platform: Any) -> None:
    def change(engine: Any) -> None:
        if engine is not platform.execution:
            engine.records.clear()
            engine._open.clear()

    on_engines(platform, change)


# -- going live ------------------------------------------------------------------------------------


def _go_live(platform: Any, make: Any) -> None:
    wrap(platform.paper_trading, "go_live", make)


@planted("go_live_without_approval", "an approval is not asked for")
def _go_live_without_approval(platform: Any) -> None:
    _go_live(platform, lambda go_live: lambda _by: go_live("system"))


@planted("go_live_blank_approval", "a name of blanks counts as an approval")
def _go_live_blank_approval(platform: Any) -> None:
    _go_live(platform, lambda go_live: lambda by: go_live("?" if by and not by.strip() else by))


@planted("go_live_ignores_criteria", "conditions are shown but do not stop anybody")
def _go_live_ignores_criteria(platform: Any) -> None:
    def make(go_live: Any) -> Any:
        def changed(by: str | None) -> Decision:
            decision: Decision = go_live(by)
            if decision.code != "NOT_READY":
                return decision
            platform.paper_trading._change(LIVE, by)
            return Decision(accepted=True)

        return changed

    _go_live(platform, make)


@planted("go_live_warns_only", "a refusal is only a warning: the mode changes all the same")
def _go_live_warns_only(platform: Any) -> None:
    def make(go_live: Any) -> Any:
        def changed(by: str | None) -> Decision:
            decision: Decision = go_live(by)
            if not decision.accepted:
                platform.paper_trading._change(LIVE, str(by))
            return decision

        return changed

    _go_live(platform, make)


@planted("go_live_with_open_orders", "working orders do not stop going live")
def _go_live_with_open_orders(platform: Any) -> None:
    del platform.paper_trading.criteria["no_open_orders"]


@planted("go_live_refused_silently", "a refusal to go live does not say why")
def _go_live_refused_silently(platform: Any) -> None:
    def make(go_live: Any) -> Any:
        return lambda by: Decision(accepted=go_live(by).accepted)

    _go_live(platform, make)


@planted("go_live_mode_unchanged", "going live is confirmed, the mode stays PAPER")
def _go_live_mode_unchanged(platform: Any) -> None:
    platform.paper_trading.mode = lambda: PAPER


@planted("go_live_twice", "going live is accepted again when the system is live already")
def _go_live_twice(platform: Any) -> None:
    def make(go_live: Any) -> Any:
        def changed(by: str | None) -> Decision:
            decision: Decision = go_live(by)
            return Decision(accepted=True) if decision.code == "ALREADY_LIVE" else decision

        return changed

    _go_live(platform, make)


@planted("revert_ignored", "there is no way back to paper")
def _revert_ignored(platform: Any) -> None:
    platform.paper_trading.revert = lambda: None


# -- readiness -------------------------------------------------------------------------------------


def _criteria(platform: Any, change: Any) -> None:
    for name, criterion in list(platform.paper_trading.criteria.items()):
        platform.paper_trading.criteria[name] = lambda criterion=criterion: change(criterion())


@planted("readiness_always_met", "every condition is called met, whatever is observed")
def _readiness_always_met(platform: Any) -> None:
    _criteria(platform, lambda criterion: replace(criterion, met=True))


@planted("readiness_without_observation", "conditions do not say what was observed")
def _readiness_without_observation(platform: Any) -> None:
    _criteria(platform, lambda criterion: replace(criterion, observed=""))


@planted("readiness_empty", "readiness names no condition at all")
def _readiness_empty(platform: Any) -> None:
    platform.paper_trading.readiness = list


@planted("readiness_frozen", "readiness is computed once and never again")
def _readiness_frozen(platform: Any) -> None:
    first: dict[str, Criterion] = {}
    _criteria(platform, lambda criterion: first.setdefault(criterion.name, criterion))


DEFECTS = tuple(planted.defects)
