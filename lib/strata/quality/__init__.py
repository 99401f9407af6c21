"""Suites from contracts, the gate that judges them, and what is measured along the way."""
