"""Audiences: lists of customers for one purpose. Here: look-alikes of a seed, each with its own backtest.

    snapshot (two dates) → sample → learn (driver: fit, backtest, reasons to withhold) → members → verdict
                                                                          consent and exclusions ↗ last, always

Without Spark: ranking, matrix, model, fit, sampled, backtest, definition, learn, verdict, factors, curve, overlap.
Frames: sample, scoring, members, counting, consent.
"""
