"""Audiences: lists of customers for one purpose. Here: look-alikes of a seed, each with its own backtest.

    snapshot (its dates) → one sample → learn (driver: fit, backtest, reasons to withhold) → cut → picks → members
                                                                          consent and exclusions ↗ last, always

Without Spark: ranking, matrix, model, fit, sampled, backtest, definition, learn, cut, verdict, factors, curve, overlap.
Frames: sample, scoring, picking, members, counting, consent.
"""
