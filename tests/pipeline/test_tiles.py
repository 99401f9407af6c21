"""Tiles follow what is known: refreshed from any state to any other, they are what they would be if made anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from tests.features.worlds import plan_of
from tests.ingest.kit import Silent
from tests.pipeline.batches import BATCHES, DAYS, FIRST, WORLDS, History, known_at, tiles_by_duckdb, write

from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, lifetime, monthly, pairs
from strata.contract.silver import customers, events, places
from strata.features.changes import arrived_between
from strata.features.months import month_columns
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values, keeping
from strata.pipeline import history
from strata.pipeline.context import Run, Target
from strata.pipeline.features import build_features, read_snapshot
from strata.pipeline.tiles import read_valid, refresh_tiles
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.publish.release import Release
from strata.storage.tables import Lakehouse

FEATURES = """
- {name: spend_28d, kind: sum, of: amount, where: "event_type = 'purchase'", days: 28}
- {name: least_tea, kind: min, of: amount, where: "category = 'tea'"}
- {name: messages, kind: count, from: communications}
- {name: "n_{value}_28d", kind: count, by: channel, values: [web], days: 28}
- {name: "s_{value}", kind: sum, of: amount, where: "event_type = 'purchase'", by: category, keep: 2, days: 28}
"""
MORE = '- {name: "most_28d", kind: max, of: amount, days: 28}\n'
LONG = "- {name: spend_1001d, kind: sum, of: amount, where: \"event_type = 'purchase'\", days: 1001}\n"
ALL = (FEATURES, LONG, MORE)
COLUMNS = ["customer_id", "event_date", "channel", "category", "event_count", "messages", "spent", "least_tea"]
SPENT, LEAST = "sum_amount__", "min_amount__"


class Told(Silent):
    """What the stages said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def end(self, stage: str, found: str, seconds: float) -> None:
        self.said.append(f"{stage}: {found}")


class Shop:
    """A lakehouse with batches in silver, and the project whose features are computed from them."""

    def __init__(self, spark: SparkSession, lakehouse: Lakehouse, folder: Path, history: History) -> None:
        self.spark, self.lakehouse, self.folder, self.history = spark, lakehouse, folder, history
        self.progress = Told()
        self.define(FEATURES)
        write(spark, lakehouse, history)

    def define(self, features: str) -> None:
        self.plan = plan_of(self.folder, features)
        self.run = Run(project_in(self.folder), self.lakehouse, lambda: known_at(BATCHES), self.progress)

    def know(self, batch: int) -> str:
        """Bring the tiles to the state of a batch; returns what was said."""
        self.progress.said.clear()
        refresh_tiles(self.run, self.plan, known_at(batch))
        return "; ".join(self.progress.said)

    def cells(self) -> list[dict[str, Any]]:
        """The rows of features.pairs under the names that DuckDB gives them."""
        rows = self.lakehouse.read(pairs).toArrow()
        return in_order(rows.rename_columns([called(name) for name in rows.column_names]))


def project_in(folder: Path) -> Project:
    return load_project(folder / "project", {"variables.landing": "/data"})


def called(name: str) -> str:
    words = {SPENT: "spent", LEAST: "least_tea", "n_communications": "messages"}
    return next((short for long, short in words.items() if name.startswith(long)), name)


def pairs_by_duckdb(history: History, aggregate: str) -> dict[tuple[Any, ...], Any]:
    rows = tiles_by_duckdb(history, BATCHES, aggregate).to_pylist()
    return {tuple(row[c] for c in COLUMNS[:4]): row["more"] for row in rows}


def in_order(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.select(COLUMNS).to_pylist(), key=lambda row: [str(row[key]) for key in COLUMNS[:4]])


def rolled_up(cells: list[dict[str, Any]]) -> dict[tuple[str, date], tuple[int, int, int]]:
    days: dict[tuple[str, date], tuple[int, int, int]] = {}
    for cell in cells:
        key = cell["customer_id"], cell["event_date"]
        n, messages, spent = days.get(key, (0, 0, 0))
        days[key] = n + cell["event_count"], messages + cell["messages"], spent + cell["spent"]
    return days


def days_of(rows: DataFrame) -> dict[tuple[str, date], tuple[int, int, int]]:
    spent = next(c for c in rows.columns if c.startswith(SPENT))
    found = rows.select("customer_id", "event_date", "event_count", "n_communications", spent).toArrow().to_pylist()
    return {tuple(row.values())[:2]: tuple(row.values())[2:] for row in found}


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("tiles")
    lakehouse = Lakehouse(spark, storage=storage_in(folder), run_id="test-run")
    return Shop(spark, lakehouse, folder, History(seed=20240101))


def storage_in(folder: Path) -> Storage:
    return Storage(root=str(folder / "warehouse"))


def follow(shop: Shop, batches: Sequence[int]) -> None:
    """Bring the tiles to one state after the other; in each they are what DuckDB makes of the revisions."""
    for batch in batches:
        said = shop.know(batch)
        expected = in_order(tiles_by_duckdb(shop.history, batch))
        assert len(expected) > WORLDS
        assert shop.cells() == expected, f"as known at batch {batch}: {said}"
        assert days_of(shop.lakehouse.read(daily)) == rolled_up(expected)


@pytest.mark.long
@pytest.mark.soak
def test_tiles_refreshed_forwards_and_backwards_are_those_made_anew(shop: Shop) -> None:
    follow(shop, (1, 3, 2, 4))
    assert shop.know(4) == "", "nothing has changed, and nothing is said"


@pytest.mark.long
@pytest.mark.soak
@given(seed=st.integers(0, 2**32 - 1), batches=st.permutations(range(1, BATCHES + 1)))
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_any_history_may_be_followed_in_any_order(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, seed: int, batches: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    lakehouse = Lakehouse(spark, storage=storage_in(folder), run_id="test-run")
    follow(Shop(spark, lakehouse, folder, History(seed)), batches)


def test_new_definitions_add_their_columns_and_leave_the_others(shop: Shop) -> None:
    shop.know(4)
    before = shop.cells()
    shop.define(FEATURES + MORE)
    assert shop.know(4) == "tiles: 1 columns for new definitions, 4 as they were"
    assert shop.cells() == before
    most = pairs_by_duckdb(shop.history, "max(cents)")
    column = next(p.name for p in shop.plan.partials if p.kind == "max")
    rows = shop.lakehouse.read(pairs).select(*COLUMNS[:4], column).toArrow().to_pylist()
    assert {tuple(row.values())[:4]: row[column] for row in rows} == most
    assert shop.know(3).startswith("tiles: 0 new days"), "a refresh keeps the new column"
    shop.define(FEATURES)
    assert "columns" not in shop.know(4), "what is not needed any more costs nothing"
    assert shop.cells() == before


def test_a_definition_put_in_the_place_of_another_leaves_the_old_column_behind(shop: Shop) -> None:
    shop.define(FEATURES + MORE)
    shop.know(4)
    shop.define(FEATURES + MORE.replace("kind: max", "kind: min"))
    assert shop.know(4) == "tiles: 1 columns for new definitions, 4 as they were"
    there = shop.lakehouse.read(pairs).columns
    assert {p.name for p in shop.plan.partials} <= set(there)
    assert not [c for c in there if c.startswith("max_")]
    shop.define(FEATURES)
    shop.know(4)


def test_the_files_of_a_batch_are_told_apart_from_those_of_the_batch_before(shop: Shop) -> None:
    rows = shop.lakehouse.read(events)
    assert len(rows.inputFiles()) == BATCHES
    assert len(arrived_between(rows, known_at(1), known_at(2)).inputFiles()) == 1
    assert len(arrived_between(rows, known_at(4), known_at(2)).inputFiles()) == 2


def test_values_of_a_feature_that_is_gone_are_left_out(shop: Shop) -> None:
    shop.define(FEATURES)
    gone = {"was_{value}": ("tea",), "s_{value}": ("tea", "coffee")}
    assert keeping(shop.plan, [gone]).kept == {"s_{value}": ("tea", "coffee")}
    assert keeping(shop.plan, [{}]).kept == {"s_{value}": ()}, "nothing kept as of a date is no value, and no error"


def targets(*as_ofs: date, batch: int = BATCHES) -> list[Target]:
    known = known_at(batch)
    return [Target(Release(f"{n:032x}", day, known, "c", "v", None), (), (), ()) for n, day in enumerate(as_ofs, 1)]


def test_dates_built_together_are_what_each_would_be_alone(shop: Shop) -> None:
    # The values that `keep` spreads differ from date to date: every world's customers have products of their own.
    dates = [FIRST + timedelta(days=20 * DAYS + 39), FIRST + timedelta(days=33 * DAYS + 39)]
    build_features(shop.run, targets(*dates))
    together = [read_snapshot(shop.run, target).toArrow() for target in targets(*dates)]
    assert shop.lakehouse.exists(lifetime), "the history before the windows is merged once"
    for target, found in zip(targets(*dates), together, strict=True):
        alone = merged_anew(shop, target, known_at(BATCHES))
        assert found.column_names == alone.column_names
        assert by_customer(found) == by_customer(alone)
        assert found.num_rows > WORLDS


@pytest.mark.long
@pytest.mark.soak
def test_months_that_are_merged_once_follow_what_is_known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "WORTH", 0)
    shop.define("".join(ALL))
    late, early = (FIRST + timedelta(days=n * DAYS + 39) for n in (33, 20))
    commits, months = [], []
    for as_of, batch in ((late, 3), (late, 1), (early, 1)):
        (target,) = targets(as_of, batch=batch)
        build_features(shop.run, [target])
        found = by_customer(read_snapshot(shop.run, target).toArrow())
        assert found == by_customer(merged_anew(shop, target, known_at(batch))), f"{as_of} as known at batch {batch}"
        commits.append(shop.lakehouse.last_commit(monthly)[0])
        months.append(shop.lakehouse.read(monthly).select("event_month").distinct().count())
    assert commits == list(range(commits[0], commits[0] + 3)), "made again where days have changed"
    assert 12 < months[1] < months[2], "what another date needs is added to what is there"
    noted = {lines: history.made_of(shop.run, months_of(shop, lines), history.MONTHS)[0] for lines in (ALL, ALL[:-1])}
    assert len(noted[ALL]) >= months[1]
    assert noted[ALL[:-1]] == [], "months with other columns are not built upon"


def months_of(shop: Shop, features: tuple[str, ...]) -> type[Table]:
    """features.monthly as a project with these features has it."""
    shop.define("".join(features))
    return extend(monthly, month_columns(shop.plan))


def merged_anew(shop: Shop, target: Target, known: datetime) -> pa.Table:
    """The snapshot from all days, with nothing merged before."""
    plain = {**tiles_of(shop, known), "daily": shop.lakehouse.read(daily), "pairs": shop.lakehouse.read(pairs)}
    kept = keep_values(plain["pairs"], shop.plan, [target.as_of])[target.as_of]
    return build_snapshot(plain, replace(shop.plan, kept=kept), [target.as_of]).toArrow()


def tiles_of(shop: Shop, known: datetime) -> dict[str, DataFrame]:
    return {t.__name__: read_valid(shop.run, t, known) for t in (customers, places)}


def by_customer(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in table.to_pylist()}
