"""The backend `ibkr`: the reference platform over TWS or IB Gateway, through ib_insync or ib_async.

Options (`ctx.config`); those of the connection may also stand under `gateway`:

    host, port          of the API ("127.0.0.1", 4002)
    client_id           the first client id that is used (101); orders, then market data, reference prices,
                        paper accounts, each under the next
    account             the account to trade in; an id that does not begin with D is refused unless allowed
                        twice, by safety.allow_live and live
    paper_account       another account under the same login, for the port `paper_trading`
    control_port        of a simulated gateway; without it markets cannot be set
    simulated           whether the gateway is a simulated one
    live                whether the person who started the run has said --live
    safety              {allow_live, max_order_qty, max_order_notional, max_orders, max_messages_per_s}:
                        what is never sent (no caps, 45 messages per second)
    market_data_type    1: live data only; 3: delayed data where live data are not subscribed (3)
    connect_timeout_s, answer_timeout_s, heartbeat_s, silence_s
                        limits of the link: to open it (4), of an answer (3), between two questions for the
                        time (1), of silence before the link counts as dead (3)
    commission_wait_ms  how long a fill waits for its commission report (500)
    answer_wait_ms      after so long without an answer to an order the gateway is asked (1500)
    instruments, cash, limits, max_stale_ms, readiness, go_live, defect
                        as for the backend `mock`
"""

from __future__ import annotations

from certify.backends.ibkr.adapter import create

__all__ = ["create"]
