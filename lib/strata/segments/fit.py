"""Fits a clustering: reads the base once, or three times where a coreset stands for it, then searches on the driver.

The only module of segments that runs Spark jobs. MLlib's result depends on how rows lie in partitions, so its points
go into one partition in a fixed order. MLlib also returns fewer clusters than asked for, silently, where points
coincide; here that is an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.ml.clustering import KMeans
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DoubleType, LongType, StructField, StructType

from strata.project.models import Segmentation
from strata.segments.coreset import CUSTOMERS, SPREAD, WEIGHT, Spread, draw, measure_spread, reference_of
from strata.segments.evidence import Evidence
from strata.segments.kmeans import Points, inertia, settle
from strata.segments.preparation import Matrix, Preparation, prepare
from strata.segments.preparing import count_not_finite, fit_preparation
from strata.segments.sampling import SAMPLE_CUSTOMERS, sample_of
from strata.segments.search import refused, search

SALT, CORESET_SALT = "clusters", "coreset"
"""Keep these samples independent of each other, and of others by hash of the same ids."""
CORESET = 20_000
"""Customers that stand for all where there are more."""
# MLlib takes an array as a point only where the schema promises that it holds no NULL
POINTS = StructType(
    [
        StructField("row", LongType(), False),
        StructField("features", ArrayType(DoubleType(), False), False),
        StructField(WEIGHT, DoubleType(), False),
    ]
)
FoundBy = Literal["scikit-learn", "MLlib", "both"]


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Customers of the base drawn alike, by hash of their ids and in that order.

    Attributes:
        ids: their customer_id.
        matrix: their features as they are, a row each, a column per feature in declared order; NaN: unknown.
        not_finite: feature -> how many of them hold NaN or infinity, which count as unknown.
    """

    ids: tuple[str, ...]
    matrix: Matrix
    not_finite: Mapping[str, int]


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """What a fit finds.

    Attributes:
        preparation: of the features.
        centres: in prepared units, largest cluster first, then by coordinates; rounded to 9 decimals.
        inertia: sum over all customers of the squared distance to the nearest centre; estimated by a coreset.
        customers: of the base.
        fitted_rows: customers that were fitted on; fewer than `customers`: weighted, for all.
        found_by: whose centres they are.
        selection: the evidence of every number of clusters that was looked at, ascending.
        reason: why this number was taken, in words.
        jaccards: how well each cluster comes back in bootstrap draws, in the order of `centres`.
        sample: customers of the base, at most `sampling.SAMPLE_CUSTOMERS`.
    """

    preparation: Preparation
    centres: tuple[tuple[float, ...], ...]
    inertia: float
    customers: int
    fitted_rows: int
    found_by: FoundBy
    selection: tuple[Evidence, ...]
    reason: str
    jaccards: tuple[float, ...]
    sample: Sample

    @property
    def notes(self) -> list[str]:
        """What somebody should know about the features, in words."""
        dropped = [f"{name} tells nobody apart and is left out" for name in self.preparation.dropped]
        return dropped + [
            f"{name}: {count:,} of {len(self.sample.ids):,} sampled customers have NaN or infinity, taken as unknown"
            for name, count in self.sample.not_finite.items()
        ]


def fit_clusters(base: DataFrame, segmentation: Segmentation) -> Fit:
    """Fit a clustering by k-means: the declared number of clusters, or the one that `choice` takes.

    Args:
        base: the customers to fit on, of one as-of date, a row each: customer_id and the features. Read once up to
            `CORESET` customers, else three times.
        segmentation: of kind clusters; its seed starts all searches.

    Raises:
        InputError: no customers, none who differ, fewer of them or fewer distinct ones than the clusters need, or no
            number of clusters whose smallest has enough customers.
    """
    first = read_sample(base, segmentation, CORESET)
    if not first.ids:
        raise refused(segmentation, "has no customers to fit on", "widen its base, or load the data it is about")
    preparation = fit_preparation(first.matrix, segmentation.features)
    if preparation.is_empty:
        names, hint = ", ".join(preparation.features), "declare features that tell customers apart"
        raise refused(segmentation, f"has features in which all customers are alike: {names}", hint)
    prepared = prepare(first.matrix, preparation)
    if len(first.ids) < CORESET:
        by_id = np.argsort(first.ids)
        points, customers = Points(prepared[by_id], np.ones(len(by_id))), len(by_id)
    else:
        points, customers = _coreset(base, preparation, prepared, segmentation.seed)
    looked = search(points, prepared, customers, segmentation)
    other = settle(points, fit_mllib(base.sparkSession, points, len(looked.centres), segmentation.seed))
    found_by = _better(points, looked.centres, other)
    if found_by == "MLlib":
        looked = looked.replaced(other)
    return Fit(
        preparation=preparation,
        centres=tuple(tuple(map(float, centre)) for centre in looked.centres),
        inertia=looked.taken.inertia,
        customers=customers,
        fitted_rows=len(points.at),
        found_by=found_by,
        selection=looked.evidence,
        reason=looked.reason,
        jaccards=looked.taken.jaccards,
        sample=replace(first, ids=first.ids[:SAMPLE_CUSTOMERS], matrix=first.matrix[:SAMPLE_CUSTOMERS]),
    )


def fit_mllib(spark: SparkSession, points: Points, clusters: int, seed: int) -> Matrix:
    """Centres from one start of MLlib's k-means."""
    columns = [pa.array(range(len(points.at))), pa.array(list(points.at)), pa.array(points.weights)]
    frame = spark.createDataFrame(pa.table(columns, names=POINTS.names), POINTS)
    mllib = KMeans(k=clusters, seed=seed, solver="row", weightCol=WEIGHT)
    return np.array(mllib.fit(frame.repartition(1).sortWithinPartitions("row")).clusterCenters())


def read_sample(base: DataFrame, segmentation: Segmentation, limit: int = SAMPLE_CUSTOMERS) -> Sample:
    """At most `limit` customers of the base, the same ones whatever the layout; one Spark job."""
    table = sample_of(base, [f.feature for f in segmentation.features], SALT, limit).toArrow()
    names = [f.feature for f in segmentation.features]
    matrix = np.column_stack([_numbers_of(table[name]) for name in names])
    return Sample(tuple(table["customer_id"].to_pylist()), matrix, count_not_finite(table, names))


def _numbers_of(column: pa.ChunkedArray) -> Matrix:
    unknown_as_nan = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(unknown_as_nan, dtype=np.float64)


def _coreset(base: DataFrame, preparation: Preparation, sample: Matrix, seed: int) -> tuple[Points, int]:
    """The points that stand for all customers, in order of customer_id, and how many customers there are."""
    reference = reference_of(sample)
    [total] = measure_spread(base, preparation, reference).collect()
    spread = Spread(reference, total[CUSTOMERS], total[SPREAD])
    kept = draw(base, preparation, spread, CORESET, f"{CORESET_SALT} {seed}").toArrow()
    rows = kept.take(pc.sort_indices(kept, sort_keys=[("customer_id", "ascending")]))
    points = np.column_stack([rows[name].to_numpy() for name in rows.column_names[1:]])
    return Points(points[:, :-1].copy(), points[:, -1].copy()), spread.customers


def _better(points: Points, ours: Matrix, theirs: Matrix) -> FoundBy:
    if len(theirs) < len(ours):
        return "scikit-learn"
    gap = inertia(points, ours) - inertia(points, theirs)
    return "both" if gap == 0 else "scikit-learn" if gap < 0 else "MLlib"
