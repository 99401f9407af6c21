"""Fits a clustering. The only module of segments that runs Spark jobs: one over the sample, the rest on its points.

MLlib's result depends on how rows lie in partitions, so the points go into one partition in a fixed order. MLlib
also returns fewer clusters than asked for, silently, where points coincide; here that is an error. And one start of
k-means often ends in a poor optimum (60 % of starts on the grocery data of 2017-11-30, up to 5 % worse), so
scikit-learn tries many starts on the same points, where they are cheap; the lower inertia wins.
"""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.ml.clustering import KMeans
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DoubleType, LongType, StructField, StructType
from sklearn.cluster import KMeans as ManyStarts

from strata.errors import InputError, Problem
from strata.project.models import Segmentation
from strata.segments.model import ClusterModel
from strata.segments.preparation import Matrix, fit_preparation, on_grid, prepare

STARTS = 20
"""Of scikit-learn; of MLlib one, as every start is dozens of Spark jobs."""
SETTLING = 100
"""More steps than Lloyd's iteration ever needed from an optimum that another one found."""
# MLlib takes an array as a point only where the schema promises that it holds no NULL
POINTS = StructType(
    [StructField("row", LongType(), False), StructField("features", ArrayType(DoubleType(), False), False)]
)


def fit_clusters(
    sample: DataFrame, segmentation: Segmentation, *, definition_hash: str, as_of_date: date, known_at: datetime
) -> ClusterModel:
    """Fit the declared number of clusters by k-means.

    Args:
        sample: from `clusters.sample_for_fit`; read once.
        segmentation: of kind clusters; its seed starts both searches.
        definition_hash: hash of the definition, kept with the model.
        as_of_date: date of the sample.
        known_at: moment up to which arrived data is in it.

    Returns:
        Centres ordered by the number of sampled customers, largest first, then by coordinates, so that equal
        centres always get equal ids; rounded to 9 decimals.

    Raises:
        InputError: the sample has no customers, or fewer distinct points than clusters are asked for.
    """
    matrix = _matrix(sample, [f.feature for f in segmentation.features])
    preparation = fit_preparation(matrix, segmentation.features)
    points = prepare(matrix, preparation)
    centres = _all_centres(sample.sparkSession, points, segmentation)
    return ClusterModel(
        segmentation=segmentation.name,
        version=segmentation.version,
        definition_hash=definition_hash,
        as_of_date=as_of_date,
        known_at=known_at,
        preparation=preparation,
        centres=tuple(tuple(map(float, centre)) for centre in _in_order(points, centres)),
        inertia=inertia(points, centres),
        fitted_rows=len(points),
    )


def best_centres(spark: SparkSession, points: Matrix, clusters: int, seed: int) -> Matrix:
    """Centres of the better of two searches, MLlib's and scikit-learn's; the same rows give the same centres.

    Args:
        spark: runs MLlib's jobs, over one partition.
        points: a row per customer.
        clusters: how many to look for, at most as many as there are distinct points.
        seed: of both.

    Returns:
        A row per centre, on the grid; fewer than `clusters` only where both searches lost some.
    """
    found = [fit_mllib(spark, points, clusters, seed), _fit_scikit_learn(points, clusters, seed)]
    settled = [np.unique(_settle(points, centres), axis=0) for centres in found]
    return min(settled, key=lambda centres: (-len(centres), inertia(points, centres)))


def fit_mllib(spark: SparkSession, points: Matrix, clusters: int, seed: int) -> Matrix:
    """Centres from one start of MLlib's k-means."""
    table = pa.table({"row": range(len(points)), "features": pa.array(list(points))})
    frame = spark.createDataFrame(table, POINTS).repartition(1).sortWithinPartitions("row")
    return np.array(KMeans(k=clusters, seed=seed, solver="row").fit(frame).clusterCenters())


def squared_distances(points: Matrix, centres: Matrix) -> Matrix:
    """Squared distance of each point (row) to each centre (column), summed feature by feature as Spark does."""
    total = np.zeros((len(points), len(centres)))
    for values, at in zip(points.T, centres.T, strict=True):
        total = total + (values[:, None] - at[None, :]) ** 2
    return on_grid(total)


def inertia(points: Matrix, centres: Matrix) -> float:
    """Sum of squared distances to the nearest centre, to 6 decimals."""
    return round(float(squared_distances(points, centres).min(axis=1).sum()), 6)


def _matrix(sample: DataFrame, features: Sequence[str]) -> Matrix:
    """Values in order of customer_id; unknown: NaN."""
    table = sample.select("customer_id", *features).toArrow()
    rows = table.take(pc.sort_indices(table, sort_keys=[("customer_id", "ascending")]))
    unknown_as_nan = [rows[f].cast(pa.float64()).to_numpy(zero_copy_only=False) for f in features]
    return np.column_stack(unknown_as_nan).astype(np.float64)


def _all_centres(spark: SparkSession, points: Matrix, segmentation: Segmentation) -> Matrix:
    wanted = segmentation.clusters or 0
    distinct = len(np.unique(points, axis=0))
    if distinct < wanted:
        raise _too_few(segmentation, f"the {len(points)} sampled customers lie on {distinct} distinct points")
    centres = best_centres(spark, points, wanted, segmentation.seed)
    if len(centres) < wanted:
        raise _too_few(segmentation, f"k-means tells only {len(centres)} apart")
    return centres


def _too_few(segmentation: Segmentation, found: str) -> InputError:
    what = f"segmentation {segmentation.name} asks for {segmentation.clusters} clusters, but {found}"
    hint = "declare fewer clusters, or features that tell more customers apart"
    return InputError([Problem(segmentation.where, what, hint)])


def _fit_scikit_learn(points: Matrix, clusters: int, seed: int) -> Matrix:
    return np.asarray(ManyStarts(clusters, n_init=STARTS, random_state=seed).fit(points).cluster_centers_)


def _settle(points: Matrix, centres: Matrix) -> Matrix:
    """Lloyd's iteration from centres that are all but final, in sums of fixed order.

    Both libraries stop within a tolerance, and their last bits differ with processor and threads; who belongs to
    which centre does not, and from there on every step here is the same everywhere.
    """
    for _ in range(SETTLING):
        nearest = squared_distances(points, centres).argmin(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        sums = [np.bincount(nearest, weights=values, minlength=len(centres)) for values in points.T]
        means = np.column_stack(sums) / np.maximum(sizes, 1)[:, None]
        moved = on_grid(np.where(sizes[:, None] > 0, means, centres))
        if (moved == centres).all():
            break
        centres = moved
    return centres


def _in_order(points: Matrix, centres: Matrix) -> list[Matrix]:
    nearest = squared_distances(points, centres).argmin(axis=1)
    sizes = np.bincount(nearest, minlength=len(centres))
    order = sorted(range(len(centres)), key=lambda i: (-sizes[i], tuple(centres[i])))
    return [centres[i] for i in order]
