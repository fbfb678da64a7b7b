"""The sweep at the start of a run: what an earlier run left behind in a real account is taken away.

A run that was killed with its system may leave orders working and a position open. Both bear the tool's tag.
Only those are touched: orders and positions of anybody else stay as they are. A simulated system starts
empty and is not swept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import cast

from certify.engine.tidy import ORDER_PORTS, TIDY_PATIENCE_S, insist, portions
from certify.errors import CertifyError
from certify.model.ids import Assurance
from certify.model.trading import AccountState, ExecType, OrderUpdate, Position, Side
from certify.phases.api import Unmeasurable, Unmet
from certify.phases.orders import OrderDesk
from certify.phases.trial import Trial

TAG = re.compile(r"CT\d{8}T\d{6}Z")
"""How the client order ids of every run on a real account begin."""


def sweep(trial: Trial) -> list[str]:
    """Cancel tagged orders and close tagged positions of earlier runs; return what was done, in words."""
    said: list[str] = []
    accounts: dict[str, list[str]] = {}
    for port in (port for port in ORDER_PORTS if trial.has(port)):
        if trial.session(port).assurance is Assurance.SIMULATED:
            continue
        try:
            said.extend(_cancel(trial, port))
            accounts.setdefault(_account(trial, port), []).append(port)
        except (Unmet, Unmeasurable, CertifyError) as error:
            said.append(f"{port} could not be swept: {error}")
    for ports in accounts.values():
        said.extend(_close(trial, ports))
    return said


def _cancel(trial: Trial, port: str) -> Iterator[str]:
    left = _tagged(trial, port)
    if not left:
        return
    trial.ledger.earlier.update(order.client_order_id for order in left)
    for order in left:
        trial.call(port, "cancel", order.client_order_id, order.instrument)
    names = ", ".join(sorted(order.client_order_id for order in left))
    try:
        trial.poll(lambda: not _tagged(trial, port), f"expected {names} to be cancelled", TIDY_PATIENCE_S)
    except Unmet:
        still = ", ".join(sorted(order.client_order_id for order in _tagged(trial, port)))
        yield f"{port}: still working since an earlier run: {still}"
    else:
        yield f"{port}: cancelled what an earlier run left working: {names}"


def _tagged(trial: Trial, port: str) -> list[OrderUpdate]:
    return [o for o in OrderDesk(trial, port).listed("open_orders") if TAG.match(o.client_order_id)]


def _account(trial: Trial, port: str) -> str:
    """Return the account behind a port: two ports of one account must not close a position twice."""
    try:
        found = cast("AccountState", trial.call(port, "account"))
    except CertifyError:
        return trial.session(port).backend.key
    return found.account


def _close(trial: Trial, ports: list[str]) -> Iterator[str]:
    """Trade away what tagged executions of one account left, never more than is held."""
    port = ports[0]
    try:
        for instrument, open_qty in sorted(_left_open(trial, ports).items()):
            held = _held(trial, port, instrument)
            qty = min(abs(open_qty), abs(held))
            if held * open_qty > 0:
                yield _trade(trial, port, instrument, qty.copy_sign(held))
    except (Unmet, Unmeasurable, CertifyError) as error:
        yield f"{port}: what an earlier run left open could not be closed: {error}"
    finally:
        trial.ledger.leave_account(port)  # what was held before is not this run's


def _left_open(trial: Trial, ports: list[str]) -> dict[str, Decimal]:
    fills: dict[str, tuple[str, Decimal]] = {}
    busted: set[str] = set()
    for port in ports:
        for update in OrderDesk(trial, port).listed("executions"):
            if not TAG.match(update.client_order_id):
                continue
            if update.exec_type is ExecType.TRADE_CANCEL:
                busted.add(update.exec_ref_id or "")
            elif update.exec_type is ExecType.TRADE:
                signed = update.last_qty if update.side is Side.BUY else -update.last_qty
                fills[update.exec_id or f"?{len(fills)}"] = (update.instrument, signed)
    left: dict[str, Decimal] = {}
    for exec_id, (instrument, signed) in fills.items():
        if exec_id not in busted:
            left[instrument] = left.get(instrument, Decimal(0)) + signed
    return {instrument: qty for instrument, qty in left.items() if qty}


def _held(trial: Trial, port: str, instrument: str) -> Decimal:
    positions = cast("list[Position]", trial.call(port, "positions"))
    return sum((held.qty for held in positions if held.instrument == instrument), Decimal(0))


def _trade(trial: Trial, port: str, instrument: str, held: Decimal) -> str:
    desk = OrderDesk(trial, port)
    side = Side.SELL if held > 0 else Side.BUY
    for qty in portions(trial, abs(held)):
        insist(desk, side, qty, instrument)
    verb = "sold" if held > 0 else "bought back"
    return f"{port}: {verb} {abs(held)} {instrument} that an earlier run left open"
