"""Contracts of the simulated gateway: what exists, what a client may mean, and how it is described."""

from certify.gateway.contracts.book import ContractBook, Refusal
from certify.gateway.contracts.desk import ContractDesk
from certify.gateway.contracts.listing import Listing

__all__ = ["ContractBook", "ContractDesk", "Listing", "Refusal"]
