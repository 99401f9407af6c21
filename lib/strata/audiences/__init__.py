"""Audiences: lists of customers for one purpose, by a rule, from a list, or by likeness to a seed.

    rules and lists: snapshot → selection ─────────────────────────────────────────┐
    look-alikes: snapshot (its dates) → one sample → learn, on the driver → cut → picks → delivery → members → changes
                                          consent, exclusions, pressure, priority and expiry ↗ last, always

Without Spark: ranking, intervals, contest, matrix, model, fit, sampled, backtest, folds, proof, exposure, leakage,
definition, learn, cut, listed, reasons, verdict, factors, curve, overlap.
Frames: sample, scoring, product, picking, selection, delivery, holdout, members, changes, counting, consent, fairness.
"""
