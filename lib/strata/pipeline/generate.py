"""Writes an invented world where the sources of a project read, and the truth about it beside.

    <landing>/<source>/delivered_on=YYYY-MM-DD/part-*    one file a day and source; with dirt, late rows lie among them
    <landing>-truth/                                     customers, trips, campaigns, attainable, guesses, dirt, world

Days that are there stay as they are: a world that is generated again with more days gets the files of these days.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Any

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.contract.spark import rows_of
from strata.errors import Problem, ProjectError
from strata.generate import catalogue, truth
from strata.generate.attainable import best_kappas, judge
from strata.generate.campaigns import LIFT_DAYS, planned
from strata.generate.days import active_days, date_of
from strata.generate.dirt import COPY, KIND, planted
from strata.generate.evidence import acts_of, looks
from strata.generate.people import make_customers
from strata.generate.streams import STREAMS, Stream, delivered
from strata.generate.traits import TRAITS
from strata.generate.travel import departed, truth_of_trips
from strata.generate.world import World
from strata.ingest.files import is_remote, local_path
from strata.pipeline.context import Run
from strata.project.models import Project
from strata.project.sources import Source

DELIVERED_ON = "delivered_on"
JUDGED = 2_000
"""Customers on whose acts the best attainable kappa is computed."""
_SIDE_BY_SIDE = 2


_RULES = "org.apache.spark.sql.catalyst.optimizer"
SETTINGS = {
    # Spark 4 writes seven encodings unless it is told to ask Java, and windows-1251 is none of them.
    "spark.sql.legacy.javaCharsets": "true",
    # A filter that is pushed below its draws repeats their whole arithmetic, again at every step: plans of megabytes.
    "spark.sql.optimizer.excludedRules": f"{_RULES}.PushDownPredicates,{_RULES}.InferFiltersFromGenerate",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where files go: the folder of every source, and that of the truth."""

    folders: Mapping[str, str]
    truth: str


def generate(run: Run, world: World) -> None:
    """Write the days of a world that are not there yet, and the truth about all of it.

    Args:
        run: project and session; no table is touched.
        world: what to generate.

    Raises:
        ProjectError: the project lacks a source of this world or declares other columns, or another world is there.
    """
    sources = _sources(run.project)
    places = _places(run.project, sources)
    spark = run.lakehouse.spark
    there = _days_there(spark, places, world)
    days = range(there, world.days)
    if not days:
        run.progress.note(f"{there} days are there already, nothing to do")
        return
    with generating(spark):
        # Says whose days lie there, even if this run should be cut short.
        _write_rows(spark, f"{places.truth}/world", [asdict(replace(world, days=there))])
        with run.stage("generate", f"{len(days)} days of {world.customers} customers") as outcome:
            events = _write_streams(spark, world, sources, places, days)
            _write_lists(spark, world, sources, places, days)
            outcome.rows_out = events
            outcome.text = f"{events:,} events on {len(days)} days, {_common(places.folders.values())}"
        with run.stage("truth", "what was planted, and how much can be found at best") as outcome:
            _write_truth(spark, world, places, days)
            outcome.text = places.truth


@contextmanager
def generating(spark: SparkSession) -> Iterator[None]:
    """A session with `SETTINGS`; what they were before is set again at the end."""
    before = {key: spark.conf.get(key, None) for key in SETTINGS}
    for key, value in SETTINGS.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.unset(key) if old is None else spark.conf.set(key, old)


def _sources(project: Project) -> dict[str, Source]:
    """The project's sources that this world fills, by name."""
    known = {source.name: source for source in project.sources}
    needed = [*(stream.source for stream in STREAMS), *_LISTS]
    missing = [name for name in needed if name not in known]
    if missing:
        what = f"{project.name} has no source {', '.join(missing)}: strata generate makes the files of conf/telco"
        raise ProjectError(what)
    problems = [p for name in needed for p in _unwritable(known[name])]
    if problems:
        raise ProjectError(problems)
    return {name: known[name] for name in needed}


def _unwritable(source: Source) -> Iterable[Problem]:
    if source.read.format not in ("csv", "parquet"):
        what = f"{source.name} is read as {source.read.format}, generated are csv and parquet"
        yield Problem(source.read.where, what, "write format: parquet")
    elif "*" in str(source.read.path):
        yield Problem(
            source.read.where, f"{source.name}: expected a folder as path, found a pattern", "write the folder"
        )


def _places(project: Project, sources: Mapping[str, Source]) -> Places:
    folders = {
        name: str(s.read.path) if is_remote(s) else os.path.normpath(local_path(s, project.folder))
        for name, s in sources.items()
    }
    return Places(folders, f"{_common(folders.values())}-truth")


def _common(folders: Iterable[str]) -> str:
    parts = zip(*(folder.split("/") for folder in folders), strict=False)
    return "/".join(names[0] for names in takewhile(lambda names: len({*names}) == 1, parts))


def _days_there(spark: SparkSession, places: Places, world: World) -> int:
    """How many days are there; 0 without any.

    Raises:
        ProjectError: what is there is of another world.
    """
    try:
        before = rows_of(spark.read.parquet(f"{places.truth}/world"))[0]
    except AnalysisException:
        return 0
    now = asdict(replace(world, days=int(before["days"])))
    other = [f"{name} {before[name]} (asked for: {now[name]})" for name in now if before[name] != now[name]]
    if other:
        where = _common(places.folders.values())
        hint = f"remove it and {places.truth}, or write elsewhere: --set variables.landing=DIR"
        raise ProjectError([Problem(None, f"{where} holds another world: {', '.join(other)}", hint)])
    return int(before["days"])


def _write_streams(
    spark: SparkSession, world: World, sources: Mapping[str, Source], places: Places, days: range
) -> int:
    """Write every stream; returns how many events that was."""

    def write(stream: Stream) -> int:
        rows = delivered(spark, world, stream, days)
        written = _write_source(rows.drop(KIND, COPY), sources[stream.source], places, world, days)
        if KIND in rows.columns:
            dirt = planted(rows).withColumn("source", F.lit(stream.source))
            _write_days(_dated(dirt, world), "parquet", {}, f"{places.truth}/dirt/source={stream.source}")
        return written if stream.is_event else 0

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return sum(pool.map(write, STREAMS))


def _write_lists(spark: SparkSession, world: World, sources: Mapping[str, Source], places: Places, days: range) -> None:
    """Products and places with the first day; campaigns on the day they start."""
    for name, listed in _LISTS.items():
        kinds = [("day", pa.int32()), *((c, _ARROW[kind]) for c, kind in sources[name].schema.items())]
        rows = pa.Table.from_pylist([row for row in listed(world) if row["day"] in days], pa.schema(kinds))
        if rows.num_rows or days.start == 0:
            _write_source(spark.createDataFrame(rows).coalesce(1), sources[name], places, world, days)


def _campaigns(world: World) -> list[dict[str, Any]]:
    return [
        {
            "day": campaign.starts,
            "campaign_id": campaign.campaign_id,
            "name": campaign.name,
            "kind": campaign.kind,
            "starts_on": world.date_of(campaign.starts),
            "ends_on": world.date_of(campaign.starts + LIFT_DAYS - 1),
        }
        for campaign in planned(world)
    ]


_LISTS: Mapping[str, Callable[[World], list[dict[str, Any]]]] = {
    "products": lambda _: [{"day": 0, **row} for row in catalogue.products()],
    "places": lambda _: [{"day": 0, **row} for row in catalogue.places()],
    "campaigns": _campaigns,
}
_ARROW = {Type.STRING: pa.string(), Type.DOUBLE: pa.float64(), Type.DATE: pa.date32()}


def _write_source(rows: DataFrame, source: Source, places: Places, world: World, days: range) -> int:
    """Write `day` and the columns of a source as the source says it reads them; returns the number of rows.

    The first day has a file even where nothing happened, as real systems deliver: a source without files is an error.
    """
    made = [c for c in rows.columns if c != "day"]
    if made != list(source.schema):
        what = f"{source.name}: generated are {', '.join(made)}, the schema declares {', '.join(source.schema)}"
        raise ProjectError([Problem(source.where, what)])
    known = ("delimiter", "sep", "encoding", "quote")
    options = {name: value for name, value in source.read.options.items() if name in known}
    options |= {"header": "true"} if source.read.format == "csv" else {}
    seen, folder = Observation(), places.folders[source.name]
    counts = (F.count(F.lit(1)).alias("rows"), F.count_if(F.col("day") == 0).alias("first"))
    _write_days(_dated(rows.observe(seen, *counts), world), source.read.format, options, folder)
    if days.start == 0 and not seen.get["first"]:
        empty = rows.drop("day").limit(0).write.mode("overwrite").format(source.read.format).options(**options)
        empty.save(f"{folder}/{DELIVERED_ON}={world.starts_on}")
    return int(seen.get["rows"])


def _dated(rows: DataFrame, world: World) -> DataFrame:
    return rows.withColumn(DELIVERED_ON, date_of(world)).drop("day")


def _write_days(rows: DataFrame, kind: str, options: Mapping[str, str], folder: str) -> None:
    """Replace the days that `rows` have; the others stay."""
    writer = rows.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy(DELIVERED_ON)
    writer.format(kind).options(**options).save(folder)


def _write_truth(spark: SparkSession, world: World, places: Places, days: range) -> None:
    truth.customers(spark, world).write.mode("overwrite").parquet(f"{places.truth}/customers")
    trips = truth_of_trips(departed(active_days(spark, world, days), world), world)
    _write_days(_dated(trips, world), "parquet", {}, f"{places.truth}/trips")
    _write_rows(spark, f"{places.truth}/campaigns", truth.planted_campaigns(world))
    attainable, guesses = _judged(spark, world)
    _write_rows(spark, f"{places.truth}/attainable", attainable)
    _write_rows(spark, f"{places.truth}/guesses", guesses)
    _write_rows(spark, f"{places.truth}/world", [asdict(world)])


def _write_rows(spark: SparkSession, folder: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        frame = spark.createDataFrame(pa.Table.from_pylist([dict(row) for row in rows]))
        frame.coalesce(1).write.mode("overwrite").parquet(folder)


def _judged(spark: SparkSession, world: World) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The best kappa per trait; and per customer and trait what the judge guesses, in words."""
    judged = replace(world, customers=min(world.customers, JUDGED))
    passes = looks(judged)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        acts = pool.map(lambda look: rows_of(acts_of(spark, judged, look)), passes)
    counts: dict[tuple[str, str], dict[int, float]] = {}
    for row in (row for rows in acts for row in rows):
        of_act = counts.setdefault((row["table"], row["act"]), {})
        of_act[row["customer"]] = of_act.get(row["customer"], 0.0) + row["number"]
    people = make_customers(spark, judged).select("customer", *(t.name for t in TRAITS))
    in_order = sorted(rows_of(people), key=lambda row: int(row["customer"]))
    values = {t.name: [int(row[t.name]) for row in in_order] for t in TRAITS}
    found = judge(passes, counts, judged.customers)
    guesses = [
        {"customer": n + 1, **{j.trait.name: j.trait.values[j.guess[n]] for j in found}} for n in range(len(in_order))
    ]
    return best_kappas(found, values), guesses
