"""A small telco, watched for defects: twenty clean days, judged by the gate's own functions, then one defect a time.

A clean day costs no run: features of all dates are built at once, and what is published of customers is computed from
them as the stages do. The catalogue, in which nothing depends on the day, is measured once.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.generate.kit import Telco
from tests.quality.seeding import spoil_file, spoil_table

from strata.contract.columns import Table, extend
from strata.contract.feature_tables import snapshot
from strata.contract.published import (
    customer_features,
    customer_segments,
    segment_catalog,
    segment_membership,
    segment_overview,
)
from strata.contract.spark import as_table, frame_of
from strata.errors import InputError, StrataError
from strata.generate.streams import STREAMS
from strata.pipeline import generate
from strata.pipeline.context import Run, aim
from strata.pipeline.features import build_features
from strata.pipeline.gate import Segments, examine, segments_of
from strata.pipeline.ingest import ingest, require_complete
from strata.pipeline.past import Row, measure_input
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.project.names import names_of_features
from strata.publish.catalog import catalog_rows, segment_columns
from strata.publish.contracts import published_columns
from strata.publish.kpis import build_kpis, usual_kpis
from strata.publish.overview import build_overview
from strata.quality.against import Key, judge_history
from strata.quality.gate import Gate
from strata.quality.suites import Subject
from strata.quality.verdicts import Verdict, failed
from strata.segments.assign import to_columns, to_rows, with_segments
from strata.storage.tables import Lakehouse

HERE = Path(__file__).parent
SOURCES = ("subscribers", "usage", "recharges", "purchases", "products", "places")
FIRST, CLEAN_FROM, CLEAN_DAYS = date(2024, 10, 1), 8, 20
LAST = CLEAN_FROM + CLEAN_DAYS - 1
NEXT = LAST + 1
KEY = bytes(range(32))
RELEASE = "ab" * 16
DAILY = (
    "members.customer_features",
    "members.customer_segments",
    "members.segment_membership",
    "publish.segment_overview",
)
DEFECTS = {
    kind: tuple(yaml.safe_load((HERE / "defects" / f"{kind}.yml").read_text("utf-8")))
    for kind in ("published", "delivered")
}


def now() -> datetime:
    """The moment at which a batch ends."""
    return datetime.fromtimestamp(time.time(), UTC)


class Silent:
    """Progress that nobody watches."""

    def begin(self, stage: str, what: str) -> None: ...

    def end(self, stage: str, found: str, seconds: float) -> None: ...

    def note(self, text: str) -> None: ...


def day(number: int) -> date:
    """The days of the world, from 1."""
    return FIRST + timedelta(days=number - 1)


@dataclass(frozen=True)
class Answer:
    """What became of a defect: refused, quarantined, closed, warned, or nothing; and every check that said so."""

    kind: str
    said: tuple[str, ...] = ()

    def is_as(self, defect: dict[str, Any]) -> bool:
        """Whether that was expected of it, by what was expected to say it."""
        return self.kind == defect["answer"] and any(defect["by"] in said for said in self.said)


@dataclass(frozen=True)
class World:
    """`stock`: all files there will be; `place`: the project, what has been delivered, its tables."""

    spark: SparkSession
    place: Path
    stock: Path

    @classmethod
    def made(cls, spark: SparkSession, place: Path, customers: int, seed: int) -> "World":
        """Generate all days of the sources that are read, and deliver and take the clean ones."""
        telco, days = Telco.copied(place / "generated"), CLEAN_FROM + CLEAN_DAYS
        streams = tuple(stream for stream in STREAMS if stream.source in SOURCES)
        with mock.patch.multiple(generate, STREAMS=streams, _write_truth=lambda *_: None):
            code, said = telco.strata(
                "generate", "--customers", str(customers), "--days", str(days), "--seed", str(seed)
            )
        assert code == 0, said
        world = cls(spark, place / "watched", place / "generated" / "landing")
        shutil.copytree(HERE / "telco", world.place / "telco")
        (world.place / "telco" / "sources").mkdir()
        for source in SOURCES:
            shutil.copy(Path("conf/telco/sources", f"{source}.yml"), world.place / "telco" / "sources")
        for number in range(1, days):
            world.deliver(number, SOURCES)
        ingest(world.run(), KEY, now())
        return world

    @cached_property
    def project(self) -> Project:
        """The project as it is loaded."""
        settings = {"storage.root": str(self.place / "warehouse"), "variables.landing": str(self.place / "landing")}
        return load_project(self.place / "telco", settings)

    def run(self) -> Run:
        """A run on its tables."""
        storage = Storage(root=str(self.place / "warehouse"))
        return Run(self.project, Lakehouse(self.spark, storage, "watching"), now, Silent())

    def deliver(self, number: int, sources: Sequence[str]) -> None:
        """Put the files of a day where the project reads; of a source without rows that day there is none."""
        for source in sources:
            there = self.stock / source / f"delivered_on={day(number)}"
            if there.exists():
                # Without Hadoop's checksums: what is spoilt is to be read, not refused by what lies beside it.
                without = shutil.ignore_patterns(".*.crc")
                shutil.copytree(there, self.file_of(source, number).parent, ignore=without, dirs_exist_ok=True)

    def file_of(self, source: str, number: int) -> Path:
        """The one file of a source and day, or where it would lie."""
        folder = self.place / "landing" / source / f"delivered_on={day(number)}"
        return (
            next((f for f in sorted(folder.glob("part-*"))), folder / "part-0")
            if folder.exists()
            else folder / "part-0"
        )

    def copied(self, to: Path) -> "World":
        """The same once more; tables by links, for files of a Delta table are never written twice."""
        shutil.copytree(self.place / "telco", to / "telco")
        shutil.copytree(self.place / "landing", to / "landing")
        shutil.copytree(self.place / "warehouse", to / "warehouse", copy_function=os.link)
        return World(self.spark, to, self.stock)


@dataclass
class Watched:
    """Twenty clean days as the gate sees them.

    Attributes:
        frames: table -> its rows of all dates.
        past: what was measured, by date.
        alarms: what the gate said of clean days.
        constant: table -> what is measured of it on every day.
    """

    run: Run
    gate: Gate
    tables: dict[str, type[Table]]
    frames: dict[str, DataFrame]
    segments: Segments
    known_at: datetime
    past: dict[Key, list[tuple[date, float]]] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    constant: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, days: Sequence[int] = range(CLEAN_FROM, NEXT)) -> "Watched":
        """Judge the clean days in their order."""
        run, known_at = world.run(), now()
        dates = [day(n) for n in days]
        if not run.lakehouse.exists(snapshot):
            build_features(run, [aim(run, date_, known_at) for date_ in dates])
        tables, frames, catalog = _published(run, dates[-1])
        watched = cls(run, Gate(), tables, frames, segments_of(catalog), known_at)
        for date_ in dates:
            watched.watch(date_)
        return watched

    def watch(self, date_: date) -> None:
        """Judge a clean day, note alarms, and keep what was measured."""
        verdicts, measured = [], self.measure_input(date_)
        for name in DAILY:
            examined = examine(self.gate, self.subject(date_), self.tables[name], self.frame(name, date_), ())
            verdicts += examined.verdicts
            measured += examined.metrics
        verdicts += self._against_past(measured, date_)
        self.alarms += [f"{date_}: {v}" for v in verdicts if not v.success]
        for name in self.tables.keys() - set(DAILY):
            measured += self._constant(name)
        for m in measured:
            if m["value"] is not None:
                self.past.setdefault((m["table_name"], m["metric"], m["dimension"]), []).append((date_, m["value"]))

    def _constant(self, name: str) -> list[Row]:
        if name not in self.constant:
            frame, subject = self.frame(name, day(LAST)), self.subject(day(LAST))
            self.constant[name] = examine(self.gate, subject, self.tables[name], frame, ()).metrics
        return self.constant[name]

    def _against_past(self, measured: list[Row], date_: date) -> list[Verdict]:
        return judge_history(measured, self.past, date_, self.tables.values(), self.run.project.history)

    def measure_input(self, date_: date, run: Run | None = None, known_at: datetime | None = None) -> list[Row]:
        """What the gate measures of the input of a day, when the day before is released.

        The clean days came in one batch, of which each of them is told.
        """
        run, is_clean = run or self.run, known_at is None
        before = {
            "as_of_date": date_ - timedelta(days=1),
            "known_at": datetime.min.replace(tzinfo=UTC) if is_clean else self.known_at,
        }
        return measure_input(run, replace(aim(run, date_, known_at or self.known_at), previous=(before,)))

    def judge_input(self, run: Run, date_: date, known_at: datetime) -> list[Verdict]:
        """The part of the gate that looks at what was delivered."""
        past = {key: values for key, values in self.past.items() if key[0] in ("silver.events", "bronze.files")}
        measured = self.measure_input(date_, run, known_at)
        return judge_history(measured, past, date_, (), run.project.history)

    def frame(self, table: str, date_: date) -> DataFrame:
        """The table as of a day."""
        frame = self.frames[table]
        return frame.where(F.col("as_of_date") == F.lit(date_)) if "as_of_date" in frame.columns else frame

    def subject(self, date_: date) -> Subject:
        """What its rows must be about."""
        return Subject(date_, RELEASE, self.segments)

    def judge(self, table: str, frame: DataFrame) -> list[Verdict]:
        """What the gate says of a table as of the last day."""
        date_ = day(LAST)
        examined = examine(self.gate, self.subject(date_), self.tables[table], frame, self.run.project.checks)
        past = {key: [v for v in values if v[0] < date_] for key, values in self.past.items() if key[0] == table}
        settings = self.run.project.history
        return [*examined.verdicts, *judge_history(examined.metrics, past, date_, [self.tables[table]], settings)]

    def answer(self, defect: dict[str, Any]) -> Answer:
        """Seed a defect of a published table."""
        frame = self.frame(defect["table"], day(LAST))
        return answer_of(self.judge(defect["table"], spoil_table(frame, defect["do"], defect.get("where"))))

    def answer_delivery(self, world: World, defect: dict[str, Any]) -> Answer:
        """Seed a defect into the files of a source for the next day, take them, and ask the gate about the input."""
        source = defect["source"]
        world.deliver(NEXT, [source])
        spoil_file(world.file_of(source, NEXT), defect["do"], defect.get("where"), world.file_of(source, LAST))
        run, moment = world.run(), now()
        try:
            report = ingest(run, KEY, moment)
            require_complete(run.lakehouse, run.project, day(NEXT), moment)
        except InputError as error:
            return Answer("refused", (str(error),))
        found = answer_of(self.judge_input(run, day(NEXT), moment))
        reasons = tuple(reason for s in report.sources if s.source == source for reason in s.reasons)
        if reasons and found.kind == "warned":
            return Answer("quarantined", (*reasons, *found.said))
        return found


def _published(run: Run, last: date) -> tuple[dict[str, type[Table]], dict[str, DataFrame], list[Row]]:
    """Contracts and rows of what is published on all dates, and the catalogue of the last."""
    project, spark = run.project, run.lakehouse.spark
    segmentations, names = project.segmentations, names_of_features(project.features)
    features = run.lakehouse.read(snapshot).persist()
    assigned = with_segments(features, segmentations, names).persist()
    catalog = catalog_rows([*segmentations], project.offers, project.definition_hashes, last, [], {})
    columns = published_columns(project)
    membership = to_rows(assigned, segmentations)
    kpis = build_kpis(membership, features, usual_kpis(names), names, catalog, project.privacy.cell_floor)
    segments = [s.name for s in segmentations]
    made: list[tuple[type[Table], DataFrame]] = [
        (extend(customer_features, columns), features.select("as_of_date", "customer_id", *map(str, columns))),
        (extend(customer_segments, segment_columns(segments)), to_columns(assigned, segments)),
        (segment_membership, membership),
        (segment_overview, build_overview(kpis, catalog)),
        (segment_catalog, frame_of(spark, segment_catalog, [{**row, "release_id": RELEASE} for row in catalog])),
    ]
    tables = {table.full_name(): table for table, _ in made}
    marked = {t.full_name(): as_table(f.withColumn("release_id", F.lit(RELEASE)), t).persist() for t, f in made}
    return tables, marked, catalog


def answer_of(verdicts: Sequence[Verdict]) -> Answer:
    """What the checks that did not hold come to."""
    closing, warning = failed(verdicts, "fail"), failed(verdicts, "warn")
    # By what decided: a defect that closes the gate is not told by the warnings beside.
    return Answer("closed" if closing else "warned" if warning else "nothing", tuple(map(str, closing or warning)))


Judge = Callable[[dict[str, Any]], Answer]


def missed(defects: Sequence[dict[str, Any]], judge: Judge) -> list[str]:
    """The defects that were not answered as expected, each with what was said instead."""
    found = [(defect, _judged(judge, defect)) for defect in defects]
    return [f"{d['defect']}: {a.kind}: {'; '.join(a.said)[:300]}" for d, a in found if not a.is_as(d)]


def _judged(judge: Judge, defect: dict[str, Any]) -> Answer:
    try:
        return judge(defect)
    except StrataError as error:
        return Answer(type(error).__name__, (str(error),))
