"""The order desk of the simulated gateway: orders, their states, executions and what clients hear of them."""
