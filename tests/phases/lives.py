"""Lawful lives of orders, drawn by chance: what healthy systems say, in all its variety."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from certify.model.trading import ExecType, Order, OrderType, OrderUpdate, OrdStatus, Side, Source
from certify.phases.ledger import Ledger

E, S = ExecType, OrdStatus
CENT = Decimal("0.01")


@dataclass
class Ask:
    """A change of terms is asked for."""

    qty: Decimal | None
    price: Decimal | None


@dataclass
class Repeat:
    """The same id is sent again on purpose."""


Step = OrderUpdate | Ask | Repeat


def play(steps: list[Step], order: Order, ledger: Ledger | None = None) -> Ledger:
    """Let a ledger hear a life."""
    ledger = ledger or Ledger()
    ledger.sent("execution", order)
    for step in steps:
        if isinstance(step, Ask):
            ledger.asked(order.client_order_id, step.qty, step.price)
        elif isinstance(step, Repeat):
            ledger.sent("execution", order)
        else:
            ledger.take(step)
    return ledger


@dataclass
class Life:
    """A correct order-state machine, driven by draws."""

    draw: Any
    order: Order
    steps: list[Step] = field(default_factory=list)
    fills: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    status: OrdStatus = S.NEW
    acknowledged: bool = False
    ids: int = 0
    qty: Decimal = Decimal(0)
    price: Decimal | None = None

    def __post_init__(self) -> None:
        self.qty, self.price = self.order.qty, self.order.price
        self.rounds = self.draw(st.sampled_from([None, 4, 28]))

    @property
    def cum(self) -> Decimal:
        return sum((qty for qty, _ in self.fills.values()), Decimal(0))

    @property
    def leaves(self) -> Decimal:
        return Decimal(0) if self.status.terminal else self.qty - self.cum

    def average(self) -> Decimal | None:
        if not self.cum or self.rounds is None:
            return None
        mean = sum(qty * px for qty, px in self.fills.values()) / self.cum
        return round(mean, self.rounds) if self.rounds == 4 else mean

    def say(self, exec_type: ExecType, **more: Any) -> None:
        price = self.price if self.draw(st.booleans()) else None
        fields = {"status": self.status, "leaves_qty": self.leaves, "cum_qty": self.cum, **more}
        self.steps.append(
            OrderUpdate(
                client_order_id=self.order.client_order_id,
                instrument=self.order.instrument,
                exec_type=exec_type,
                side=self.order.side,
                qty=self.qty,
                price=price,
                avg_px=self.average(),
                **fields,
            )
        )

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.order.client_order_id}-X{self.ids}"

    def settle(self) -> None:
        """Let a working order's status follow from its quantities."""
        self.status = S.FILLED if self.cum == self.qty else S.PARTIALLY_FILLED if self.cum else S.NEW

    # what may happen

    def acknowledge(self) -> None:
        source = self.draw(st.sampled_from([Source.ENGINE, Source.VENUE]))
        self.say(E.NEW, source=source)
        self.acknowledged = True

    def fill(self) -> None:
        qty = Decimal(self.draw(st.integers(1, int(self.leaves))))
        price = self.fill_price()
        identity = self.new_id()
        self.fills[identity] = (qty, price)
        self.settle()
        self.say(E.TRADE, exec_id=identity, last_qty=qty, last_px=price)

    def fill_price(self) -> Decimal:
        better = CENT * self.draw(st.integers(0, 3))
        if self.price is None:
            return Decimal(10) + better
        return self.price - better if self.order.side is Side.BUY else self.price + better

    def bust(self) -> None:
        identity = self.draw(st.sampled_from(sorted(self.fills)))
        qty, price = self.fills.pop(identity)
        if self.status is S.FILLED:
            self.status = S.CANCELED if self.draw(st.booleans()) else S.NEW
        if not self.status.terminal:
            self.settle()
        self.say(E.TRADE_CANCEL, exec_id=self.new_id(), exec_ref_id=identity, last_qty=qty, last_px=price)

    def ask(self) -> Ask:
        qty = Decimal(self.draw(st.integers(1, 40))) if self.draw(st.booleans()) else None
        limited = self.order.type is OrderType.LIMIT
        price = Decimal(self.draw(st.integers(900, 1100))) * CENT if limited and qty is None else None
        asked = Ask(qty, price)
        self.steps.append(asked)
        if self.draw(st.booleans()):
            self.say(E.PENDING_REPLACE)
        if self.leaves and self.draw(st.booleans()):
            self.fill()  # on its way when the change was asked for
        return asked

    def replace(self) -> None:
        asked = [self.ask() for _ in range(self.draw(st.integers(1, 2)))]
        wanted = next((ask.qty for ask in reversed(asked) if ask.qty is not None), self.qty)
        more = wanted > self.cum
        if (self.status.terminal and not more) or self.draw(st.integers(0, 3)) == 0:
            for _ in asked:
                self.say(E.REPLACE_REJECTED)
        elif self.draw(st.booleans()):
            for ask in asked:
                self.replaced([ask])
        else:
            self.replaced(asked)
        if not self.status.terminal and self.draw(st.booleans()):
            self.say(E.NEW)  # some say again where the order stands
            self.acknowledged = True

    def replaced(self, asked: list[Ask]) -> None:
        for ask in asked:
            self.qty = max(self.qty if ask.qty is None else ask.qty, self.cum)
            self.price = self.price if ask.price is None else ask.price
        self.settle()
        self.say(E.REPLACED)

    def remark(self) -> None:
        kind = self.draw(st.sampled_from([E.STATUS, E.CANCEL_REJECTED, E.PENDING_CANCEL]))
        self.say(kind, leaves_qty=Decimal(0) if kind is E.PENDING_CANCEL else self.leaves)

    def repeat(self) -> None:
        self.steps.append(Repeat())
        rejected = self.draw(st.booleans())
        self.say(E.REJECTED, status=S.REJECTED if rejected else self.status)

    def end(self) -> None:
        self.status = self.draw(st.sampled_from([S.CANCELED, S.EXPIRED]))
        self.say(E.CANCELED if self.status is S.CANCELED else E.EXPIRED)

    def choices(self) -> list[Any]:
        found: list[Any] = [self.remark, self.repeat]
        if not self.acknowledged and self.status is not S.EXPIRED:
            found.append(self.acknowledge)
        if not self.status.terminal:
            found += [self.fill, self.fill, self.replace, self.end]
        if self.fills:
            found.append(self.bust)
        return found


@st.composite
def orders(draw: Any, name: str = "A1") -> Order:
    kind = draw(st.sampled_from([OrderType.LIMIT, OrderType.MARKET]))
    return Order(
        client_order_id=name,
        instrument="X",
        side=draw(st.sampled_from(list(Side))),
        qty=Decimal(draw(st.integers(1, 20))),
        type=kind,
        price=Decimal(draw(st.integers(900, 1100))) * CENT if kind is OrderType.LIMIT else None,
    )


@st.composite
def lives(draw: Any) -> tuple[Order, list[Step], Life]:
    order = draw(orders())
    life = Life(draw, order)
    if draw(st.booleans()):
        life.say(E.PENDING_NEW)
    if draw(st.integers(0, 9)) == 0:
        if draw(st.booleans()):
            life.say(E.NEW, source=Source.ENGINE)  # accepted here, refused further on
        life.status = S.REJECTED
        life.say(E.REJECTED)
        return order, life.steps, life
    if draw(st.integers(0, 4)):
        life.acknowledge()
    for _ in range(draw(st.integers(1, 8))):
        draw(st.sampled_from(life.choices()))()
    return order, life.steps, life
