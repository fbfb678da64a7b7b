"""A new process over the same state: nothing is lost, nothing is said twice."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certify.errors import UsageError
from certify.model.trading import ExecType, Limit, OrderUpdate, OrdStatus, Side, TimeInForce

D = Decimal
AAPL = "AAPL.NASDAQ"


def facts(rig):
    """What must be the same before and after."""
    platform = rig.platform
    return [
        [port.open_orders() for port in (platform.execution, platform.broker, platform.paper_trading)],
        # A one-sided market is valued at the last trade, which a new process has not seen.
        [unvalued(port.positions()) for port in (platform.execution, platform.paper_trading)],
        platform.broker.positions(),
        [port.executions() for port in (platform.execution, platform.broker, platform.paper_trading)],
        [port.account() for port in (platform.execution, platform.broker, platform.paper_trading)],
        sorted(platform.risk.limits(), key=lambda limit: limit.name),
        platform.risk.state(),
        platform.risk.audit(),
        platform.paper_trading.mode(),
    ]


@pytest.mark.parametrize("graceful", [True, False])
def test_everything_is_found_again_and_nothing_repeated(rig, graceful):
    rig.send(10)
    rig.send(10, "99.00")
    rig.send(3, side=Side.SELL, port="broker")
    rig.send(5, "99.00", port="broker")
    rig.send(7, port="paper_trading")
    rig.send(7, "98.00", port="paper_trading")
    before = facts(rig)
    again = rig.restart(graceful=graceful)
    assert facts(again) == before
    assert [event for event in again.events if isinstance(event, OrderUpdate)] == []
    third = again.restart()
    assert facts(third) == before
    assert [event for event in third.events if isinstance(event, OrderUpdate)] == []
    third.platform.stop()


def unvalued(positions):
    return [replace(position, unrealized_pnl=D(0)) for position in positions]


def test_orders_go_on_after_a_restart(rig):
    sent = rig.send(10, "99.00")
    again = rig.restart()
    again.platform.execution.modify(sent, qty=D(20))
    assert again.last(sent).exec_type is ExecType.REPLACED
    again.quote("98.90", "99.00", size="5")
    assert again.last(sent).status is OrdStatus.PARTIALLY_FILLED
    again.platform.execution.cancel(sent, AAPL)
    assert again.last(sent).cum_qty == 5
    assert again.platform.trade_monitor.metrics()["open_orders"] == 0
    again.platform.stop()


def test_ids_stay_used(rig):
    filled, refused = rig.order(10), rig.order(10_000_000)
    for order in (filled, refused):
        rig.platform.execution.submit(order)
    again = rig.restart()
    for order in (filled, refused):
        again.platform.execution.submit(order)
        assert again.last(order.client_order_id).code == "DUPLICATE_ORDER_ID"
    again.platform.stop()


def test_what_happened_while_it_was_down_is_found(rig):
    filled = rig.send(10, "99.00")
    expired = rig.send(10, "95.00", tif=TimeInForce.GTD, expire_at_ns=rig.now_ns + 10**9)
    rig.platform.stop()
    rig.connection.set_market(_quote(rig, "98.80", "98.90"))
    rig.now_ns += 2 * 10**9
    rig.connection.close()
    again = rig.restart()
    assert again.kinds(filled) == [ExecType.TRADE]
    assert again.kinds(expired) == [ExecType.EXPIRED]
    assert again.platform.execution.book.qty(AAPL) == 10
    again.platform.stop()


def _quote(rig, bid, ask):
    from certify.model.trading import Quote

    return Quote(AAPL, D(bid), D(100), D(ask), D(100), rig.now_ns)


def test_an_order_whose_fate_is_unknown_is_settled(rig):
    order = rig.order(10, "99.00")
    rig.platform.broker.session.submit = lambda order: None
    rig.platform.execution.submit(order)
    again = rig.restart(graceful=False)
    assert again.last(order.client_order_id).status is OrdStatus.REJECTED
    assert again.platform.execution.open_orders() == []
    again.platform.stop()


def test_the_kill_switch_and_the_limits_survive(rig):
    rig.platform.risk.set_limit(Limit("max_order_qty", D(5)), "me")
    rig.platform.risk.kill("HALT", "me", "drill")
    again = rig.restart(graceful=False)
    assert again.platform.risk.state() == "HALT"
    assert again.last(again.send(1)).code == "HALT"
    again.platform.risk.resume("me", "over")
    third = again.restart(graceful=False)
    assert third.platform.risk.state() == "ACTIVE"
    assert third.last(third.send(6)).code == "MAX_ORDER_QTY"
    third.platform.stop()


def test_the_loss_of_the_day_survives(rig):
    rig.platform.risk.set_limit(Limit("max_daily_loss", D(100)), "me")
    rig.send(100)
    rig.quote("99.10", "99.20")
    again = rig.restart()
    again.quote("98.00", "98.10")
    again.pass_time(1)
    assert again.platform.risk.state() == "HALT"
    assert again.last(again.send(1)).code == "MAX_DAILY_LOSS"
    third = again.restart(graceful=False)
    assert third.last(third.send(1)).code == "MAX_DAILY_LOSS"
    third.platform.stop()


def test_a_torn_line_is_dropped(rig):
    rig.send(10)
    rig.platform.stop()
    for path in rig.state_dir.glob("*.jsonl"):
        with path.open("ab") as file:
            file.write(b'["order",["torn')
    again = rig.restart()
    assert again.platform.execution.book.qty(AAPL) == 10
    sent = again.send(10)
    third = again.restart()
    assert third.platform.execution.book.qty(AAPL) == 20
    assert third.platform.execution.owns(sent)
    third.platform.stop()


def test_alerts_survive_with_their_trail(rig):
    rig.send(10_000_000)
    (alert,) = rig.alerts("LIMIT_BREACH")
    rig.platform.trade_monitor.acknowledge(alert.id, "me")
    before = rig.platform.trade_monitor.alerts()
    again = rig.restart(graceful=False)
    assert again.platform.trade_monitor.alerts() == before
    again.platform.stop()


def test_an_alert_is_the_same_after_a_restart(rig):
    rig.send(10_000_000)
    rig.platform.risk.kill("HALT", "me", "drill")
    again = rig.restart(graceful=False)
    assert "no_critical_alert" in unmet(again)
    again.platform.risk.resume("me", "over")
    again.pass_time(1)
    again.send(10_000_000)
    assert [len(alert.trail) for alert in again.alerts("LIMIT_BREACH")] == [2]
    third = again.restart(graceful=False)
    assert "no_critical_alert" not in unmet(third)
    third.platform.risk.kill("HALT", "me", "again")
    assert len(third.alerts("KILL_SWITCH")) == 2
    third.platform.stop()


def unmet(rig):
    return [criterion.name for criterion in rig.platform.paper_trading.readiness() if not criterion.met]


def test_what_the_venue_refused_is_refused_again(rig):
    with pytest.raises(UsageError, match="bid < ask"):
        rig.quote("100.00", "99.00")
    sent = rig.send(10)
    again = rig.restart()
    assert again.platform.execution.executions() == rig.updates(sent)[-1:]
    again.platform.stop()


def test_it_can_be_stopped_and_started_in_place(rig):
    sent = rig.send(10, "99.00")
    rig.platform.stop()
    assert rig.last(rig.send(1)).code == "DISCONNECTED"
    assert not rig.platform.health().alive
    rig.platform.start()
    rig.platform.start()
    assert rig.platform.health().alive
    assert [u.client_order_id for u in rig.platform.execution.open_orders()] == [sent]
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_any_history_is_found_again(build, seed):
    rig, chance = build(), random.Random(seed)
    rig.quote()
    sent = []
    for _ in range(60):
        play(rig, chance, sent)
    before = facts(rig)
    again = rig.restart(graceful=chance.random() < 0.5)
    assert facts(again) == before
    again.platform.stop()


def play(rig, chance, sent):
    """Do one thing or another."""
    port = chance.choice(["execution", "broker", "paper_trading"])
    act = chance.randrange(7)
    if act == 0:
        middle = 10_000 + chance.randrange(-40, 40)
        rig.quote(str(D(middle - 5) / 100), str(D(middle + 5) / 100), size=str(chance.randrange(1, 60)))
    elif act == 1 and sent:
        old_port, old = chance.choice(sent)
        getattr(rig.platform, old_port).cancel(old, AAPL)
    elif act == 2 and sent:
        old_port, old = chance.choice(sent)
        getattr(rig.platform, old_port).modify(old, qty=D(chance.randrange(1, 60)))
    elif act == 3:
        rig.pass_time(chance.random())
    else:
        price = None if act == 4 else str(D(10_000 + chance.randrange(-40, 40)) / 100)
        side = chance.choice([Side.BUY, Side.SELL])
        sent.append((port, rig.send(chance.randrange(1, 50), price, side=side, port=port)))
