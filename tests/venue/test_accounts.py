"""Money: cash, commissions, positions, profit."""

from decimal import Decimal, localcontext

from certify.model.trading import Environment
from certify.venue import CommissionSchedule


def test_a_fill_moves_cash_and_position(floor, alice):
    floor.market("9.99", 1000, "10.00", 1000)
    alice.buy(500)
    state, position = alice.session.account(), alice.session.positions()[0]
    assert alice.last().commission == state.commissions == Decimal("2.50")
    assert state.cash == 1_000_000 - 5000 - Decimal("2.50")
    assert (position.qty, position.avg_px) == (500, 10)
    assert position.unrealized_pnl == Decimal("-2.5")
    assert state.equity == 1_000_000 - 5
    assert state.environment is Environment.SIMULATED


def test_the_minimum_commission_is_per_order(floor, alice):
    floor.market("9.99", 1000, "10.00", 100)
    order = alice.buy(1000, "10.00")
    for _ in range(4):
        floor.market("9.99", 1000, "10.00", 100)
    fees = [u.commission for u in alice.session.executions()]
    assert fees == [Decimal("1.00"), 0, Decimal("0.50"), Decimal("0.50"), Decimal("0.50")]
    assert alice.last(order).cum_qty == 500


def test_commissions_are_whole_cents_rounded_half_up(new_floor):
    floor = new_floor(commission=CommissionSchedule(per_unit=Decimal("0.015"), minimum_per_order=Decimal(0)))
    desk = floor.desk("alice")
    floor.market("9.99", 1000, "10.00", 1000)
    desk.buy(1)
    desk.buy(3)
    assert [u.commission for u in desk.session.executions()] == [Decimal("0.02"), Decimal("0.05")]


def test_a_reversal_realises_the_old_and_opens_the_new(floor, alice):
    floor.market("9.99", 1000, "10.00", 1000)
    alice.buy(100)
    floor.market("11.00", 1000, "11.01", 1000)
    alice.sell(150)
    position = alice.session.positions()[0]
    assert (position.qty, position.avg_px, position.realized_pnl) == (-50, 11, 100)
    assert position.unrealized_pnl == Decimal("-0.25")
    alice.buy(50)
    position = alice.session.positions()[0]
    assert (position.qty, position.avg_px, position.unrealized_pnl) == (0, None, 0)
    assert position.realized_pnl == Decimal("99.50")


def test_multiplier_and_lot_count(floor, alice):
    floor.market("99.75", 1000, "100.00", 1000, "GLOBEX.SIM")
    alice.buy(20, instrument="GLOBEX.SIM")
    position = alice.session.positions()[0]
    assert (position.qty, position.avg_px) == (20, 100)
    assert alice.session.account().cash == 1_000_000 - 20 * 100 * 50 - 1
    assert position.unrealized_pnl == -20 * 50 * Decimal("0.125")


def test_money_adds_up_whatever_the_threads_decimal_settings(floor, alice):
    with localcontext() as context:
        context.prec = 3
        floor.market("9.99", 1000, "10.01", 1000)
        alice.buy(3)
        floor.market("10.99", 1000, "11.02", 1000)
        alice.buy(4)
        alice.sell(5)
        state = alice.session.account()
    profit = state.realized_pnl + state.unrealized_pnl - state.commissions
    assert state.equity == 1_000_000 + profit
    assert alice.session.positions()[0].avg_px.quantize(Decimal("0.0001")) == Decimal("10.5871")


def test_without_a_quote_the_last_trade_is_the_mark(floor, alice):
    floor.market(None, None, "10.00", 100)
    alice.buy(100)
    assert alice.session.account().unrealized_pnl == 0
    floor.trade("10.50")
    assert alice.session.account().unrealized_pnl == 50
