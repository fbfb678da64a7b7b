"""Codes of the TWS API that come about an order and do not end it, with the texts that IB sends."""

from __future__ import annotations

WARNINGS = {
    399: "Order Message:\nBUY 1 AAPL NASDAQ.NMS\nWarning: your order will not be placed at the exchange until"
    " 2030-01-02 09:30:00 US/Eastern",
    2109: "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type",
    2137: "The closing order quantity is greater than your current position.",
    2161: "Your order has been submitted with a cash quantity estimate.",
    10311: "This order will be directly routed to its exchange.",
    10349: "Order TIF was set to DAY based on order preset.",
}
"""Notices about an order that goes on working."""
CANCEL_ANSWERS = {
    161: "Cancel attempted when order is not in a cancellable state. Order permId = 0",
    10148: "OrderId 0 that needs to be cancelled can not be cancelled, state: PendingCancel.",
}
"""Answers to a cancel, not ends of an order."""
CHANGE_ANSWERS = {
    104: "Can't modify a filled order.",
    105: "Order being modified does not match original order",
    110: "The price does not conform to the minimum price variation for this contract.",
    321: "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode.",
    329: "Order modify failed. Cannot change to the new order type.",
}
"""Refusals of a change; the order works on with its terms of before."""
