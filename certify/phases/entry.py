"""One order in the tool's own ledger, and how a report changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Side, Source

REPORTS_ONLY = (ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED, ExecType.STATUS)
"""They say something about an order and change nothing of it."""
PENDING = (ExecType.PENDING_NEW, ExecType.PENDING_CANCEL, ExecType.PENDING_REPLACE)

Terms = tuple[Decimal | None, Decimal | None]
"""A quantity and a price that are asked for; None: as it is."""


@dataclass(slots=True)
class Entry:
    """One order as the tool knows it."""

    order: Order
    port: str
    updates: list[OrderUpdate] = field(default_factory=list)
    fills: dict[str, OrderUpdate] = field(default_factory=dict)
    """Execution id → fill, busted ones taken out."""
    seen_exec_ids: set[str] = field(default_factory=set)
    status: OrdStatus | None = None
    qty: Decimal = Decimal(0)
    price: Decimal | None = None
    asked: list[Terms] = field(default_factory=list)
    """Quantities and prices asked for by modifies, until all of them are answered."""
    answered: int = 0
    """How many of those were answered, while it is not known which."""
    repeats: int = 0
    """How often its id was sent again on purpose and not refused yet: that refusal is not its end."""
    accepted_by: Source | None = None
    """Who acknowledged it last; somebody further on may still refuse it."""
    acknowledged: bool = False
    carried: Decimal = Decimal(0)
    """What was filled by fills that are not kept any more."""
    broken: bool = False
    """Whether a law was broken already: what follows from it is not reported again."""

    @property
    def cum_qty(self) -> Decimal:
        """What was filled, by the fills themselves."""
        return sum((fill.last_qty for fill in self.fills.values()), self.carried)

    @property
    def working(self) -> bool:
        """Whether it was sent and has not ended, as far as is known."""
        return self.status is None or not self.status.terminal

    @property
    def signed_qty(self) -> Decimal:
        """The position that its fills make."""
        return self.cum_qty if self.order.side is Side.BUY else -self.cum_qty

    def busted_by(self, update: OrderUpdate) -> OrderUpdate | None:
        """Return the fill that a bust takes back, if it is known and not taken back yet."""
        return self.fills.get(update.exec_ref_id or "")

    def apply(self, update: OrderUpdate) -> None:
        """Take a report as said, lawful or not."""
        self.updates.append(update)
        follows = self._follows(update)
        if update.exec_type is ExecType.TRADE:
            self._fill(update)
        elif update.exec_type is ExecType.TRADE_CANCEL:
            self.seen_exec_ids.add(update.exec_id or f"?{len(self.updates)}")
            self.fills.pop(update.exec_ref_id or "", None)
        elif update.exec_type is ExecType.REPLACED:
            self._replace(update)
        elif update.exec_type is ExecType.REPLACE_REJECTED:
            self._answered()
        elif update.exec_type is ExecType.NEW:
            self.acknowledged, self.accepted_by = True, update.source
        if follows:
            self.status = update.status

    def _follows(self, update: OrderUpdate) -> bool:
        """Return whether the order is from now on where the report says."""
        if update.exec_type in REPORTS_ONLY or update.exec_type in PENDING:
            return False
        return self.working or self.reopened_by(update)

    def reopened_by(self, update: OrderUpdate) -> bool:
        """Return whether a filled order may go on with this report: a bust, or a replace for more.

        FIX 4.4 volume 4 appendix D: `Filled order, followed by cancel/replace request to increase
        order quantity`, and `Filled order, followed by correction and cancellation of executions`.
        """
        if self.status is not OrdStatus.FILLED:
            return False
        asked_for = update.exec_type is ExecType.REPLACED and bool(self.asked)
        return asked_for or update.exec_type is ExecType.TRADE_CANCEL

    def _fill(self, update: OrderUpdate) -> None:
        identity = update.exec_id or f"?{len(self.updates)}"
        if identity not in self.seen_exec_ids:
            self.seen_exec_ids.add(identity)
            self.fills[identity] = update

    def _replace(self, update: OrderUpdate) -> None:
        last_asked = next((price for _, price in reversed(self.asked) if price is not None), self.price)
        self.qty, self.price = update.qty, last_asked if update.price is None else update.price
        self._answered()

    def _answered(self) -> None:
        """Count one change as answered; which of several it was is known only when all are."""
        self.answered += 1
        if self.answered >= len(self.asked):
            self.asked, self.answered = [], 0

    def replaced_terms(self) -> set[Terms]:
        """Return the quantities and prices that an answer to what was asked for may give.

        Several changes may be answered at once and in any order. A quantity below what is filled
        already is amended to what is filled (FIX 4.4 volume 4 appendix D).
        """
        cum = self.cum_qty
        alone: set[Terms] = {
            (max(self.qty if qty is None else qty, cum), self.price if price is None else price)
            for qty, price in self.asked
        }
        if len(self.asked) == 1:
            return alone
        qtys = {qty for qty, _ in alone} | {self.qty}
        prices = {price for _, price in alone} | {self.price}
        mixed: set[Terms] = {(qty, price) for qty in qtys for price in prices}
        return alone | (mixed - {(self.qty, self.price)})
