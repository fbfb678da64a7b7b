"""Certify the market integration of a trading system, with evidence behind every figure."""

__version__ = "0.1.0"
