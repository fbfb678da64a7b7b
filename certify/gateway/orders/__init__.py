"""The order desk of the simulated gateway: orders, their states, executions and what clients hear of them."""

from certify.gateway.orders.desk import OrderDesk

__all__ = ["OrderDesk"]
