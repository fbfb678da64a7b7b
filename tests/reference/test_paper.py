"""Port `paper_trading`: its own account, and the way to live trading."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import Environment, Limit, OrdStatus, Side
from certify.reference.settings import Readiness

D = Decimal
AAPL = "AAPL.NASDAQ"


def trade(rig, times=3):
    for _ in range(times):
        rig.send(1, port="paper_trading")
        rig.send(1, side=Side.SELL, port="paper_trading")


def unmet(rig):
    return [criterion.name for criterion in rig.platform.paper_trading.readiness() if not criterion.met]


def test_paper_orders_never_touch_the_main_account(rig):
    sent = rig.send(10, port="paper_trading")
    assert (rig.last(sent).status, rig.last(sent).account) == (OrdStatus.FILLED, "PAPER-1")
    assert rig.platform.execution.positions() == rig.platform.broker.positions() == []
    assert rig.platform.execution.account().cash == 1_000_000
    assert rig.platform.paper_trading.account().cash == 1_000_000 - 1001
    assert rig.platform.paper_trading.account().environment is Environment.PAPER


def test_a_fresh_account_is_fresh(rig):
    paper = rig.platform.paper_trading
    working = rig.send(10, "99.00", port="paper_trading")
    rig.send(10, port="paper_trading")
    state = paper.open_account(D(5000), "USD")
    assert (state.account, state.cash, state.currency) == ("PAPER-2", 5000, "USD")
    assert rig.last(working).status is OrdStatus.CANCELED
    assert paper.positions() == paper.open_orders() == paper.executions() == []
    for cash in (D(0), D(-1), D("NaN")):
        with pytest.raises(UsageError, match="expected cash above 0"):
            paper.open_account(cash, "USD")
    again = rig.restart()
    assert again.platform.paper_trading.account().account == "PAPER-2"
    again.platform.stop()


def test_limits_hold_on_paper_too(rig):
    rig.platform.risk.set_limit(Limit("max_position_qty", D(10)), "me")
    rig.send(10)
    assert rig.last(rig.send(10, port="paper_trading")).status is OrdStatus.FILLED
    assert rig.last(rig.send(1, port="paper_trading")).code == "MAX_POSITION_QTY"


def test_nothing_has_been_traded_so_nothing_is_ready(rig):
    assert unmet(rig) == ["min_trades"]
    decision = rig.platform.paper_trading.go_live("A. Pproves")
    assert (decision.accepted, decision.code) == (False, "NOT_READY")
    assert "min_trades: required >= 5 paper trades, observed 0" in decision.reason


def test_going_live_needs_a_name_and_happens_once(rig):
    trade(rig)
    paper = rig.platform.paper_trading
    for nobody in (None, "", "  "):
        assert paper.go_live(nobody).code == "APPROVAL_REQUIRED"
    assert paper.mode() == "PAPER"
    assert paper.go_live("A. Pproves").accepted
    assert paper.mode() == "LIVE"
    assert paper.go_live("A. Pproves").code == "ALREADY_LIVE"
    assert rig.last(rig.send(1, port="paper_trading")).code == "LIVE_MODE"
    assert rig.platform.broker_framework.switch("LIVE-X", confirm=True).code == "NOT_CONNECTED"
    paper.revert()
    assert paper.mode() == "PAPER"
    assert [(t.mode, t.by) for t in paper.transitions()] == [("LIVE", "A. Pproves"), ("PAPER", "revert")]


def test_live_mode_survives(rig):
    trade(rig)
    rig.platform.paper_trading.go_live("A. Pproves")
    again = rig.restart(graceful=False)
    assert again.platform.paper_trading.mode() == "LIVE"
    again.platform.stop()


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (lambda rig: rig.send(1, "99.00", port="paper_trading"), "no_open_orders"),
        (lambda rig: rig.send(1, port="paper_trading"), "flat"),
        (lambda rig: rig.platform.broker.disconnect(), "no_critical_alert"),
        (lambda rig: rig.platform.risk.kill("HALT", "me", "drill"), "trading_active"),
    ],
)
def test_every_condition_counts(rig, act, name):
    trade(rig)
    assert unmet(rig) == []
    act(rig)
    assert name in unmet(rig)
    assert rig.platform.paper_trading.go_live("A. Pproves").code == "NOT_READY"


def test_a_cause_that_is_over_does_not_stand_in_the_way(rig):
    trade(rig)
    rig.platform.broker.disconnect()
    rig.platform.broker.reconnect()
    rig.platform.risk.kill("HALT", "me", "drill")
    rig.platform.risk.resume("me", "over")
    assert unmet(rig) == []


def test_a_drawdown_stands_in_the_way(build):
    rig = build(cash=D(1000), readiness=Readiness(min_trades=0, max_drawdown=D(1)))
    rig.quote()
    rig.send(9, port="paper_trading")
    rig.quote("96.00", "96.10")
    rig.send(9, side=Side.SELL, port="paper_trading")
    assert unmet(rig) == ["max_drawdown"]


def test_the_committee_may_say_no(build):
    rig = build(readiness=Readiness(min_trades=0, committee_approved=False))
    assert unmet(rig) == ["approval_committee"]
    assert "not approved" in rig.platform.paper_trading.go_live("A. Pproves").reason


def test_what_was_wrong_with_an_account_left_behind_is_over_after_a_restart(rig):
    rig.platform.paper_trading.disconnect()
    rig.platform.paper_trading.reconnect()
    rig.platform.paper_trading.open_account(Decimal(1000), "USD")
    again = rig.restart()
    try:
        assert "no_critical_alert" not in unmet(again)
    finally:
        again.platform.stop()
