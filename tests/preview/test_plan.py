"""`strata plan`: moves counted by hand, and nothing small that could be computed from what is told."""

import re
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.preview.kit import CURRENT, YOUNG, Stored

from strata.contract.operations import releases
from strata.contract.published import segment_catalog, segment_membership
from strata.preview.moves import Change, Move
from strata.preview.pages import Terms, as_markdown, as_text, section_of
from strata.publish.catalog import catalog_rows

LONG_AGO = date(2017, 1, 1)
TERMS = Terms(10, "spend_84d", "USD")


def buyer(days: int, spend: str = "100.00") -> dict[str, object]:
    return {"first_purchase_on": LONG_AGO, "days_since_first_purchase": 300, "purchase_days_182d": days,
            "spend_84d": Decimal(spend)}  # fmt: skip


# 20 of 30 days, 12 of 27 days, 3 of 6 days
DAYS = [30] * 20 + [27] * 12 + [6] * 3
RELEASED = ["high"] * 32 + ["medium"] * 3


def released_shop(shop: Stored) -> Stored:
    shop.only("purchase_frequency")
    shop.put_snapshot([buyer(days) for days in DAYS])
    shop.release({"purchase_frequency": RELEASED})
    return shop


def test_what_is_as_released_moves_nobody(shop: Stored) -> None:
    said = released_shop(shop).strata("plan")
    assert said.code == 0, said.err
    assert "every segmentation is as released: nobody moves" in said.out
    shop.edit("segmentations/purchase_frequency.yml", "label: Weekly or more", "label: Weekly")
    assert "nobody moves" in shop.strata("plan").out


def test_who_moves_what_they_spent_and_that_the_version_must_be_raised(shop: Stored) -> None:
    released_shop(shop).edit("segmentations/purchase_frequency.yml", "182d >= 26", "182d >= 28")
    said = shop.strata("plan")
    assert "purchase_frequency: changed, version is still 1" in said.out
    assert "12 of 35 customers move (34.3%), with 1,200.00 USD of spend_84d (34.3% of all)" in said.out
    assert re.search(r"^ +high +medium +12 +34.3% +1,200.00$", said.out, re.MULTILINE)
    assert (
        "note: `strata run` refuses this: `purchase_frequency` has changed under version 1, which is released"
        in said.out
    )
    assert "raise version to 2, or take the change back" in said.out
    shop.edit("segmentations/purchase_frequency.yml", "version: 1", "version: 2")
    raised = shop.strata("plan")
    assert "purchase_frequency: changed, version 1 → 2" in raised.out
    assert "raise version" not in raised.out
    assert "12 of 35 customers move" in raised.out


def test_revenue_is_what_kpis_say(shop: Stored) -> None:
    released_shop(shop).edit("segmentations/purchase_frequency.yml", "182d >= 26", "182d >= 28")
    shop.edit("kpis.yml", "revenue: spend_84d,", 'revenue: "spend_84d + purchase_days_182d",')
    said = shop.strata("plan")
    assert "1,524.00 USD of spend_84d + purchase_days_182d" in said.out  # 12 × (100 + 27)
    (shop.folder / "kpis.yml").unlink()
    assert "1,200.00 USD of spend_84d" in shop.strata("plan").out


def test_moves_of_few_are_not_counted(shop: Stored) -> None:
    released_shop(shop).edit("segmentations/purchase_frequency.yml", "182d >= 6", "182d >= 7")
    said = shop.strata("plan")
    assert "of 35 customers fewer than 10 go 1 way" in said.out
    assert re.search(r"^ +medium +low +<10$", said.out, re.MULTILINE)
    assert " 3 " not in said.out


def test_new_and_removed_segmentations_and_audiences(shop: Stored) -> None:
    released_shop(shop)
    shop.only()
    shop.define("wine", 'kind: rules\nsegments:\n'
                '  - {segment: wine, label: Wine, when: "wine_days_182d > 0"}\n'
                '  - {segment: rest, label: Rest}\notherwise: rest\n')  # fmt: skip
    said = shop.strata("plan")
    assert "wine: new, version 1" in said.out
    assert re.search(r"^ +rest +35 +100.0% +3,500.00$", said.out, re.MULTILINE)
    assert "audience next_wine_buyers looks at wine_days_182d too" in said.out
    assert "purchase_frequency: removed" in said.out


def test_a_retired_version_that_comes_back_otherwise_needs_another_number(shop: Stored) -> None:
    shop.put_snapshot([buyer(30)] * 20)
    shop.release({"purchase_frequency": ["high"] * 20})
    project = shop.project
    rows = catalog_rows(project.segmentations, project.offers, project.definition_hashes, LONG_AGO)
    retired = {"purchase_frequency": date(2017, 12, 31)}
    shop.put(
        segment_catalog, [{**r, "retired_on": retired.get(r["segmentation"]), "release_id": "a" * 32} for r in rows]
    )
    pinned = {**CURRENT, "table_name": segment_catalog.full_name(), "delta_version": 1}
    shop.put(releases, [pinned, {**CURRENT, "table_name": segment_membership.full_name()}])
    assert "purchase_frequency: new, version 1" in shop.strata("plan").out
    assert "refuses" not in shop.strata("plan").out
    shop.edit("segmentations/purchase_frequency.yml", "182d >= 26", "182d >= 28")
    said = shop.strata("plan").out
    assert "purchase_frequency: new, version 1" in said
    assert "changed under version 1, which was released from 2017-01-01 until 2017-12-31" in said


def test_a_feature_that_is_computed_otherwise_is_told_from_an_edited_rule(shop: Stored) -> None:
    line = '{name: "purchase_days_{days}d", kind: active_days, where: "event_type = \'purchase\'"'
    released_shop(shop).edit("features.yml", line, line.replace("'purchase'", "'redemption'"))
    said = shop.strata("plan")
    assert "nobody moves" in said.out
    assert "its rules read as released; where a feature under them is computed differently now" in said.out


def test_customers_that_only_one_side_knows_come_from_outside(shop: Stored) -> None:
    shop.only("purchase_frequency")
    shop.put_snapshot([buyer(30)] * 40)
    shop.release({"purchase_frequency": [*["high"] * 25, *[None] * 5]})
    shop.edit("segmentations/purchase_frequency.yml", "version: 1", "version: 2")
    said = shop.strata("plan")
    assert re.search(r"^ +\(not in base\) +high +10 ", said.out, re.MULTILINE)
    assert re.search(r"^ +\(no segment\) +high +<10$", said.out, re.MULTILINE)


def test_the_release_that_readers_follow_is_compared_not_the_newest_version(shop: Stored) -> None:
    released_shop(shop)
    shop.put_snapshot([buyer(30)] * 35)
    shop.put(segment_membership, [])  # version 1, which no release has pinned
    now = {**CURRENT, "released_at": YOUNG}
    shop.put(releases, [{**now, "table_name": t.full_name()} for t in (segment_catalog, segment_membership)])
    shop.edit("segmentations/purchase_frequency.yml", "version: 1", "version: 2")
    assert "not in base" not in shop.strata("plan").out


def test_without_a_release_there_is_nothing_to_compare_with(shop: Stored) -> None:
    shop.put_snapshot([buyer(30)])
    said = shop.strata("plan")
    assert (said.code, "grocery: nothing is released yet to compare with" in said.err) == (3, True)


def test_markdown_is_a_table_for_a_pull_request(shop: Stored) -> None:
    released_shop(shop).edit("segmentations/purchase_frequency.yml", "182d >= 26", "182d >= 28")
    out = shop.strata("plan", "--markdown").out
    assert "### purchase\\_frequency: changed, version is still 1" in out
    assert "| from | to | customers | share | spend\\_84d |\n|---|---|---:|---:|---:|\n| high | medium | 12 |" in out
    assert "\n- `strata run` refuses this: `purchase_frequency` has changed under version 1" in out
    assert "segmentations/purchase\\_frequency.yml" in out  # outside of backticks


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(1, 30)), max_size=9))
def test_no_count_below_the_floor_is_told_or_can_be_computed(ways: list[tuple[str, str, int]]) -> None:
    counts = {(origin, goal): n for origin, goal, n in ways}
    moves = tuple(Move(f"s{o}", f"s{g}", n, Decimal(n) * 1000) for (o, g), n in counts.items())
    section = section_of(Change("x", "changed", 2, 1, moves), TERMS)
    small = [m for m in moves if m.is_one and m.customers < TERMS.floor]
    assert sum(row[2:] == ("<10", "", "") for row in section.rows) == len(small)
    told = [int(row[2]) for row in section.rows if row[2] != "<10"]
    assert all(n >= TERMS.floor for n in told)
    # the total adds up what is told, so what is left of it is nothing
    total = re.match(r"(\d+) of (\d+) customers move", section.sentences[0]) if section.sentences else None
    assert total is None or int(total[1]) == sum(told)
    hidden = [row[:2] for row in section.rows if row[2] == "<10"]
    assert hidden == sorted(hidden)
    for page in (as_text([section]), as_markdown([section])):
        assert not {f"{m.customers * 1000:,}.00" for m in small} & set(re.findall(r"[\d,]+\.\d\d", page)) - {
            row[-1] for row in section.rows
        }
