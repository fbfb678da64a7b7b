"""Carry out a plan: one process per backend, one check after the other, everything as events."""
