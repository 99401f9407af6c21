"""A fit on a coreset of 20,000 against MLlib's and scikit-learn's on all customers, on three data sets.

On 2026-11-29: baskets 1.0013 times the inertia of MLlib's one start and 1.0014 times the best of ten of scikit-learn's,
heaps 0.9464 and 1.0005, far ones 1.0002 and 1.0002.
"""

from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np
import pytest
from pyspark.sql import SparkSession
from sklearn.cluster import KMeans
from tests.segments.definitions import clustering, snapshot
from tests.segments.shoppers import DATA

from strata.segments.fit import CORESET, fit_clusters, fit_mllib
from strata.segments.kmeans import Points, inertia
from strata.segments.preparation import Matrix, prepare

pytestmark = [pytest.mark.long, pytest.mark.soak]

ROWS = 150_000
BASKETS = f"""
    select sum(sales_value)::double, count(*)::double, sum(retail_disc) / nullif(sum(sales_value + retail_disc), 0),
        count(distinct product_id) / count(*)
    from '{DATA}/transactions.parquet' group by basket_id order by basket_id limit {ROWS}
"""


def baskets() -> Matrix:
    """Real and with long tails: 150,000 baskets of the Complete Journey by spend, lines, discount, variety."""
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = connection.execute(BASKETS).fetchnumpy()
    return np.column_stack([np.ma.filled(values.astype(float), np.nan) for values in rows.values()])


def heaps() -> Matrix:
    """Ten heaps of unequal size that touch, in eight dimensions."""
    random = np.random.default_rng(3)
    middles, shares = random.normal(size=(10, 8)) * 2, random.dirichlet(np.ones(10))
    return middles[random.choice(10, ROWS, p=shares)] + random.normal(size=(ROWS, 8))


def far_away() -> Matrix:
    """Four heaps, and one customer in 2,000 far away from all of them."""
    random = np.random.default_rng(4)
    rows = random.normal(size=(ROWS, 4)) + 5 * np.eye(4)[random.integers(4, size=ROWS)]
    rows[: ROWS // 2_000] += 60
    return rows


@pytest.mark.parametrize(
    ("made", "transform", "clusters"), [(baskets, "log1p", 6), (heaps, "none", 10), (far_away, "none", 5)]
)
def test_inertia_on_all_customers_is_within_two_in_a_hundred_of_a_fit_on_all(
    spark: SparkSession, made: Callable[[], Matrix], transform: str, clusters: int
) -> None:
    rows = made()
    names = [f"f{place}" for place in range(rows.shape[1])]
    frame = snapshot(spark, dict(zip(names, rows.T, strict=True)))
    found = fit_clusters(frame, replace(clustering(dict.fromkeys(names, transform), clusters), smallest=10))
    assert found.customers == ROWS
    assert found.fitted_rows < 1.1 * CORESET
    points = prepare(rows, found.preparation)
    everybody = Points(points, np.ones(ROWS))
    of_mllib = inertia(everybody, fit_mllib(spark, everybody, clusters, seed=17))
    of_scikit_learn = KMeans(clusters, n_init=10, random_state=0).fit(points).inertia_
    ours = inertia(everybody, np.array(found.centres))
    assert ours <= 1.02 * of_mllib
    assert ours <= 1.02 * of_scikit_learn
    if made is far_away:
        sizes = np.bincount(((points[:, None] - np.array(found.centres)[None]) ** 2).sum(axis=2).argmin(axis=1))
        assert sizes.min() == ROWS // 2_000, "the far ones are a cluster of their own"
