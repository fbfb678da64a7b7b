"""What a program does in a session with the official client: 9.81 and 10.46 differ in a few signatures.

Not a test by itself: `ibapi_981_client.py` and `ibapi_1046_client.py` run it, each in its own environment. It
prints one JSON object of what it saw.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

TICKS_WANTED = 5
WAIT_S = 10.0
DETAILS, SUMMARY, QUOTES, EXECUTIONS = 9001, 9002, 9003, 9004


class Session(EWrapper, EClient):
    """Collects what comes in; written by the reading thread, looked at by the main one."""

    def __init__(self):
        EClient.__init__(self, self)
        self.next_id, self.accounts, self.ended = None, "", set()
        self.errors, self.details, self.summary = [], [], {}
        self.prices, self.ticks = {}, 0
        self.statuses, self.opened, self.fills, self.commissions = {}, {}, [], {}
        self.positions, self.listed, self.completed = [], [], []

    # what a session begins with
    def nextValidId(self, orderId):
        self.next_id = orderId

    def managedAccounts(self, accountsList):
        self.accounts = accountsList

    def note(self, req_id, code, text):
        self.errors.append([req_id, code, text])

    # questions
    def contractDetails(self, reqId, contractDetails):
        self.details.append(contractDetails)

    def contractDetailsEnd(self, reqId):
        self.ended.add("details")

    def accountSummary(self, reqId, account, tag, value, currency):
        self.summary[tag] = value

    def accountSummaryEnd(self, reqId):
        self.ended.add("summary")

    def position(self, account, contract, position, avgCost):
        row = {"symbol": contract.symbol, "position": float(position), "avg_cost": float(avgCost)}
        self.positions.append(row)

    def positionEnd(self):
        self.ended.add("positions")

    # market
    def tickPrice(self, reqId, tickType, price, attrib):
        self.ticks += tickType in (1, 2)
        self.prices[int(tickType)] = price

    def tickSize(self, reqId, tickType, size):
        self.ticks += tickType in (0, 3)
        self.prices[int(tickType)] = float(size)

    # orders
    def openOrder(self, orderId, contract, order, orderState):
        self.opened[orderId] = order

    def orderStatus(self, orderId, status, filled, remaining, avgFillPrice, permId, *rest):
        row = {"status": status, "filled": float(filled), "remaining": float(remaining), "avg": avgFillPrice}
        self.statuses.setdefault(orderId, []).append({**row, "perm_id": permId})

    def execDetails(self, reqId, contract, execution):
        (self.listed if reqId == EXECUTIONS else self.fills).append(execution)

    def execDetailsEnd(self, reqId):
        self.ended.add("executions")

    def completedOrder(self, contract, order, orderState):
        row = {"status": orderState.status, "symbol": contract.symbol, "type": order.orderType}
        self.completed.append(row)

    def completedOrdersEnd(self):
        self.ended.add("completed")


def main(session, cancel):
    """Run the scenario with HOST PORT CLIENT_ID of the command line; `cancel(session, order_id)` cancels."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    session.connect(sys.argv[1], int(sys.argv[2]), clientId=int(sys.argv[3]))
    thread = threading.Thread(target=session.run)
    thread.start()
    try:
        seen = scenario(session, cancel)
    finally:
        session.disconnect()
        thread.join(WAIT_S)
    print(json.dumps(seen))


def until(session, holds, what):
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {WAIT_S:g} s for {what}; errors: {session.errors}")
        time.sleep(0.01)


def scenario(session, cancel):
    until(session, lambda: session.next_id is not None and session.accounts, "the session to begin")
    seen = {"version": session.serverVersion(), "accounts": [a for a in session.accounts.split(",") if a]}
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    session.reqContractDetails(DETAILS, contract)
    until(session, lambda: "details" in session.ended, "contract details")
    (details,) = session.details
    seen["details"] = {
        "con_id": details.contract.conId,
        "symbol": details.contract.symbol,
        "primary_exchange": details.contract.primaryExchange,
        "min_tick": details.minTick,
        "long_name": details.longName,
    }
    session.reqAccountSummary(SUMMARY, "All", "NetLiquidation,TotalCashValue,BuyingPower")
    until(session, lambda: "summary" in session.ended, "the account summary")
    session.cancelAccountSummary(SUMMARY)
    seen["summary"] = session.summary
    session.reqMktData(QUOTES, contract, "", False, False, [])
    until(session, lambda: session.ticks >= TICKS_WANTED and {1, 2} <= session.prices.keys(), "quotes")
    session.cancelMktData(QUOTES)
    bid = session.prices[1]
    seen["ticks"] = session.ticks
    seen["quote"] = {"bid": bid, "ask": session.prices[2], "bid_size": session.prices.get(0)}
    seen["market_order"] = market_order(session, contract)
    seen["limit_order"] = limit_order(session, contract, cancel, bid)
    session.reqPositions()
    until(session, lambda: "positions" in session.ended, "positions")
    session.cancelPositions()
    seen["positions"] = session.positions
    session.reqExecutions(EXECUTIONS, ExecutionFilter())
    until(session, lambda: "executions" in session.ended, "executions")
    seen["executions"] = [execution.execId for execution in session.listed]
    session.reqCompletedOrders(False)
    until(session, lambda: "completed" in session.ended, "completed orders")
    seen["completed"] = session.completed
    seen["errors"] = session.errors
    return seen


def new_order(session, kind, qty, price=None):
    order = Order()
    order.action, order.orderType, order.totalQuantity = "BUY", kind, qty
    order.eTradeOnly = order.firmQuoteOnly = False  # the old client sets them, and IB refuses them
    if price is not None:
        order.lmtPrice, order.tif, order.orderRef = price, "GTC", "limit-1"
    order_id, session.next_id = session.next_id, session.next_id + 1
    return order_id, order


def last(session, order_id):
    return session.statuses.get(order_id, [{"status": "", "remaining": -1.0}])[-1]


def market_order(session, contract):
    order_id, order = new_order(session, "MKT", 100)
    session.placeOrder(order_id, contract, order)
    until(session, lambda: last(session, order_id)["status"] == "Filled", "the market order to fill")
    until(session, lambda: sum(float(fill.shares) for fill in session.fills) == 100, "executions")
    until(session, lambda: len(session.commissions) == len(session.fills), "commission reports")
    status = last(session, order_id)
    return {
        "status": status["status"],
        "perm_id": status["perm_id"],
        "filled": status["filled"],
        "avg_price": status["avg"],
        "shares": [float(fill.shares) for fill in session.fills],
        "sides": sorted({fill.side for fill in session.fills}),
        "commissions": [session.commissions[fill.execId] for fill in session.fills],
    }


def limit_order(session, contract, cancel, bid):
    order_id, order = new_order(session, "LMT", 100, round(bid * 0.9, 2))
    session.placeOrder(order_id, contract, order)
    until(session, lambda: last(session, order_id)["status"] == "Submitted", "the limit order to work")
    order.lmtPrice, order.totalQuantity = round(bid * 0.91, 2), 50
    session.placeOrder(order_id, contract, order)
    until(session, lambda: last(session, order_id)["remaining"] == 50, "the modification")
    changed = {"limit": session.opened[order_id].lmtPrice, "remaining": last(session, order_id)["remaining"]}
    cancel(session, order_id)
    until(session, lambda: last(session, order_id)["status"] == "Cancelled", "the cancel")
    return {
        "asked": order.lmtPrice,
        "changed": changed,
        "final": last(session, order_id)["status"],
        "statuses": [status["status"] for status in session.statuses[order_id]],
    }
