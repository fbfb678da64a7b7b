"""The session of `ibapi_scenario.py` with the official client 9.81."""

from ibapi_scenario import Session, main


class Session981(Session):
    def error(self, reqId, errorCode, errorString):
        self.note(reqId, errorCode, errorString)

    def commissionReport(self, commissionReport):
        self.commissions[commissionReport.execId] = commissionReport.commission


if __name__ == "__main__":
    main(Session981(), lambda session, order_id: session.cancelOrder(order_id))
