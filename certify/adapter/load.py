"""Placeholder of the load generator that runs beside the system."""
