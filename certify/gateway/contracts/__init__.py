"""Contracts of the simulated gateway: what exists, what a client may mean, and how it is described."""

from certify.gateway.contracts.book import ContractBook
from certify.gateway.contracts.listing import Listing

__all__ = ["ContractBook", "Listing"]
