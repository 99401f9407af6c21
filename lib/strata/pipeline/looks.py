"""What is said of the audiences of a release: what they go by, how far they reach, whom they share."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame

from strata.audiences.counting import count_shared
from strata.audiences.curve import curve_rows
from strata.audiences.factors import factor_rows
from strata.audiences.fairness import beside_members, cells_of, count_protected, fairness_rows
from strata.audiences.overlap import overlap_rows
from strata.contract.lists import audience_curve, audience_factors, audience_fairness, audience_overlap
from strata.contract.spark import rows_of
from strata.features.wide import snapshot_columns
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.deliveries import Built
from strata.pipeline.features import decided_plan
from strata.pipeline.staged import stage_rows
from strata.publish.release import Row
from strata.storage.concurrent import concurrently


def stage_looks(run: Run, target: Target, made: Sequence[Built]) -> None:
    """Write `audience_factors`, `audience_curve`, `audience_fairness` and `audience_overlap` to staging.

    Factors and curve are of every audience with a model, also where it was withheld: they help to see why. Overlap is
    of published ones only.
    """
    tables = [
        (audience_factors, _factors(run, target, made)),
        (audience_curve, _curves(run, target, made)),
        (audience_fairness, _fairness(run, target, made)),
        (audience_overlap, _overlaps(run, target, [each for each in made if each.published])),
    ]
    concurrently(lambda table: stage_rows(run, target, *table), tables)


def _factors(run: Run, target: Target, made: Sequence[Built]) -> list[Row]:
    described = {str(c): c.description for c in snapshot_columns(decided_plan(run, target))} if made else {}
    return [
        row
        for each in made
        if each.learned and each.learned.model
        for row in factor_rows(each.learned.model, described, each.line["audience"], target.as_of)
    ]


def _curves(run: Run, target: Target, made: Sequence[Built]) -> list[Row]:
    floor = run.project.privacy.cell_floor
    return [
        row
        for each in sorted(made, key=lambda each: each.line["audience"])
        if each.found.scores is not None and each.learned is not None
        for row in curve_rows(each.found.scores, each.learned.backtest, floor, each.line["audience"], target.as_of)
    ]


def _fairness(run: Run, target: Target, made: Sequence[Built]) -> list[Row]:
    """One aggregate for the look-alikes of a generation."""
    floor, rows = run.project.privacy.cell_floor, list[Row]()
    for together in _generations([each for each in made if each.found.lookalike]):
        customers, groups = beside_members(
            together[0].looked_at, [(e.found.lookalike, e.members) for e in together if e.found.lookalike]
        )
        counted = rows_of(count_protected(customers, run.project.privacy.protected, groups))
        for each in together:
            cells = cells_of(counted, each.line["audience"])
            rows += fairness_rows(cells, floor, each.line["audience"], target.as_of)
    return rows


def _generations(made: Sequence[Built]) -> list[list[Built]]:
    """Those that look at the same frame of customers together."""
    together: dict[int, list[Built]] = {}
    for each in made:
        together.setdefault(id(each.looked_at), []).append(each)
    return [*together.values()]


def _overlaps(run: Run, target: Target, made: Sequence[Built]) -> list[Row]:
    if len(made) < 2:
        return []
    shared = rows_of(count_shared(reduce(DataFrame.unionByName, [each.members for each in made])))
    return overlap_rows(
        {each.line["audience"]: each.line["customers"] for each in made},
        {(row["audience"], row["other_audience"]): row["shared"] for row in shared},
        read_customers(run, target).count(),
        run.project.privacy.cell_floor,
        target.as_of,
    )
