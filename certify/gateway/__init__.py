"""A simulated IB Gateway: speaks the TWS API on loopback over the simulated venue."""
