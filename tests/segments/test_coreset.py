"""The coreset: who is kept and with what weight, against the formula on numpy; what it costs; what it estimates."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.segments.definitions import HERE, customer, snapshot
from tests.segments.jobs import counted_jobs

from strata.project.clusterings import ClusterFeature
from strata.segments.coreset import CUSTOMERS, FARTHEST, SPREAD, WEIGHT, Reference, Spread, draw, measure_spread
from strata.segments.coreset import reference_of as reference_of_sample
from strata.segments.kmeans import Points, inertia
from strata.segments.preparation import Matrix, Preparation, prepare
from strata.segments.preparing import fit_preparation

FEATURES = [ClusterFeature("x", "none", HERE), ClusterFeature("y", "log1p", HERE)]
ROWS = 4000


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    """A heap, unknown values in it, and one in a hundred far away."""
    random = np.random.default_rng(8)
    rows = np.column_stack([random.normal(size=ROWS), random.lognormal(1, 1, size=ROWS)])
    rows[::100] += (40, 4000)
    rows[5::200, 0] = np.nan
    return rows


@pytest.fixture(scope="module")
def base(spark: SparkSession, matrix: Matrix) -> DataFrame:
    return snapshot(spark, {"x": matrix[:, 0], "y": matrix[:, 1]})


@pytest.fixture(scope="module")
def preparation(matrix: Matrix) -> Preparation:
    return fit_preparation(matrix, FEATURES)


def spread_of(base: DataFrame, preparation: Preparation, reference: Reference) -> Spread:
    [row] = measure_spread(base, preparation, reference).collect()
    return Spread(reference, row[CUSTOMERS], row[SPREAD])


def kept_of(drawn: DataFrame) -> tuple[list[int], Matrix, Matrix]:
    """Numbers of the kept customers, their points, their weights; by number."""
    rows = drawn.orderBy("customer_id").toArrow()
    points = np.column_stack([rows[c].to_numpy() for c in rows.column_names if c not in ("customer_id", WEIGHT)])
    return [int(i, 16) for i in rows["customer_id"].to_pylist()], points, rows[WEIGHT].to_numpy()


def test_the_reference_is_the_mean_and_the_mean_squared_distance_from_it() -> None:
    assert reference_of_sample(np.array([[0.0, 0.0], [2.0, 4.0]])) == Reference((1.0, 2.0), 5.0)
    assert reference_of_sample(np.array([[3.0], [3.0]])) == Reference((3.0,), 1.0)


def test_spread_counts_customers_and_sums_whole_thousandths(
    base: DataFrame, matrix: Matrix, preparation: Preparation
) -> None:
    prepared = prepare(matrix, preparation)
    reference = reference_of_sample(prepared[:500])
    distances = ((prepared - reference.point) ** 2).sum(axis=1) / reference.unit
    found = spread_of(base, preparation, reference)
    assert found.customers == ROWS
    assert found.total == np.floor(distances * 1000).sum()


def test_each_is_kept_by_the_chance_of_the_paper_and_weighs_its_inverse(
    base: DataFrame, matrix: Matrix, preparation: Preparation
) -> None:
    prepared = prepare(matrix, preparation)
    reference = reference_of_sample(prepared)
    spread = spread_of(base, preparation, reference)
    squares = ((prepared - prepared.mean(axis=0)) ** 2).sum(axis=1)
    chance = np.minimum(1, 400 * (0.5 / ROWS + squares / squares.sum() / 2))
    assert (chance == 1).sum() > 10, "the far ones are kept for certain"
    numbers, points, weights = kept_of(draw(base, preparation, spread, 400, "a"))
    assert (points == prepared[numbers]).all()
    assert weights == pytest.approx(1 / chance[numbers], rel=1e-3)
    assert abs(len(numbers) - chance.sum()) < 5 * np.sqrt((chance * (1 - chance)).sum())


def test_sums_over_many_coresets_are_sums_over_all(
    base: DataFrame, matrix: Matrix, preparation: Preparation
) -> None:  # fmt: skip
    prepared = prepare(matrix, preparation)
    spread = spread_of(base, preparation, Reference((7.0, -3.0), 2.5))  # whatever the reference is
    centres = np.array([[0.0, 0.0], [30.0, 4.0]])
    whole = inertia(Points(prepared, np.ones(ROWS)), centres)
    customers, sums = [], []
    for salt in range(12):
        _, points, weights = kept_of(draw(base, preparation, spread, 400, f"salt {salt}"))
        customers.append(weights.sum())
        sums.append(inertia(Points(points, weights), centres))
    assert np.mean(customers) == pytest.approx(ROWS, rel=0.05)
    assert np.mean(sums) == pytest.approx(whole, rel=0.05)
    assert len(set(sums)) == 12, "another salt, another coreset"


@pytest.mark.parametrize("partitions", [1, 7])
def test_the_same_are_kept_whatever_the_layout(
    base: DataFrame, preparation: Preparation, partitions: int
) -> None:  # fmt: skip
    laid_out = base.orderBy("y").repartition(partitions)
    reference = Reference((0.0, 1.0), 3.0)
    spread = spread_of(base, preparation, reference)
    assert spread == spread_of(laid_out, preparation, reference)
    for one, other in zip(*(kept_of(draw(f, preparation, spread, 300, "a")) for f in (base, laid_out)), strict=True):
        assert np.array_equal(one, other)


def test_everybody_is_kept_where_there_are_fewer_than_wanted(base: DataFrame, preparation: Preparation) -> None:
    spread = spread_of(base, preparation, Reference((0.0, 1.0), 3.0))
    numbers, _, weights = kept_of(draw(base, preparation, spread, 2 * ROWS, "a"))
    assert numbers == list(range(ROWS))
    assert (weights == 1).all()


def test_customers_without_measure_neither_overflow_a_sum_nor_are_lost(spark: SparkSession) -> None:
    features = [ClusterFeature("x", "none", HERE)]
    base = snapshot(spark, {"x": [*np.linspace(0, 1, 99), 1e90]})
    preparation = fit_preparation(np.linspace(0, 1, 99)[:, None], features)
    spread = spread_of(base, preparation, Reference((0.0,), 0.25))
    assert FARTHEST * 1000 < spread.total < FARTHEST * 1001
    numbers, _, weights = kept_of(draw(base, preparation, spread, 10, "a"))
    assert numbers[-1] == 99
    assert weights[-1] == 1.0


def test_where_nobody_differs_all_have_the_same_chance(spark: SparkSession) -> None:
    base = snapshot(spark, {"x": [4.0] * 300})
    preparation = fit_preparation(np.array([[3.0], [4.0], [5.0]]), [ClusterFeature("x", "none", HERE)])
    spread = spread_of(base, preparation, reference_of_sample(prepare(np.full((9, 1), 4.0), preparation)))
    assert spread.total == 0
    numbers, _, weights = kept_of(draw(base, preparation, spread, 100, "a"))
    assert set(weights) == {6.0}
    assert 20 < len(numbers) < 90
    assert customer(numbers[0]) in {row.customer_id for row in base.collect()}


def test_two_passes_are_two_scans_and_one_shuffle_of_a_row_per_partition(
    spark: SparkSession, base: DataFrame, preparation: Preparation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    place = str(tmp_path / "base.parquet")
    base.repartition(3).write.parquet(place)
    stored = spark.read.parquet(place)
    reference = Reference((0.0, 1.0), 3.0)
    measure_spread(stored, preparation, reference).explain()
    first = capsys.readouterr().out
    draw(stored, preparation, Spread(reference, ROWS, 9), 300, "a").explain()
    second = capsys.readouterr().out
    assert (first.count("FileScan"), second.count("FileScan")) == (1, 1)
    assert (first.count("Exchange"), second.count("Exchange")) == (1, 0)
    with counted_jobs(spark) as jobs:
        draw(stored, preparation, Spread(reference, ROWS, 9), 300, "a").toArrow()
    assert jobs == [1]
