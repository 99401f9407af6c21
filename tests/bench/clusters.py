"""Clusterings of strata beside MLlib on the full data and scikit-learn in memory, on customers with planted clusters.

All of them see the customers as strata prepares them; strata prepares itself, the others find them prepared.
"""

import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tests.segments.definitions import cluster_model

from strata.errors import Location
from strata.project.clusterings import ClusterFeature
from strata.project.models import Segmentation
from strata.segments.preparation import Preparation, prepare

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from strata.segments.fit import Fit

Matrix = NDArray[np.float64]

PLANTED, FIRST, LAST, SEED = 8, 2, 15, 17
LOOKED_AT = 5_000
DRAWS, MORE_DRAWS, BEST = 20, 100, 3
AT_ONCE = 250_000
HERE, DAY = Location("clusters.yml", 1, 1), date(2024, 12, 31)
RAW, PREPARED, MODEL = "customers.parquet", "prepared.parquet", "mllib"


def names(dimensions: int) -> list[str]:
    """Names of the features."""
    return [f"f{n:02}" for n in range(dimensions)]


def definition(dimensions: int, clusters: int | None) -> Segmentation:
    """A clustering of so many features; None: choose from `FIRST` to `LAST` clusters."""
    features = tuple(ClusterFeature(name, "log1p", HERE) for name in names(dimensions))
    search = None if clusters else (FIRST, LAST)
    return Segmentation(
        "style", 1, "bench", "bench", "bench", "clusters", (), "", (), clusters, features, SEED, HERE, search=search
    )


def make_customers(place: Path, customers: int, dimensions: int) -> None:
    """Amounts with long tails: heaps in logarithms, of unequal size, 2 % strewn, as one Parquet file."""
    random = np.random.default_rng(SEED)
    heaps = 4 + random.normal(size=(PLANTED, dimensions)) * 1.5
    shares = random.dirichlet(np.full(PLANTED, 3.0)) * 0.8 + 0.2 / PLANTED
    place.parent.mkdir(parents=True, exist_ok=True)
    columns = ["as_of_date", "customer_id", *names(dimensions)]
    schema = pa.schema([("as_of_date", pa.date32()), ("customer_id", pa.string())] + [
        (name, pa.float64()) for name in names(dimensions)
    ])  # fmt: skip
    with pq.ParquetWriter(place, schema, compression="zstd") as file:
        for begin in range(0, customers, AT_ONCE):
            count = min(AT_ONCE, customers - begin)
            at = heaps[random.choice(PLANTED, count, p=shares)] + random.normal(size=(count, dimensions))
            strewn = random.random(count) < 0.02
            at[strewn] = random.uniform(0, 8, size=(int(strewn.sum()), dimensions))
            ids = pa.array([f"{number:032x}" for number in random.permutation(count) + begin])
            days = pa.array([DAY] * count, pa.date32())
            file.write_table(pa.table([days, ids, *np.expm1(np.maximum(at, 0)).T.copy()], names=columns))


def prepare_customers(source: Path, to: Path, preparation: Preparation) -> None:
    """The same customers as the clustering of that preparation sees them: customer_id and a column per dimension."""
    with pq.ParquetFile(source) as file:
        writer = None
        for rows in file.iter_batches(AT_ONCE):
            at = prepare(np.column_stack([rows[f].to_numpy() for f in preparation.features]), preparation)
            table = pa.table([rows["customer_id"], *at.T.copy()], names=["customer_id", *names(at.shape[1])])
            writer = writer or pq.ParquetWriter(to, table.schema, compression="zstd")
            writer.write_table(table)
        if writer:
            writer.close()


def prepared_matrix(place: Path) -> Matrix:
    """The prepared customers of a file, a row each."""
    table = pq.read_table(place).drop_columns(["customer_id"])
    return np.column_stack([column.to_numpy() for column in table.columns])


def choose(spark: "SparkSession", source: Path) -> "Fit":
    """By strata: sample, coreset, search, evidence, choice, MLlib for the chosen number."""
    from strata.segments.fit import fit_clusters  # noqa: PLC0415

    customers = spark.read.parquet(str(source))
    return fit_clusters(customers, definition(len(customers.columns) - 2, None))


def fit_as_json(fit: "Fit") -> dict[str, Any]:
    """What is compared of a fit of strata."""
    taken = next(e for e in fit.selection if e.clusters == len(fit.centres))
    return {
        "clusters": taken.clusters, "centres": fit.centres, "silhouette": taken.silhouette, "reason": fit.reason,
        "preparation": fit.preparation.to_json(), "rows": fit.fitted_rows, "found_by": fit.found_by,
        "inertia": {e.clusters: e.inertia for e in fit.selection}, "ids": fit.sample.ids[:LOOKED_AT],
    }  # fmt: skip


def choose_by_mllib(spark: "SparkSession", source: Path) -> dict[str, Any]:
    """By MLlib, the usual loop: fit and ClusteringEvaluator for each number on all customers, held in memory."""
    from pyspark.ml.clustering import KMeans  # noqa: PLC0415
    from pyspark.ml.evaluation import ClusteringEvaluator  # noqa: PLC0415

    vectors = _vectors(spark, source).select("features").cache()
    found: dict[str, Any] = {"silhouettes": {}, "centres": {}, "inertia": {}, "steps": []}
    for clusters in range(FIRST, LAST + 1):
        begun = time.perf_counter()
        model = KMeans(k=clusters, seed=SEED).fit(vectors)
        found["silhouettes"][clusters] = ClusteringEvaluator().evaluate(model.transform(vectors))
        found["steps"].append(time.perf_counter() - begun)
        found["inertia"][clusters] = model.summary.trainingCost
        found["centres"][clusters] = [list(map(float, centre)) for centre in model.clusterCenters()]
    vectors.unpersist()
    return found


def choose_by_scikit_learn(source: Path) -> dict[str, Any]:
    """By scikit-learn on all customers in memory, one start for each number, with strata's evidence."""
    from sklearn.cluster import KMeans  # noqa: PLC0415

    from strata.segments.evidence import silhouettes, stability  # noqa: PLC0415

    at = prepared_matrix(source)
    models = {n: KMeans(n, n_init=1, random_state=SEED).fit(at) for n in range(FIRST, LAST + 1)}
    labels = {n: model.labels_[:LOOKED_AT].astype(np.intp) for n, model in models.items()}
    apart, sample = silhouettes(at[:LOOKED_AT], labels), at[:LOOKED_AT]
    stable = stability(sample, labels, DRAWS, SEED)
    best = sorted(models, key=lambda n: (min(stable[n]) >= 0.75, n), reverse=True)[:BEST]
    stable |= stability(sample, {n: labels[n] for n in best}, MORE_DRAWS, SEED)
    inertia = {n: float(model.inertia_) for n, model in models.items()}
    return {"silhouettes": apart, "inertia": inertia, "stability": stable}


def keep_model(spark: "SparkSession", source: Path, prepared: Path, to: Path, clusters: int) -> None:
    """One model for both: preparation and centres from a sample, as JSON for strata and as MLlib keeps it.

    Also writes the prepared customers.
    """
    from pyspark.ml.clustering import KMeans  # noqa: PLC0415

    from strata.segments.preparing import fit_preparation  # noqa: PLC0415

    first = next(pq.ParquetFile(source).iter_batches(20_000))
    dimensions = len(first.column_names) - 2
    segmentation = definition(dimensions, clusters)
    matrix = np.column_stack([first[f].to_numpy() for f in names(dimensions)])
    preparation = fit_preparation(matrix, segmentation.features)
    prepare_customers(source, prepared, preparation)
    model = KMeans(k=clusters, seed=SEED).fit(_vectors(spark, prepared).limit(20_000).repartition(1))
    model.write().overwrite().save(str(to / MODEL))
    centres = [list(map(float, centre)) for centre in model.clusterCenters()]
    (to / "model.json").write_text(json.dumps({"preparation": preparation.to_json(), "centres": centres}))


def assign(spark: "SparkSession", source: Path, model: Path, to: Path) -> None:
    """By strata: segment and how sure, of raw features; as Parquet."""
    from strata.segments.assign import SCORE, SEGMENT, with_segments  # noqa: PLC0415
    from strata.segments.assignment import helper  # noqa: PLC0415

    kept = json.loads((model / "model.json").read_text())
    preparation, centres = Preparation.from_json(kept["preparation"]), tuple(map(tuple, kept["centres"]))
    fitted = cluster_model(preparation, *centres)
    style = definition(len(preparation.features), len(centres))
    assigned = with_segments(spark.read.parquet(str(source)), [style], {}, {"style": fitted})
    segment, score = helper(style, SEGMENT).alias("segment"), helper(style, SCORE).alias("score")
    assigned.select("customer_id", segment, score).write.mode("overwrite").parquet(str(to))


def assign_by_mllib(spark: "SparkSession", prepared: Path, model: Path, to: Path) -> None:
    """By MLlib's transform, of prepared features; as Parquet."""
    from pyspark.ml.clustering import KMeansModel  # noqa: PLC0415

    found = KMeansModel.load(str(model / MODEL)).transform(_vectors(spark, prepared))
    found.select("customer_id", "prediction").write.mode("overwrite").parquet(str(to))


def require_equal(ours: Path, theirs: Path) -> int:
    """Hold both labels of every customer against each other; the number of customers.

    Raises:
        ValueError: they differ.
    """
    joined = f"'{ours}/*.parquet' o full join '{theirs}/*.parquet' t using (customer_id)"
    differs = "o.segment is distinct from 'c' || (t.prediction + 1)"
    [[customers, differ]] = duckdb.sql(f"select count(*), count(*) filter ({differs}) from {joined}").fetchall()
    if differ:
        raise ValueError(f"strata and MLlib differ in {differ:,} of {customers:,} customers")
    return int(customers)


def full_inertia(place: Path, centres: Matrix) -> float:
    """Sum over all prepared customers of the squared distance to the nearest centre."""
    return sum(float(((rows[:, None, :] - centres) ** 2).sum(axis=2).min(axis=1).sum()) for rows in _pieces(place))


def labels_of(place: Path, ids: list[str], centres: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """The prepared customers of these ids, and their nearest centres."""
    found = duckdb.sql(f"select * from '{place}' where customer_id in (select unnest({ids!r})) order by customer_id")
    at = np.column_stack([*found.fetchnumpy().values()][1:]).astype(np.float64)
    return at, ((at[:, None, :] - centres) ** 2).sum(axis=2).argmin(axis=1)


def _pieces(place: Path) -> Iterator[Matrix]:
    with pq.ParquetFile(place) as file:
        for rows in file.iter_batches(AT_ONCE // 5):
            yield np.column_stack([column.to_numpy() for column in rows.columns[1:]])


def _vectors(spark: "SparkSession", source: Path) -> Any:
    from pyspark.ml.feature import VectorAssembler  # noqa: PLC0415

    rows = spark.read.parquet(str(source))
    return VectorAssembler(inputCols=rows.columns[1:], outputCol="features").transform(rows)
