"""Answers everything about accounts and keeps clients informed after fills and as time goes by.

The order desk calls `on_execution` after a fill was reported; positions and portfolio lines follow in the
next turn of the loop, account values at most twice a second, and everything once in three minutes, as in TWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from certify.gateway.accounts.money import Books, Holding
from certify.gateway.accounts.profit import Profits
from certify.gateway.accounts.pushes import Updates, Wishes
from certify.gateway.accounts.values import account_values, ledger, summary
from certify.gateway.wire import account_requests as asked
from certify.gateway.wire import answers, times

if TYPE_CHECKING:
    from certify.gateway.accounts.values import Value
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

UPDATE_EVERY_S = 180.0
"""Account values are streamed so often when nothing trades."""
VALUES_AFTER_S = 0.5
"""After a fill the account values come so late, once for all fills meanwhile."""
MOST_SUMMARIES = 2
"""More account summaries of one client at a time are refused."""
_BAD_ACCOUNT = "Error validating request.-'cI' : cause - Invalid account code '{account}'."


class AccountDesk:
    """Managed accounts, summaries, values, portfolio, positions, profit."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with nobody listening."""
        self._gateway = gateway
        self.books = Books(gateway)
        self.profits = Profits(gateway, self.books, self.meant)
        self._wishes: dict[int, Wishes] = {}
        self._told: dict[str, dict[str, Holding]] = {}
        """The positions of each account as they were pushed last."""
        self._dirty: set[str] = set()
        self._stale: set[str] = set()
        self._streaming = False

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            asked.ReqManagedAccts: self.managed_accounts,
            asked.ReqAccountUpdates: self.account_updates,
            asked.ReqAccountSummary: self.account_summary,
            asked.CancelAccountSummary: self.cancel_account_summary,
            asked.ReqPositions: self.req_positions,
            asked.CancelPositions: self.cancel_positions,
            asked.ReqPositionsMulti: self.req_positions_multi,
            asked.CancelPositionsMulti: self.cancel_positions_multi,
            asked.ReqAccountUpdatesMulti: self.account_updates_multi,
            asked.CancelAccountUpdatesMulti: self.cancel_account_updates_multi,
            asked.ReqPnL: self.profits.req_pnl,
            asked.CancelPnL: self.profits.cancel_pnl,
            asked.ReqPnLSingle: self.profits.req_pnl_single,
            asked.CancelPnLSingle: self.profits.cancel_pnl,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the method for each action."""
        return {"positions": self.list_positions, "account": self.describe_account}

    def forget(self, client: ClientSession) -> None:
        """Drop what a client wished."""
        self._wishes.pop(client.client_id, None)
        self.profits.forget(client)

    def opened(self, _account: str) -> None:
        """Tell everyone of a further account."""
        for client in self._gateway.everyone():
            client.send(answers.managed_accounts(self._gateway.account_settings))

    def new_day(self) -> None:
        """Count the day's profit from now."""
        self.books.new_day()

    def fault(self, name: str) -> None:
        """Tell what has changed while IB could not be reached."""
        if name.startswith("restored"):
            for account in self._gateway.account_settings:
                self.on_execution(account)

    def wishes(self, client: ClientSession) -> Wishes:
        """Return what a client is subscribed to."""
        wishes = self._wishes.get(client.client_id)
        if wishes is None or wishes.client is not client:
            wishes = self._wishes[client.client_id] = Wishes(client)
        return wishes

    def subscriptions(self, client_id: int | None = None) -> list[dict[str, object]]:
        """List what is subscribed to."""
        return [
            each
            for wishes in self._wishes.values()
            if client_id in (None, wishes.client.client_id)
            for each in wishes.list()
        ] + self.profits.subscriptions(client_id)

    def managed_accounts(self, client: ClientSession, _request: asked.ReqManagedAccts) -> None:
        """Answer with the accounts of the login."""
        client.send(answers.managed_accounts(self._gateway.account_settings))

    def meant(self, client: ClientSession, req_id: int, account: str) -> list[str]:
        """Return the accounts that are meant (empty or `All`: all); error 321 for an unknown one."""
        if account in ("", "All"):
            return list(self._gateway.account_settings)
        if account in self._gateway.account_settings:
            return [account]
        client.error(req_id, 321, _BAD_ACCOUNT.format(account=account))
        return []

    # -- account values and portfolio

    def account_updates(self, client: ClientSession, request: asked.ReqAccountUpdates) -> None:
        """Send values, portfolio, time and the end, then stream; or stop."""
        wishes = self.wishes(client)
        if not request.subscribe:
            wishes.updates = None
            return
        accounts = self.meant(client, -1, request.account)
        if not accounts:
            return
        account = accounts[0]
        wishes.updates = Updates(account)
        self._note_positions(account)
        self.send_values(client, wishes.updates)
        for holding in self.books.holdings(account):
            self.send_portfolio(client, account, holding)
        self.send_update_time(client)
        client.send(answers.account_download_end(account))
        self._stream()

    def send_values(self, client: ClientSession, updates: Updates) -> None:
        """Send the values of an account that a client does not know yet."""
        worth = self.books.worth(updates.account)
        values = account_values(updates.account, worth)
        if updates.ledger_only:
            money = worth.state.currency
            total = [each for each in values if each[0] == "NetLiquidation"]
            values = [*ledger(worth, money), *ledger(worth, "BASE"), *total]
        news = updates.changed(values)
        client.send(b"".join(self._value(updates, each) for each in news))

    def _value(self, updates: Updates, value: Value) -> bytes:
        tag, text, currency = value
        if updates.req_id is None:
            return answers.account_value(tag=tag, value=text, currency=currency, account=updates.account)
        return answers.account_update_multi(
            req_id=updates.req_id,
            account=updates.account,
            model_code=updates.model_code,
            tag=tag,
            value=text,
            currency=currency,
        )

    def send_portfolio(self, client: ClientSession, account: str, holding: Holding) -> None:
        """Send one line of the portfolio."""
        client.send(
            answers.portfolio_value(
                client.version,
                contract=holding.listing.wire(),
                position=holding.qty,
                market_price=holding.market_price,
                average_cost=holding.average_cost,
                unrealized_pnl=holding.unrealized,
                realized_pnl=holding.realized,
                account=account,
                market_value=holding.market_value,
            )
        )

    def send_update_time(self, client: ClientSession) -> None:
        """Send when the values were looked at."""
        client.send(answers.account_update_time(times.clock_minute(self._gateway.now_ns())))

    def account_updates_multi(self, client: ClientSession, request: asked.ReqAccountUpdatesMulti) -> None:
        """Send the values of one or all accounts and the end, then stream."""
        accounts = self.meant(client, request.req_id, request.account)
        if not accounts:
            return
        streams = [
            Updates(account, request.req_id, request.model_code, request.ledger_and_nlv)
            for account in accounts
        ]
        self.wishes(client).multi[request.req_id] = streams
        for stream in streams:
            self.send_values(client, stream)
        client.send(answers.account_update_multi_end(req_id=request.req_id))
        self._stream()

    def cancel_account_updates_multi(
        self, client: ClientSession, request: asked.CancelAccountUpdatesMulti
    ) -> None:
        """Stop streaming."""
        self.wishes(client).multi.pop(request.req_id, None)

    # -- summaries

    def account_summary(self, client: ClientSession, request: asked.ReqAccountSummary) -> None:
        """Send the tags of every account and the end, and again when they change; a third one is refused."""
        wishes = self.wishes(client)
        if request.req_id not in wishes.summaries and len(wishes.summaries) >= MOST_SUMMARIES:
            reason = "Maximum number of account summary requests exceeded"
            client.error(request.req_id, 322, f"Error processing request.-'cL' : cause - {reason}")
            return
        tags = [tag.strip() for tag in request.tags.split(",") if tag.strip()]
        wishes.summaries[request.req_id] = (request.group, tags)
        self.send_summary(client, request.req_id, tags)
        client.send(answers.account_summary_end(req_id=request.req_id))
        self._stream()

    def send_summary(self, client: ClientSession, req_id: int, tags: list[str]) -> None:
        """Send the values of a summary."""
        for account in self._gateway.account_settings:
            for tag, value, currency in summary(self.books.worth(account), tags):
                client.send(
                    answers.account_summary(
                        req_id=req_id, account=account, tag=tag, value=value, currency=currency
                    )
                )

    def cancel_account_summary(self, client: ClientSession, request: asked.CancelAccountSummary) -> None:
        """Stop the summary."""
        self.wishes(client).summaries.pop(request.req_id, None)

    # -- positions

    def req_positions(self, client: ClientSession, _request: asked.ReqPositions) -> None:
        """Send every position of every account and the end; then each that changes."""
        self.wishes(client).positions = True
        for account in self._gateway.account_settings:
            self._note_positions(account)
            for holding in self.books.holdings(account):
                if holding.qty:
                    self.send_position(client, account, holding)
        client.send(answers.position_end())

    def send_position(self, client: ClientSession, account: str, holding: Holding) -> None:
        """Send one position; IB leaves the exchange of its contract empty."""
        client.send(
            answers.position(
                client.version,
                account=account,
                contract=holding.listing.wire(""),
                position=holding.qty,
                avg_cost=holding.average_cost,
            )
        )

    def cancel_positions(self, client: ClientSession, _request: asked.CancelPositions) -> None:
        """Stop the positions."""
        self.wishes(client).positions = False

    def req_positions_multi(self, client: ClientSession, request: asked.ReqPositionsMulti) -> None:
        """Send the positions of one or all accounts and the end; then each that changes."""
        accounts = self.meant(client, request.req_id, request.account)
        if not accounts:
            return
        self.wishes(client).positions_multi[request.req_id] = (request.account, request.model_code)
        for account in accounts:
            self._note_positions(account)
            for holding in self.books.holdings(account):
                if holding.qty:
                    self.send_position_multi(client, request.req_id, account, holding)
        client.send(answers.position_multi_end(req_id=request.req_id))

    def send_position_multi(self, client: ClientSession, req_id: int, account: str, holding: Holding) -> None:
        """Send one position of one request."""
        client.send(
            answers.position_multi(
                client.version,
                req_id=req_id,
                account=account,
                contract=holding.listing.wire(""),
                position=holding.qty,
                avg_cost=holding.average_cost,
            )
        )

    def cancel_positions_multi(self, client: ClientSession, request: asked.CancelPositionsMulti) -> None:
        """Stop the positions of one request."""
        self.wishes(client).positions_multi.pop(request.req_id, None)

    # -- what follows a fill

    def on_execution(self, account: str) -> None:
        """Tell everyone who listens what a fill (or a bust) of `account` has changed, soon."""
        if not self._dirty:
            self._gateway.later(0.0, self.push_changes)
        self._dirty.add(account)
        if not self._stale:
            self._gateway.later(VALUES_AFTER_S, self.push_values)
        self._stale.add(account)

    def push_changes(self) -> None:
        """Push the positions and portfolio lines that have changed."""
        dirty, self._dirty = self._dirty, set()
        if not self._gateway.faults.connected_to_ib:
            return
        for account in dirty:
            before = self._told.get(account, {})
            self._note_positions(account)
            for name, holding in self._told[account].items():
                known = before.get(name)
                if known is None or (known.qty, known.average_cost) != (holding.qty, holding.average_cost):
                    self.push_holding(account, holding)

    def push_holding(self, account: str, holding: Holding) -> None:
        """Push one changed position to everyone who listens."""
        for wishes in tuple(self._wishes.values()):
            client = wishes.client
            if wishes.positions:
                self.send_position(client, account, holding)
            for req_id, (wanted, _) in wishes.positions_multi.items():
                if wanted in ("", "All", account):
                    self.send_position_multi(client, req_id, account, holding)
            if wishes.updates is not None and wishes.updates.account == account:
                self.send_portfolio(client, account, holding)

    def _note_positions(self, account: str) -> None:
        self._told[account] = {each.listing.instrument.id: each for each in self.books.holdings(account)}

    def push_values(self) -> None:
        """Push the values that have changed since the last fills."""
        stale, self._stale = self._stale, set()
        if not self._gateway.faults.connected_to_ib:
            return
        for wishes in tuple(self._wishes.values()):
            self._push_values(wishes, stale)

    def _push_values(self, wishes: Wishes, accounts: Iterable[str]) -> None:
        if wishes.updates is not None and wishes.updates.account in accounts:
            self.send_values(wishes.client, wishes.updates)
            self.send_update_time(wishes.client)
        for streams in wishes.multi.values():
            for stream in streams:
                if stream.account in accounts:
                    self.send_values(wishes.client, stream)

    # -- what follows from time

    def _stream(self) -> None:
        """Begin the updates of every three minutes, once."""
        if not self._streaming:
            self._streaming = True
            self._gateway.later(UPDATE_EVERY_S, self.push_all)

    def push_all(self) -> None:
        """Push values, portfolio and summaries to everyone who listens."""
        self._gateway.later(UPDATE_EVERY_S, self.push_all)
        if not self._gateway.faults.connected_to_ib:
            return
        for wishes in tuple(self._wishes.values()):
            if wishes.updates is not None:
                for holding in self.books.holdings(wishes.updates.account):
                    self.send_portfolio(wishes.client, wishes.updates.account, holding)
            self._push_values(wishes, self._gateway.account_settings)
            for req_id, (_, tags) in wishes.summaries.items():
                self.send_summary(wishes.client, req_id, tags)

    # -- actions

    def list_positions(self, account: str | None = None) -> list[dict[str, Any]]:
        """List the positions of one account or all, flat ones left out."""
        return [
            each.describe() | {"account": name}
            for name in ([account] if account else self._gateway.account_settings)
            for each in self.books.holdings(name)
            if each.qty
        ]

    def describe_account(self, account: str | None = None) -> dict[str, Any]:
        """Tell one account's money, the first one's when none is named."""
        return self.books.worth(account or next(iter(self._gateway.account_settings))).describe()
