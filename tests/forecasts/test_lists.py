"""From tiles to lists in Spark: what counts, what is found again, what planted tastes give, and in which order."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.forecasts.definitions import AS_OF, EVENTS, cells, planted_days, recommendation

from strata.contract.lists import customer_recommendations
from strata.contract.spark import rows_of
from strata.forecasts import interactions as interactions_module
from strata.forecasts.choice import MILLION, judge
from strata.forecasts.factors import fit_factors
from strata.forecasts.holdout import count_found
from strata.forecasts.interactions import count_days, known_at, sample_customers
from strata.forecasts.ranking import best_items, order_items, rank_items

FILMS = recommendation()
PLANTED = planted_days()


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def lists_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    """Everything about the lists of ALS, in a fixed order."""
    interactions = count_days(frame, FILMS, EVENTS, AS_OF, split=False).persist()
    now = known_at(interactions, "now")
    items = rank_items(now)
    ordered = order_items(now, items, fit_factors(now, items, FILMS))
    made = best_items(ordered, items, {"repeat": "als", "new": "als"}, FILMS.top)
    found = sorted(tuple(row.values()) for row in rows_of(made))
    interactions.unpersist()
    return found


@pytest.fixture(scope="module")
def planted(spark: SparkSession) -> DataFrame:
    return cells(spark, PLANTED)


@pytest.fixture(scope="module")
def lists(planted: DataFrame) -> list[tuple[Any, ...]]:
    return lists_of(planted.repartition(1))


@pytest.fixture(scope="module")
def found(planted: DataFrame) -> dict[str, dict[str, Any]]:
    then = known_at(count_days(planted, FILMS, EVENTS, AS_OF, split=False).persist(), "then")
    items = rank_items(then)
    ordered = order_items(then, items, fit_factors(then, items, FILMS))
    return {row["target"]: row for row in rows_of(count_found(ordered, FILMS.top))}


def test_days_are_counted_once_and_in_the_windows_they_lie_in(spark: SparkSession) -> None:
    # The window of `then` is 83 ... 28 days ago, of `now` 55 ... 0.
    rows = [
        ("a", ago(84), "drama", 1), ("a", ago(83), "drama", 1), ("a", ago(56), "drama", 1), ("a", ago(55), "drama", 1),
        ("a", ago(28), "drama", 9), ("a", ago(28), "drama", 1), ("a", ago(27), "drama", 1), ("a", ago(0), "drama", 1),
        ("a", ago(-1), "drama", 1), ("a", ago(1), "music", 0), ("b", ago(1), None, 1), ("b", ago(2), "music", 1),
    ]  # fmt: skip
    counted = rows_of(count_days(cells(spark, rows), FILMS, EVENTS, AS_OF, split=True).orderBy("customer_id"))
    assert [tuple(row.values()) for row in counted] == [("a", "drama", 4, 4, 2), ("b", "music", 0, 1, 1)]


def test_lists_found_again_are_counted_as_by_hand(spark: SparkSession) -> None:
    # Before: a has x on 3 days, y on 2, z on 1; e all three; b x; c y. Popularity: x and y 3 customers, z 2, w none.
    before = (
        [("a", "x")] * 3 + [("a", "y")] * 2 + [("a", "z"), ("b", "x"), ("c", "y"), ("e", "x"), ("e", "y"), ("e", "z")]
    )
    later = [("a", "z"), ("a", "y"), ("a", "w"), ("b", "y"), ("b", "z"), ("b", "w"), ("d", "x")]
    later += [("e", "x"), ("e", "y"), ("e", "z")]
    rows = [(c, ago(28 + i), item, 1) for i, (c, item) in enumerate(before)]
    rows += [(c, ago(i), item, 1) for i, (c, item) in enumerate(later)]
    then = known_at(count_days(cells(spark, rows), FILMS, EVENTS, AS_OF, split=False), "then")
    ordered = order_items(then, rank_items(then), None)
    found = {row["target"]: row for row in rows_of(count_found(ordered, 2))}
    # repeat: a had z and y again, and the lists say x, y: half of it; e had all three, of which two can be listed.
    assert (found["repeat"]["customers"], found["repeat"]["own_history"]) == (2, 3 * MILLION // 2)
    assert found["repeat"]["popularity"] == 3 * MILLION // 2
    # new: a had w, which nobody knew: nothing found; b had y, z and w, and the list says y, z.
    # d had nothing before, c nothing since.
    assert (found["new"]["customers"], found["new"]["popularity"], found["new"]["als"]) == (2, MILLION, 0)
    assert found["new"]["squares_popularity"] == MILLION**2


def test_the_factor_model_finds_planted_tastes_where_popularity_cannot(found: dict[str, dict[str, Any]]) -> None:
    # Two of the five films of a taste that were not seen before are seen later: who lists three of them at random finds
    # 3/5, and 2/5 who gives a place to the hit not seen yet. Popularity lists that hit and two films of any taste.
    (_, new) = judge(found.values(), FILMS, floor=100)
    assert new.used == "als"
    assert 0.4 <= new.recalls["als"] <= 0.65
    assert new.recalls["popularity"] < 0.25
    assert new.customers == 160


def test_the_baselines_find_what_a_plain_program_finds(found: dict[str, dict[str, Any]]) -> None:
    days: dict[str, Counter[str]] = defaultdict(Counter)
    later: dict[str, set[str]] = defaultdict(set)
    for customer, day in {(c, (d, item)) for c, d, item, _ in PLANTED}:
        if day[0] > ago(28):
            later[customer].add(day[1])
        else:
            days[customer][day[1]] += 1
    buyers = Counter(item for had in days.values() for item in had)
    by_popularity = sorted(buyers, key=lambda item: (-buyers[item], item))
    expected: dict[tuple[str, str], list[float]] = defaultdict(list)
    for customer, had in days.items():
        own = sorted(had, key=lambda item: (-had[item], by_popularity.index(item)))
        listed = {
            ("repeat", "own_history"): own,
            ("repeat", "popularity"): [item for item in by_popularity if item in had],
            ("new", "popularity"): [item for item in by_popularity if item not in had],
        }
        for (target, model), best in listed.items():
            truth = {item for item in later[customer] if (item in had) == (target == "repeat")}
            if truth:
                expected[target, model].append(len(truth & {*best[:3]}) / min(3, len(truth)))
    for (target, model), recalls in expected.items():
        assert found[target]["customers"] == len(recalls)
        assert found[target][model] / MILLION == pytest.approx(sum(recalls), abs=1e-6)


def test_lists_are_of_the_right_things_in_the_right_order(lists: list[tuple[Any, ...]]) -> None:
    had: dict[str, set[str]] = defaultdict(set)
    for customer, day, item, _ in PLANTED:
        if day > ago(56):
            had[customer].add(item)
    by_list: dict[tuple[str, str], list[tuple[int, str, float]]] = defaultdict(list)
    for customer, target, place, item, score, model in lists:
        assert (item in had[customer]) == (target == "repeat")
        assert model == "als"
        by_list[customer, target].append((place, item, score))
    assert {customer for customer, _ in by_list} == {*had}
    for (customer, target), items in by_list.items():
        wanted = min(3, len(had[customer])) if target == "repeat" else 3
        assert [place for place, _, _ in items] == [*range(1, wanted + 1)]
        scores = [score for _, _, score in items]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("partitions", [7, pytest.param(4, marks=pytest.mark.long)])
def test_the_layout_of_the_rows_does_not_matter(
    spark: SparkSession, lists: list[tuple[Any, ...]], partitions: int
) -> None:
    shuffled = random.Random(partitions).sample(PLANTED, len(PLANTED))
    assert lists_of(cells(spark, shuffled).repartition(partitions)) == lists


def test_every_target_has_the_model_that_is_used_for_it(spark: SparkSession) -> None:
    # Equally often had: the more popular item comes first, then the first by name.
    rows = [(c, ago(1), item, 1) for c, item in [("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"), ("c", "w")]]
    now = known_at(count_days(cells(spark, rows), FILMS, EVENTS, AS_OF, split=False), "now")
    items = rank_items(now)
    ordered = order_items(now, items, None)
    both = rows_of(best_items(ordered, items, {"repeat": "own_history", "new": "popularity"}, 2))
    found = sorted((r["customer_id"], r["target"], r["recommendation_rank"], r["item"], r["score"]) for r in both)
    assert found == [
        ("a", "new", 1, "w", 1.0), ("a", "new", 2, "z", 1.0),
        ("a", "repeat", 1, "y", 1.0), ("a", "repeat", 2, "x", 1.0),
        ("b", "new", 1, "w", 1.0), ("b", "new", 2, "x", 1.0),
        ("b", "repeat", 1, "y", 1.0), ("b", "repeat", 2, "z", 1.0),
        ("c", "new", 1, "y", 2.0), ("c", "new", 2, "x", 1.0), ("c", "repeat", 1, "w", 1.0),
    ]  # fmt: skip
    assert {(r["target"], r["model"]) for r in both} == {("repeat", "own_history"), ("new", "popularity")}
    only_new = rows_of(best_items(ordered, items, {"new": "popularity"}, 2))
    assert {r["target"] for r in only_new} == {"new"}
    added = {"as_of_date", "recommendation", "item_kind", "release_id"}
    assert {*both[0]} == {str(c) for c in customer_recommendations.columns} - added


def test_there_is_nothing_to_fit_where_nobody_had_anything_before(spark: SparkSession) -> None:
    then = known_at(count_days(cells(spark, [("a", ago(1), "x", 1)]), FILMS, EVENTS, AS_OF, split=False), "then")
    items = rank_items(then)
    assert fit_factors(then, items, FILMS) is None
    assert rows_of(count_found(order_items(then, items, None), 3)) == []


def test_models_are_tried_on_a_sample_that_is_the_same_whatever_the_layout(
    spark: SparkSession, planted: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interactions_module, "SAMPLE_CUSTOMERS", 40)
    then = known_at(count_days(planted, FILMS, EVENTS, AS_OF, split=False), "then")
    chosen = {row["customer_id"] for row in rows_of(sample_customers(then))}
    again = {row["customer_id"] for row in rows_of(sample_customers(then.repartition(5)))}
    assert len(chosen) == 40
    assert chosen == again
