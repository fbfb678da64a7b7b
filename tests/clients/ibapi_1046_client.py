"""The session of `ibapi_scenario.py` with the official client 10.46."""

from ibapi.order_cancel import OrderCancel
from ibapi_scenario import Session, main


class Session1046(Session):
    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson=""):
        self.note(reqId, errorCode, errorString)

    def commissionAndFeesReport(self, commissionAndFeesReport):
        report = commissionAndFeesReport
        self.commissions[report.execId] = report.commissionAndFees


if __name__ == "__main__":
    main(Session1046(), lambda session, order_id: session.cancelOrder(order_id, OrderCancel()))
