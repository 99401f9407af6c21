"""Clusters from release to release: the model stays while it fits, ids and names stay when it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.features.worlds import project_of
from tests.ingest.kit import Silent
from tests.segments.definitions import customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.contract.clusterings import cluster_lineage, cluster_selection
from strata.contract.columns import extend
from strata.contract.operations import cluster_models
from strata.contract.published import customer_segments, segment_catalog
from strata.contract.spark import frame_of, rows_of
from strata.errors import InputError
from strata.pipeline.clusterings import stage_clusterings
from strata.pipeline.context import Run, Target
from strata.pipeline.models import Assigning, find_models
from strata.project.load import load_project
from strata.publish.catalog import catalog_rows, segment_columns
from strata.publish.release import Release
from strata.segments.assign import to_columns
from strata.storage.held import rows_held
from strata.storage.promotion import staging
from strata.storage.tables import Lakehouse

OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 31)
KNOWN = datetime(2018, 1, 2, tzinfo=UTC)
FEATURES = """
- {name: visits_28d, kind: active_days, days: 28}
- {name: wine_28d, kind: count, where: "product_id = 'wine'", days: 28}
"""
STYLE = """segmentation: style
version: 1
technique: clusters
owner: crm
task: See who there is
kind: clusters
clusters: {clusters}
seed: 17
features:
  - {{feature: visits_28d, high: frequent, low: rare}}
  - {{feature: wine_28d, high: wine lovers, low: without wine}}
refit: {{every_days: 45}}
"""
GROUPS = {"regulars": (125, 40), "drinkers": (70, 128), "strangers": (12, 40)}
SIZES = {"regulars": 300, "drinkers": 200, "strangers": 120}


def people(spark: SparkSession, day: date, **moved: Mapping[tuple[int, int], float]) -> DataFrame:
    """Three groups of people who are always the same; a group in `moved` lies at other places, by shares."""
    dice, rows, first = np.random.default_rng(5), [], 0
    for group, size in SIZES.items():
        places = moved.get(group, {GROUPS[group]: 1.0})
        at = np.repeat([*places], np.round(np.array([*places.values()]) * size).astype(int), axis=0)
        rows += [(day, customer(first + i), *map(int, np.rint(at[i] + dice.normal(0, 6, 2)))) for i in range(size)]
        first += size
    columns = ("as_of_date", "customer_id", "visits_28d", "wine_28d")
    return spark.createDataFrame(pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))))


@dataclass
class Story:
    """Releases of one clustering, one after the other."""

    run: Run
    history: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def target(self, day: date) -> Target:
        last = self.history[-1]["release_id"] if self.history else None
        previous = tuple(r for r in self.history if r["release_id"] == last and r["as_of_date"] < day)
        return Target(Release(f"{len(self.history):032x}", day, KNOWN, "c" * 32, "0", last), (), previous,
                      tuple(self.history))  # fmt: skip

    def find(self, frame: DataFrame, day: date, refits: Sequence[str] = ()) -> Assigning:
        return find_models(replace(self.run, refits=frozenset(refits)), self.target(day), frame)

    def release(self, frame: DataFrame, day: date, refits: Sequence[str] = ()) -> dict[str, str]:
        """Customer -> segment, after writing what the next release looks back at."""
        target, made = self.target(day), self.find(frame, day, refits)
        stage_clusterings(self.run, target, made.clusterings)
        lakehouse, name = self.run.lakehouse, target.release_id
        wide = extend(customer_segments, segment_columns(["style"]))
        assigned = to_columns(made.assign(self.run, frame), ["style"]).withColumn("release_id", F.lit(name))
        lakehouse.append(wide, assigned)
        before = rows_held(lakehouse, segment_catalog) if self.history else []
        catalog = catalog_rows(made.segmentations, {}, self.run.project.definition_hashes, day, before, made.ids)
        rows = [{**row, "release_id": name} for row in catalog]
        lakehouse.overwrite(segment_catalog, frame_of(lakehouse.spark, segment_catalog, rows))
        for row in self.history:
            row["is_current"] = False
        self.history += [
            {"release_id": name, "table_name": t.full_name(), "as_of_date": day, "known_at": KNOWN, "kind": "regular",
             "status": "released", "delta_version": lakehouse.last_commit(t)[0], "is_current": True,
             "sequence": len(self.history), "released_at": KNOWN}
            for t in (customer_segments, segment_catalog)
        ]  # fmt: skip
        return {row.customer_id: row.style for row in lakehouse.read(wide).where(F.col("release_id") == name).collect()}

    def rows(self, table: Any) -> list[dict[str, Any]]:
        return rows_held(self.run.lakehouse, staging(table))

    def lineage(self) -> dict[str, tuple[str, str | None]]:
        """Segment -> verdict, and the segment most members came from or went to."""
        found = self.rows(cluster_lineage)
        return {r["segment"]: (r["verdict"], r["continued_in"] or r["matched_from"]) for r in found}

    def labels(self) -> dict[str, str]:
        catalog = rows_held(self.run.lakehouse, segment_catalog)
        return {r["segment"]: r["label"] for r in catalog if r["retired_on"] is None}

    def models(self) -> list[dict[str, Any]]:
        return rows_of(self.run.lakehouse.read(cluster_models).orderBy("as_of_date"))


def story_of(lakehouse: Lakehouse, folder: Path, clusters: str) -> Story:
    story = Story(None)  # type: ignore[arg-type] - at once below

    class Told(Silent):
        def note(self, text: str) -> None:
            story.said.append(text)

    made = project_of(folder, FEATURES, segmentations={"style": STYLE.format(clusters=clusters)})
    lakehouse.ensure(extend(customer_segments, segment_columns(["style"])))
    story.run = Run(made, lakehouse, lambda: KNOWN, Told())
    return story


@pytest.fixture
def story(interpreted: SparkSession, lakehouse: Lakehouse, tmp_path: Path) -> Story:  # noqa: F811
    return story_of(lakehouse, tmp_path, "{from: 2, to: 5}")


def test_the_model_stays_while_it_fits_and_its_clusters_with_it(story: Story, spark: SparkSession) -> None:
    first = story.release(people(spark, OCTOBER), OCTOBER)
    assert story.labels() == {"c1": "Frequent, without wine", "c2": "Wine lovers, rare", "c3": "Rare, without wine"}
    assert story.lineage() == dict.fromkeys(("c1", "c2", "c3"), ("new", None))
    tried = {r["k"]: r for r in story.rows(cluster_selection)}
    assert set(tried) == {2, 3, 4, 5}
    assert [k for k, r in tried.items() if r["is_chosen"]] == [3]
    assert tried[3]["stability"] > 0.99
    assert tried[3]["reason"] == "taken; its clusters come back when customers are drawn anew"
    second = story.release(people(spark, NOVEMBER), NOVEMBER)
    assert second == first
    assert len(story.models()) == 1
    assert story.lineage() == {c: ("kept", c) for c in ("c1", "c2", "c3")}
    assert {r["jaccard"] for r in story.rows(cluster_lineage)} == {1.0}
    assert {r["fitted_because"] for r in story.rows(cluster_lineage)} == {"no released model"}
    assert story.said == []


def test_who_drifts_apart_gets_a_new_cluster_and_the_others_keep_id_and_name(story: Story, spark: SparkSession) -> None:
    story.release(people(spark, OCTOBER), OCTOBER)
    named = story.labels()
    split = people(spark, NOVEMBER, drinkers={(70, 128): 0.65, (135, 238): 0.35})
    now = story.release(split, NOVEMBER)
    (said,) = story.said
    assert said == "style is fitted anew: 11.9 % fit badly, above 10 %"
    assert story.lineage() == {"c1": ("kept", "c1"), "c2": ("kept", "c2"), "c3": ("kept", "c3"), "c4": ("split", "c2")}
    assert {c: label for c, label in story.labels().items() if c != "c4"} == named
    assert [now[customer(i)] for i in (0, 300, 300 + 130, 500)] == ["c1", "c2", "c4", "c3"]
    # together again: the new id goes, is never given again, and the release says into which they went
    story.release(people(spark, DECEMBER), DECEMBER)
    assert story.lineage() == {"c1": ("kept", "c1"), "c2": ("kept", "c2"), "c3": ("kept", "c3"), "c4": ("gone", "c2")}
    assert story.labels() == named
    # the same release once more, as a replay makes it
    story.history = story.history[:4]
    again = story.find(people(spark, DECEMBER), DECEMBER).clusterings["style"]
    assert {line.segment: (line.verdict, line.continued_in or line.matched_from) for line in again.lineage} == (
        story.lineage()
    )
    assert len(story.models()) == 3


def test_a_schedule_and_a_request_are_reasons_and_every_model_says_its_own(story: Story, spark: SparkSession) -> None:
    first = story.release(people(spark, OCTOBER), OCTOBER)
    assert story.release(people(spark, NOVEMBER), NOVEMBER, refits=["style"]) == first
    assert story.release(people(spark, DECEMBER), DECEMBER) == first
    late = date(2018, 1, 31)
    assert story.release(people(spark, late), late) == first
    assert [row["fitted_because"] for row in story.models()] == [
        "no released model", "requested", "fitted 62 days ago, every 45 days declared"
    ]  # fmt: skip
    assert story.said[0] == "style is fitted anew: requested"


def test_what_cannot_be_fitted_is_said_and_no_model_is_kept(story: Story, spark: SparkSession) -> None:
    story.release(people(spark, OCTOBER), OCTOBER)
    alike = people(spark, NOVEMBER).withColumns({"visits_28d": F.lit(3).cast("bigint"), "wine_28d": F.lit(0)})
    with pytest.raises(InputError, match=r"style\.yml:1:1: .*all customers are alike: visits_28d, wine_28d"):
        story.release(alike, NOVEMBER)
    with pytest.raises(InputError, match=r"expected 2 x 10 = 20 customers, found 15"):
        story.release(people(spark, NOVEMBER).limit(15), NOVEMBER, refits=["style"])
    assert len(story.models()) == 1
    assert {r["as_of_date"] for r in story.rows(cluster_lineage)} == {OCTOBER}


def test_a_stored_model_that_is_none_stops_the_run_in_words(story: Story, spark: SparkSession) -> None:
    story.release(people(spark, OCTOBER), OCTOBER)
    broken = story.run.lakehouse.read(cluster_models).withColumn("preparation", F.lit('[{"feature": "gone"}]'))
    rows = [row.asDict() for row in broken.collect()]
    story.run.lakehouse.overwrite(cluster_models, frame_of(spark, cluster_models, rows))
    with pytest.raises(
        InputError, match=r"models.cluster_models: model [0-9a-f]{32} of `style` cannot be read"
    ) as said:
        story.find(people(spark, NOVEMBER), NOVEMBER)
    assert "raise the version: it is fitted anew" in str(said.value)
    style = story.run.project.folder / "segmentations/style.yml"
    style.write_text(style.read_text("utf-8").replace("version: 1", "version: 2"), "utf-8")
    story.run = replace(story.run, project=load_project(story.run.project.folder, {"variables.landing": "/data"}))
    story.release(people(spark, NOVEMBER), NOVEMBER)
    assert story.lineage() == {c: ("kept", c) for c in ("c1", "c2", "c3")}, "by members, whatever the model was"


def test_nan_and_infinity_are_said_and_taken_as_unknown(story: Story, spark: SparkSession) -> None:
    not_a_number = "CASE WHEN customer_id LIKE '%11' THEN double('NaN') ELSE double(wine_28d) END"
    story.find(people(spark, OCTOBER).withColumn("wine_28d", F.expr(not_a_number)), OCTOBER)
    (said,) = story.said
    assert said.endswith("wine_28d: 3 of 620 sampled customers have NaN or infinity, taken as unknown")
