"""Scores: a measure cut at fixed thresholds. Pure rules; `columns.score_column` says the same to Spark."""

from strata.project.models import Score


def score_of(value: float | None, score: Score) -> int | None:
    """The score of one value: 1 ... `Score.best`, best is highest; an unknown value has no score.

    `better: low`: a value equal to a threshold still earns the better score (at most 7 days). `better: high`:
    so does a value that just reaches its threshold (at least 26 days). Hence a value on a cut is never ambiguous.
    """
    if value is None:
        return None
    if score.better == "low":
        return 1 + sum(value <= cut for cut in score.thresholds)
    return 1 + sum(value >= cut for cut in score.thresholds)
