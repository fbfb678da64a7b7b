"""Carries out the steps of a script, or of the magic quantities, on a gateway that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.contracts import Listing
from certify.gateway.script import EVENTS, Script, Step
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.requests import CancelOrder, PlaceOrder

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

_BEFORE_REQUESTS = frozenset({"order", "change", "cancel", "request"})
"""Events for which every request is looked at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An event that has come: its kind, and what is known of it as text."""

    kind: str
    facts: Mapping[str, str]


class Director:
    """Does the steps of a script at their times and events, from the beginning after each `fresh`.

    `attach` is to be called whenever the gateway has been built anew: it is what `Gateway(prepare=…)` is for.
    """

    def __init__(self, script: Script) -> None:
        """Take a script that has been read."""
        self._script = script
        self._waiting: dict[str, list[int]] = {}
        for number, step in enumerate(script.steps):
            if step.event is not None:
                self._waiting.setdefault(step.event.kind, []).append(number)
        self._seen: dict[int, int] = {}
        self._gateway: Gateway | None = None

    def attach(self, gateway: Gateway) -> None:
        """Begin anew on this gateway.

        Raises:
            ProfileError: a step names an action or an argument that the gateway does not have.
        """
        self._script.check(gateway.action_arguments())
        self._gateway = gateway
        self._seen = {}
        gateway.desks.append(self)
        if _BEFORE_REQUESTS & self._waiting.keys():
            self._listen(gateway)

    def _listen(self, gateway: Gateway) -> None:
        """Look at every request before the gateway does; once, however often the gateway is built."""
        handle = gateway.handle
        if self in getattr(handle, "directors", ()):
            return

        def watched(client: ClientSession, request: object) -> None:
            self._asked(client, request)
            handle(client, request)

        watched.directors = (self, *getattr(handle, "directors", ()))  # type: ignore[attr-defined]
        gateway.handle = watched  # type: ignore[method-assign]

    # -- what the house tells its desks

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Answer no request."""
        return {}

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Add no action."""
        return {}

    def started(self) -> None:
        """Set the clock for every step that has a time."""
        for number, step in enumerate(self._script.steps):
            first_s = step.at_s if step.at_s is not None else step.every_s
            if first_s is not None:
                self._house.later(first_s, self._due, number)

    def connected(self, client: ClientSession) -> None:
        """Hear that a session has begun."""
        self._happened("connect", {"client_id": client.client_id})

    def forget(self, client: ClientSession) -> None:
        """Hear that a client has gone."""
        self._happened("disconnect", {"client_id": client.client_id})

    def new_day(self) -> None:
        """Hear that a trading day begins."""
        self._happened("new_day", {})

    # -- inside

    @property
    def _house(self) -> Gateway:
        if self._gateway is None:
            raise UsageError("a script runs on a gateway: attach it first")
        return self._gateway

    def _due(self, number: int) -> None:
        step = self._script.steps[number]
        if step.every_s is not None and not self._spent(number, step, further=1):
            self._house.later(step.every_s, self._due, number)
        if not self._spent(number, step):
            self._seen[number] = self._seen.get(number, 0) + 1
            self._do(step, None)

    def _spent(self, number: int, step: Step, *, further: int = 0) -> bool:
        return step.times is not None and self._seen.get(number, 0) + further >= step.times + step.skip

    def _asked(self, client: ClientSession, request: object) -> None:
        facts: dict[str, object] = {"client_id": client.client_id, "name": type(request).__name__}
        self._happened("request", facts)
        if isinstance(request, PlaceOrder):
            self._placed(facts | self._facts_of(request))
        elif isinstance(request, CancelOrder):
            self._happened("cancel", facts | {"order_id": request.order_id})

    def _placed(self, facts: Mapping[str, object]) -> None:
        """Tell a new order from a change; looked up only where a step might be meant."""
        moment = _moment("order", facts)
        steps = [self._script.steps[n] for kind in ("order", "change") for n in self._waiting.get(kind, ())]
        if any(_fits(step, moment) for step in steps):
            self._happened("change" if self._orders(moment) else "order", facts)

    def _facts_of(self, request: PlaceOrder) -> dict[str, object]:
        order = request.order
        return {
            "order_id": order.order_id,
            "instrument": self._instrument(order.contract),
            "order_ref": order.order_ref,
            "account": order.account or next(iter(self._house.account_settings)),
            "side": order.action,
            "type": order.order_type,
            "qty": format(order.total_quantity.normalize(), "f"),
        }

    def _instrument(self, contract: WireContract) -> str:
        found = self._house.contracts.book.find(contract)
        return found.instrument.id if isinstance(found, Listing) else contract.symbol

    def _happened(self, kind: str, facts: Mapping[str, object]) -> None:
        if kind not in self._waiting:
            return
        moment = _moment(kind, facts)
        for number in self._waiting[kind]:
            step = self._script.steps[number]
            if self._spent(number, step) or not _fits(step, moment):
                continue
            self._seen[number] = self._seen.get(number, 0) + 1
            if self._seen[number] <= step.skip:
                continue
            if step.after_s:
                self._house.later(step.after_s, self._do, step, moment)
            else:
                self._do(step, moment)

    def _do(self, step: Step, moment: Moment | None) -> None:
        try:
            self._house.do(step.action, **{k: self._meant(v, moment) for k, v in step.arguments.items()})
        except Exception as error:  # noqa: BLE001 - one bad step must not end the gateway
            self._house.note_failure(f"at step {step.action} ({step.place})", error)

    def _meant(self, value: object, moment: Moment | None) -> object:
        """Put what a `$name` refers to in its place."""
        if moment is None or not isinstance(value, str) or value[:1] != "$":
            return value
        name = value[1:]
        if name in moment.facts:
            return moment.facts[name]
        rows = self._executions(moment) if name == "exec_id" else self._orders(moment)
        if not rows:
            raise UsageError(f"there is no {name} of this order")
        return rows[-1][name]

    def _orders(self, moment: Moment) -> list[dict[str, Any]]:
        return self._rows("orders", moment)

    def _executions(self, moment: Moment) -> list[dict[str, Any]]:
        return self._rows("executions", moment)

    def _rows(self, action: str, moment: Moment) -> list[dict[str, Any]]:
        rows = self._house.do(action, client_id=int(moment.facts["client_id"]))
        return [row for row in rows if row["order_id"] == int(moment.facts["order_id"])]


def _moment(kind: str, facts: Mapping[str, object]) -> Moment:
    return Moment(kind, {name: str(value) for name, value in facts.items()})


def _fits(step: Step, moment: Moment) -> bool:
    if step.event is None:
        return False
    return all(_same(moment.facts.get(name, ""), wanted) for name, wanted in step.event.only.items())


def _same(had: str, wanted: str) -> bool:
    return had == wanted or had.upper() == wanted.upper()


def conduct(scripts: Iterable[Script]) -> Callable[[Gateway], None] | None:
    """Return what `Gateway(prepare=…)` takes to run these scripts; `None` when there is none."""
    directors = [Director(script) for script in scripts]
    if not directors:
        return None

    def prepare(gateway: Gateway) -> None:
        for director in directors:
            director.attach(gateway)

    return prepare


def event_table() -> list[tuple[str, str, str, str]]:
    """Return name, meaning, filters and references of every event, for the documentation."""
    return [
        (name, kind.says, ", ".join(kind.filters), ", ".join(f"${each}" for each in kind.names))
        for name, kind in EVENTS.items()
    ]
