"""History of the simulated gateway: generated bars and ticks, the same for the same seed."""

from certify.gateway.history.desk import HistoryDesk

__all__ = ["HistoryDesk"]
