"""What a program does in a session: the same for ib_insync and ib_async, whose interface is one.

Not a test by itself: `ib_insync_client.py` and `ib_async_client.py` run it, each in its own environment. It
prints one JSON object of what it saw.
"""

from __future__ import annotations

import json
import logging
import sys

TICKS_WANTED = 5
WAIT_S = 10.0


def main(library):
    """Run the scenario with HOST PORT CLIENT_ID of the command line."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    host, port, client_id = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ib = library.IB()
    ib.RequestTimeout = WAIT_S
    seen = {"client": library.__name__, "errors": []}
    ib.errorEvent += lambda req_id, code, text, contract: seen["errors"].append([req_id, code, text])
    ib.connect(host, port, clientId=client_id, timeout=8)
    try:
        Scenario(library, ib, seen).run()
    finally:
        ib.disconnect()
    print(json.dumps(seen))


class Scenario:
    def __init__(self, library, ib, seen):
        self.module, self.ib, self.seen = library, ib, seen

    def run(self):
        ib, seen = self.ib, self.seen
        seen["version"] = ib.client.serverVersion()
        seen["accounts"] = ib.managedAccounts()
        seen["summary"] = {value.tag: value.value for value in ib.accountSummary() if value.tag != "Currency"}
        contract = self.contract()
        self.stream(contract)
        self.market_order(contract)
        self.limit_order(contract)
        seen["positions"] = [
            {"symbol": each.contract.symbol, "position": float(each.position), "avg_cost": each.avgCost}
            for each in ib.positions()
        ]
        seen["executions"] = [fill.execution.execId for fill in ib.reqExecutions()]
        seen["completed"] = [
            {
                "status": trade.orderStatus.status,
                "symbol": trade.contract.symbol,
                "type": trade.order.orderType,
            }
            for trade in ib.reqCompletedOrders(apiOnly=False)
        ]

    def until(self, holds, what):
        """Let the library work until something holds."""
        waited_s = 0.0
        while not holds():
            if waited_s > WAIT_S:
                raise TimeoutError(f"waited {WAIT_S:g} s for {what}; errors: {self.seen['errors']}")
            self.ib.sleep(0.02)
            waited_s += 0.02

    def contract(self):
        contract = self.module.Stock("AAPL", "SMART", "USD")
        self.ib.qualifyContracts(contract)
        (details,) = self.ib.reqContractDetails(contract)
        self.seen["details"] = {
            "con_id": details.contract.conId,
            "symbol": details.contract.symbol,
            "primary_exchange": details.contract.primaryExchange,
            "min_tick": details.minTick,
            "long_name": details.longName,
        }
        return contract

    def stream(self, contract):
        ticks = []
        ticker = self.ib.reqMktData(contract)
        ticker.updateEvent += lambda ticker: ticks.extend(tick for tick in ticker.ticks if tick.tickType < 4)
        self.until(lambda: len(ticks) >= TICKS_WANTED and ticker.hasBidAsk(), "quotes")
        self.ib.cancelMktData(contract)
        self.bid = ticker.bid
        self.seen["ticks"] = len(ticks)
        self.seen["quote"] = {"bid": ticker.bid, "ask": ticker.ask, "bid_size": ticker.bidSize}

    def market_order(self, contract):
        reports = []
        trade = self.ib.placeOrder(contract, self.module.MarketOrder("BUY", 100))
        trade.commissionReportEvent += lambda trade, fill, report: reports.append(report)
        self.until(lambda: trade.orderStatus.status == "Filled", "the market order to fill")
        self.until(lambda: sum(fill.execution.shares for fill in trade.fills) == 100, "executions")
        self.until(lambda: len(reports) == len(trade.fills), "commission reports")
        self.seen["market_order"] = {
            "status": trade.orderStatus.status,
            "perm_id": trade.orderStatus.permId,
            "filled": trade.orderStatus.filled,
            "avg_price": trade.orderStatus.avgFillPrice,
            "shares": [fill.execution.shares for fill in trade.fills],
            "sides": sorted({fill.execution.side for fill in trade.fills}),
            "commissions": [report.commission for report in reports],
        }

    def limit_order(self, contract):
        order = self.module.LimitOrder("BUY", 100, round(self.bid * 0.9, 2), tif="GTC", orderRef="limit-1")
        trade = self.ib.placeOrder(contract, order)
        self.until(lambda: trade.orderStatus.status == "Submitted", "the limit order to work")
        before = len(trade.log)
        order.lmtPrice = round(self.bid * 0.91, 2)
        order.totalQuantity = 50
        self.ib.placeOrder(contract, order)
        self.until(lambda: any("Modif" in entry.message for entry in trade.log[before:]), "the modification")
        self.until(lambda: len(trade.log) > before + 1 or trade.orderStatus.remaining == 50, "its answer")
        changed = {"limit": trade.order.lmtPrice, "remaining": trade.orderStatus.remaining}
        self.ib.cancelOrder(order)
        self.until(trade.isDone, "the cancel")
        self.seen["limit_order"] = {
            "asked": order.lmtPrice,
            "changed": changed,
            "final": trade.orderStatus.status,
            "statuses": [entry.status for entry in trade.log],
        }
