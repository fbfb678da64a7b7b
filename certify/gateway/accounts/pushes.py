"""What each client wants to be kept informed of about accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certify.gateway.accounts.values import Value

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession


@dataclass(slots=True)
class Updates:
    """A stream of an account's values: `reqAccountUpdates` (`req_id` `None`) or `reqAccountUpdatesMulti`."""

    account: str
    req_id: int | None = None
    model_code: str = ""
    ledger_only: bool = False
    sent: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the client knows: value by tag and currency."""

    def changed(self, values: list[Value]) -> list[Value]:
        """Return the values that the client does not know yet, and count them as known."""
        news = [each for each in values if self.sent.get((each[0], each[2])) != each[1]]
        self.sent.update({(tag, currency): value for tag, value, currency in news})
        return news


@dataclass(slots=True)
class Wishes:
    """Everything about accounts that one client has subscribed to."""

    client: ClientSession
    positions: bool = False
    updates: Updates | None = None
    multi: dict[int, list[Updates]] = field(default_factory=dict)
    positions_multi: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Account (empty: all) and model by request."""
    summaries: dict[int, tuple[str, list[str]]] = field(default_factory=dict)
    """Group and tags by request."""

    def list(self) -> list[dict[str, object]]:
        """Say what is subscribed to."""
        kinds: dict[str, list[int]] = {
            "account_summary": [*self.summaries],
            "account_updates_multi": [*self.multi],
            "positions_multi": [*self.positions_multi],
            "positions": [-1] if self.positions else [],
            "account_updates": [-1] if self.updates else [],
        }
        client_id = self.client.client_id
        return [
            {"client_id": client_id, "kind": kind, "req_id": req_id, "instrument": None}
            for kind, req_ids in kinds.items()
            for req_id in req_ids
        ]
