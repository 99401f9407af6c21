"""Audiences of two releases compared: the difference is exact, its reasons are those of consent and of conditions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.features.worlds import project_of
from tests.ingest.kit import Silent
from tests.segments.definitions import customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.audiences.members import with_memberships
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.columns import Table, extend
from strata.contract.examples import example_rows
from strata.contract.feature_tables import daily, snapshot
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.silver import consents
from strata.contract.spark import frame_of, rows_of
from strata.features.tiles import plan_tiles, tile_columns
from strata.features.wide import snapshot_columns
from strata.pipeline.changes import stage_changes
from strata.pipeline.context import Run, Target, dates_built
from strata.pipeline.lookback import read_released
from strata.pipeline.staged import stage_rows, staged_commits
from strata.project.load import load_project
from strata.project.models import Project
from strata.publish.release import Release, Row
from strata.storage.fingerprints import fingerprint
from strata.storage.held import hold, rows_held
from strata.storage.promotion import Staged, promote, staging
from strata.storage.tables import Lakehouse

AS_OF, KNOWN = date(2017, 12, 31), datetime(2018, 1, 2, tzinfo=UTC)
THEN, KNOWN_THEN = date(2017, 11, 30), datetime(2017, 12, 2, tzinfo=UTC)
FEATURES = """
- {name: visits_28d, kind: active_days, days: 28}
- {name: beer_28d, kind: count, where: "product_id = 'beer'", days: 28}
- {name: cheese_28d, kind: sum, of: amount, where: "product_id = 'cheese'", days: 28}
"""
PACE = """segmentation: pace
version: 1
technique: t
owner: crm
task: t
kind: rules
segments:
  - {segment: often, label: Often, when: "visits_28d >= 5"}
  - {segment: seldom, label: Seldom}
otherwise: seldom
"""
RULE = "audience: {name}\nkind: rule\nowner: crm\npurpose: mail\ninclude: {include}\n"
AUDIENCES = {
    "fans": RULE.format(name="fans", include="\"pace = 'often' and cheese_28d > 5\"") + "exclude: [audience.brewers]\n",
    "brewers": RULE.format(name="brewers", include='"beer_28d > 3"'),
}
PRIVACY = """purposes: {mail: {basis: consent, description: Offers by mail}}
"""
TABLES = (audience_membership, audience_catalog, audience_changes, audience_refusals)

FAN, SELDOM, PLAIN, BREWER = (6, 0, 9), (2, 0, 9), (6, 0, 1), (6, 5, 9)
"""Visits, beers, cheese."""
WHO: Mapping[str, tuple[tuple[int, int, int] | None, tuple[int, int, int] | None, str]] = {
    "stays": (FAN, FAN, "yes"),
    "withdraws": (FAN, FAN, "withdraws"),
    "objects": (FAN, FAN, "objects"),
    "objects to profiling": (FAN, FAN, "objects to profiling"),
    "comes seldom": (FAN, SELDOM, "yes"),
    "comes seldom and withdraws": (FAN, SELDOM, "withdraws"),
    "stops cheese": (FAN, PLAIN, "yes"),
    "turns brewer": (FAN, BREWER, "yes"),
    "leaves": (FAN, None, "withdraws"),
    "comes often": (SELDOM, FAN, "yes"),
    "starts cheese": (PLAIN, FAN, "yes"),
    "is new": (None, FAN, "yes"),
    "consents": (FAN, FAN, "later"),
    "gives up beer": (BREWER, FAN, "yes"),
    "never": (SELDOM, SELDOM, "yes"),
}
IDS = {name: customer(i) for i, name in enumerate(WHO)}
NAMES = {number: name for name, number in IDS.items()}
LEFT = {
    "withdraws": "not eligible", "objects": "not eligible", "objects to profiling": "not eligible",
    "comes seldom": "no longer: pace = 'often'", "comes seldom and withdraws": "not eligible",
    "stops cheese": "no longer: cheese_28d > 5", "turns brewer": "excluded: audience.brewers",
    "leaves": "left the base",
}  # fmt: skip
JOINED = {
    "comes often": "now: pace = 'often'", "starts cheese": "now: cheese_28d > 5", "is new": "new to the base",
    "consents": "may be addressed", "gives up beer": "meets the rule",
}  # fmt: skip


def project(folder: Path) -> Project:
    project_of(folder, FEATURES, segmentations={"pace": PACE})
    (folder / "project/audiences").mkdir()
    for name, words in AUDIENCES.items():
        (folder / "project/audiences" / f"{name}.yml").write_text(words)
    (folder / "project/privacy.yml").write_text(PRIVACY)
    return load_project(folder / "project", {"variables.landing": "/data"})


def customers() -> Iterable[dict[str, Any]]:
    for name, (before, now, _) in WHO.items():
        for day, had in ((THEN, before), (AS_OF, now)):
            if had is not None:
                visits, beers, cheese = had
                yield {"as_of_date": day, "customer_id": IDS[name], "visits_28d": visits, "beer_28d": beers,
                       "cheese_28d": Decimal(cheese)}  # fmt: skip


def said() -> Iterable[dict[str, Any]]:
    """Consents as they came: first those of the first release, then what has changed since."""
    common = {"revision": 1, "is_deleted": False, "source": "crm"}
    early, late = ({"ingested_at": at, "batch_id": n} for n, at in ((1, KNOWN_THEN), (2, KNOWN)))
    row = {"purpose": "mail", "basis": "consent", "granted": True, "valid_from": date(2017, 1, 1)}
    later = {"valid_from": date(2017, 12, 20)}
    changed = {
        "withdraws": {"granted": False}, "objects": {"basis": "objection"}, "later": {},
        "objects to profiling": {"basis": "objection", "purpose": "profiling"},
    }  # fmt: skip
    for name, (_, _, does) in WHO.items():
        if does != "later":
            yield {"customer_id": IDS[name], **common, **early, **row}
        if does in changed:
            yield {"customer_id": IDS[name], **common, **late, **row, **later, **changed[does]}


def found(day: date) -> dict[str, set[str]]:
    """The members of a day, by what is declared: permission, rule, exclusion."""
    of_day = {n: (before if day == THEN else now) for n, (before, now, _) in WHO.items()}
    allowed = {n for n, (*_, does) in WHO.items() if (does != "later" if day == THEN else does in ("yes", "later"))}
    brewers = {n for n, had in of_day.items() if had and had[1] > 3}
    fans = {n for n, had in of_day.items() if had and had[0] >= 5 and had[2] > 5}
    return {"fans": (fans - brewers) & allowed, "brewers": brewers & allowed}


@pytest.fixture
def run(interpreted: SparkSession, lakehouse: Lakehouse, tmp_path: Path) -> Run:  # noqa: F811
    made = project(tmp_path)
    plan = plan_tiles(made)
    table = extend(snapshot, snapshot_columns(plan))
    note = f"snapshot {'a' * 32} {'b' * 32}"
    lakehouse.rebuild(table, frame_of(interpreted, table, list(customers())), note)
    lakehouse.ensure(extend(daily, tile_columns(plan)))
    lakehouse.append(consents, frame_of(interpreted, consents, list(said())))
    return Run(made, lakehouse, lambda: KNOWN, Silent())


FIRST = Target(Release("a" * 32, THEN, KNOWN_THEN, "c" * 32, "0", None), (), (), ())


def second(history: list[Row]) -> Target:
    return Target(Release("b" * 32, AS_OF, KNOWN, "c" * 32, "0", "a" * 32), (), tuple(history), tuple(history))


def stage_all(run: Run, target: Target, who: Mapping[str, set[str]], withheld: Iterable[str] = ()) -> None:
    """What is staged of audiences before their changes, then these."""
    rows = [
        {**example, "as_of_date": target.as_of, "audience": audience, "customer_id": IDS[name], "audience_rank": rank}
        for audience, names in who.items()
        for rank, (name, example) in enumerate(
            zip(sorted(names), example_rows(audience_membership, len(names)), strict=True), 1
        )
    ]
    lines = [
        {
            **example,
            "as_of_date": target.as_of,
            "audience": audience,
            "status": "withheld" if audience in withheld else "published",
        }
        for audience, example in zip(who, example_rows(audience_catalog, len(who)), strict=True)
    ]
    stage_rows(run, target, audience_membership, rows)
    stage_rows(run, target, audience_catalog, lines)

    def beside(frame: DataFrame, names: Iterable[str]) -> DataFrame:
        members = run.lakehouse.read(staging(audience_membership))
        return with_memberships(frame, {n: members.where(members["audience"] == n) for n in names}, target.as_of)

    stage_changes(run, target, lines, beside)


def release(run: Run, target: Target) -> list[Row]:
    staged = []
    for table, commit in staged_commits(run, target, TABLES):
        said = rows_of(fingerprint(hold(run.lakehouse, staging(table), commit.version)))[0]
        staged.append(Staged(table, commit.version, said["row_count"], said["content_hash"]))
    return promote(run.lakehouse, target.release, staged, lambda: target.release.known_at)


def staged(run: Run, table: type[Table], audience: str = "fans") -> dict[str, Row]:
    rows = rows_held(run.lakehouse, staging(table))
    found = {NAMES[r["customer_id"]]: r for r in rows if r["audience"] == audience}
    assert len(found) == len([r for r in rows if r["audience"] == audience])
    return found


def told(rows: Mapping[str, Row], change: str) -> dict[str, str]:
    return {name: row["reason"] for name, row in rows.items() if row["change"] == change}


def test_the_changes_between_two_releases_are_exact_and_say_why(run: Run) -> None:
    stage_all(run, FIRST, found(THEN))
    assert told(staged(run, audience_changes), "added") == dict.fromkeys(found(THEN)["fans"], "first release")
    assert staged(run, audience_refusals) == {}
    target = second(release(run, FIRST))
    stage_all(run, target, found(AS_OF))
    changes = staged(run, audience_changes)
    assert told(changes, "removed") == LEFT
    assert told(changes, "added") == JOINED
    released = read_released(run, target, audience_membership, target.previous)
    before = {NAMES[r["customer_id"]] for r in rows_of(released) if r["audience"] == "fans"}
    assert (before - set(told(changes, "removed"))) | set(told(changes, "added")) == found(AS_OF)["fans"]
    assert told(staged(run, audience_changes, "brewers"), "added") == {"turns brewer": "now: beer_28d > 3"}
    assert told(staged(run, audience_changes, "brewers"), "removed") == {"gives up beer": "no longer: beer_28d > 3"}
    assert {name: row["reason"] for name, row in staged(run, audience_refusals).items()} == {
        "withdraws": "consent withdrawn", "comes seldom and withdraws": "consent withdrawn",
        "objects": "objection", "objects to profiling": "objection to profiling",
    }  # fmt: skip
    release(run, target)
    rows = rows_held(run.lakehouse, audience_refusals)
    assert {r["as_of_date"] for r in rows} == {AS_OF}
    assert run.log[-1]["rows_out"] == len(LEFT) + len(JOINED) + 2


def test_where_the_date_before_is_not_known_no_change_of_a_condition_is_claimed(run: Run) -> None:
    stage_all(run, FIRST, {"brewers": set(), "fans": found(THEN)["fans"]})
    target = second(release(run, FIRST))
    table = extend(snapshot, snapshot_columns(plan_tiles(run.project)))
    today = [row for row in customers() if row["as_of_date"] == AS_OF]
    run.lakehouse.rebuild(table, frame_of(run.lakehouse.spark, table, today), f"snapshot {'b' * 32}")
    stage_all(run, target, found(AS_OF))
    changes = staged(run, audience_changes)
    assert told(changes, "added") == dict.fromkeys(JOINED, "meets the rule")
    assert told(changes, "removed") == LEFT


def test_a_withheld_audience_changes_only_by_who_may_no_longer_be_in_it(run: Run) -> None:
    stage_all(run, FIRST, {"fans": found(THEN)["fans"]})
    target = second(release(run, FIRST))
    refused = {"not eligible", "left the base", "excluded: audience.brewers"}
    gone = {name for name, reason in LEFT.items() if reason in refused}
    stage_all(run, target, {**found(AS_OF), "fans": found(THEN)["fans"] - gone}, withheld=["fans"])
    changes = staged(run, audience_changes)
    assert told(changes, "removed") == {name: LEFT[name] for name in gone}
    assert told(changes, "added") == {}
    assert told(staged(run, audience_changes, "brewers"), "added") == {"turns brewer": "first release"}


def test_when_a_project_has_no_audiences_any_more_everybody_leaves_them(run: Run) -> None:
    stage_all(run, FIRST, {"fans": found(THEN)["fans"]})
    history = release(run, FIRST)
    stage_all(replace(run, project=replace(run.project, audiences=())), second(history), {})
    changes = staged(run, audience_changes)
    assert told(changes, "removed") == dict.fromkeys(found(THEN)["fans"], "the audience is there no longer")
    assert staged(run, audience_refusals) == {}


def test_what_is_restricted_is_staged_there_too() -> None:
    assert staging(audience_refusals).full_name() == "restricted.staged_audience_refusals"
    assert staging(audience_changes).full_name() == "staging.audience_changes"


def test_features_are_built_as_of_the_release_before_too_where_somebody_is_told_by_them(run: Run) -> None:
    before: Row = {"as_of_date": THEN}
    target = replace(FIRST, release=replace(FIRST.release, as_of=AS_OF), previous=(before,))
    assert dates_built(run, target) == [THEN, AS_OF]
    assert dates_built(replace(run, project=replace(run.project, audiences=())), target) == [AS_OF]
    assert dates_built(run, replace(target, previous=())) == [AS_OF]
