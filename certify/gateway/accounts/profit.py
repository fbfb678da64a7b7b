"""Streams of profit: of accounts (`reqPnL`) and of single positions (`reqPnLSingle`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.accounts.money import Books
from certify.gateway.wire import account_requests as asked
from certify.gateway.wire import answers

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

PROFIT_EVERY_S = 1.0
"""Profit is streamed at most so often."""
ZERO = Decimal(0)


@dataclass(slots=True)
class Profit:
    """One stream, of an account or one of its positions (`con_id`)."""

    account: str
    con_id: int = 0
    sent: bytes = b""
    """What the client heard last."""


class Profits:
    """Sends each stream at most once a second, when it has changed."""

    def __init__(
        self, gateway: Gateway, books: Books, meant: Callable[[ClientSession, int, str], list[str]]
    ) -> None:
        """`meant` returns the accounts that a client means, or answers with an error."""
        self._gateway = gateway
        self._books = books
        self._meant = meant
        self._streams: dict[ClientSession, dict[int, Profit]] = {}
        self._watching = False

    def forget(self, client: ClientSession) -> None:
        """Drop a client's streams."""
        self._streams.pop(client, None)

    def subscriptions(self, client_id: int | None = None) -> list[dict[str, object]]:
        """List the streams."""
        return [
            {
                "client_id": client.client_id,
                "kind": "pnl_single" if profit.con_id else "pnl",
                "req_id": req_id,
                "instrument": None,
            }
            for client, streams in self._streams.items()
            for req_id, profit in streams.items()
            if client_id in (None, client.client_id)
        ]

    def req_pnl(self, client: ClientSession, request: asked.ReqPnL) -> None:
        """Stream an account's profit, at most once a second, when it has changed."""
        self._watch(client, request.req_id, Profit(request.account))

    def req_pnl_single(self, client: ClientSession, request: asked.ReqPnLSingle) -> None:
        """Stream a position's profit."""
        self._watch(client, request.req_id, Profit(request.account, request.con_id))

    def _watch(self, client: ClientSession, req_id: int, profit: Profit) -> None:
        accounts = self._meant(client, req_id, profit.account)
        if not accounts:
            return
        profit.account = accounts[0]
        self._streams.setdefault(client, {})[req_id] = profit
        self.send_profit(client, req_id, profit)
        if not self._watching:
            self._watching = True
            self._gateway.later(PROFIT_EVERY_S, self.push_profits)

    def push_profits(self) -> None:
        """Send every stream of profit that has changed; ends when nobody listens."""
        self._watching = any(self._streams.values())
        if self._watching:
            self._gateway.later(PROFIT_EVERY_S, self.push_profits)
        if self._gateway.faults.connected_to_ib:
            for client, streams in tuple(self._streams.items()):
                for req_id, profit in streams.items():
                    self.send_profit(client, req_id, profit)

    def send_profit(self, client: ClientSession, req_id: int, profit: Profit) -> None:
        """Send an account's or a position's profit unless the client knows it."""
        message = (
            self._pnl_single(client, req_id, profit) if profit.con_id else self._pnl(req_id, profit.account)
        )
        if message != profit.sent:
            profit.sent = message
            client.send(message)

    def _pnl(self, req_id: int, account: str) -> bytes:
        worth = self._books.worth(account)
        return answers.pnl(
            req_id=req_id,
            daily_pnl=worth.daily,
            unrealized_pnl=worth.unrealized,
            realized_pnl=worth.realized,
        )

    def _pnl_single(self, client: ClientSession, req_id: int, profit: Profit) -> bytes:
        for each in self._books.holdings(profit.account):
            if each.listing.con_id == profit.con_id:
                return answers.pnl_single(
                    client.version,
                    req_id=req_id,
                    position=each.qty,
                    daily_pnl=self._books.daily(profit.account, each),
                    unrealized_pnl=each.unrealized,
                    realized_pnl=each.realized,
                    value=each.market_value,
                )
        return answers.pnl_single(
            client.version,
            req_id=req_id,
            position=ZERO,
            daily_pnl=None,
            unrealized_pnl=None,
            realized_pnl=None,
            value=ZERO,
        )

    def cancel_pnl(self, client: ClientSession, request: asked.CancelPnL | asked.CancelPnLSingle) -> None:
        """Stop a stream of profit."""
        self._streams.get(client, {}).pop(request.req_id, None)
