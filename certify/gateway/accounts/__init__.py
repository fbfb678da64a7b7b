"""Accounts of the simulated gateway: values, portfolio, positions and profit, out of the venue's books."""

from certify.gateway.accounts.desk import AccountDesk
from certify.gateway.accounts.money import Books, Holding, Worth

__all__ = ["AccountDesk", "Books", "Holding", "Worth"]
