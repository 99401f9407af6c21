"""Groups measured against their base: by hand, against raw customers, and what shrinking is for."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from scipy.optimize import brentq
from tests.expression.test_agreement import NAMES
from tests.segments.test_agreement import by_duckdb

from strata.project.measures import Growth, Index
from strata.project.models import Segment
from strata.project.references import generations
from strata.publish.catalog import catalog_rows
from strata.segments.assign import assign_all
from strata.segments.cuts import Cuts, resolve
from strata.segments.cutting import measure_cuts
from strata.segments.grouping import list_largest
from strata.segments.groups import Group, Sums, measure, shrink, variance_between

from .definitions import AS_OF, HERE, customer, segment, segmentation

GROWTH = Growth("spend", "before", "earlier", HERE)
INDEX = Index("spend", 0.2, HERE)
GROWING = replace(segment("growing"), at_least=0.02)
SHRINKING = replace(segment("shrinking"), at_most=-0.02)
NICHE = replace(segment("niche"), at_least=120)
FLOOR = 10


def sums_of(amounts: np.ndarray) -> Sums:
    """What the customers of a group (a row each) add up to."""
    width = range(amounts.shape[1])
    products = {(i, j): float(amounts[:, i] @ amounts[:, j]) for i in width for j in width if i <= j}
    return Sums(len(amounts), tuple(float(a) for a in amounts.sum(axis=0)), products)


def rare(worlds: dict[str, np.ndarray], name: str) -> dict[str | None, Sums]:
    """What groups add up to; that of `name` is not listed."""
    return {None if value == name else value: sums_of(world) for value, world in worlds.items()}


def by_value(groups: tuple[Group, ...]) -> dict[str | None, Group]:
    return {g.value: g for g in groups}


def test_estimates_are_drawn_to_zero_by_what_chance_explains() -> None:
    """By hand: 2 * 0.09 / (0.01 + 0.08) = 2 groups: variance between 0.08, so that 8 of 9 parts stay."""
    assert shrink({"a": (0.3, 0.01), "b": (-0.3, 0.01)}) == pytest.approx({"a": 0.3 * 8 / 9, "b": -0.3 * 8 / 9})
    assert shrink({"a": (0.09, 0.01), "b": (-0.09, 0.01)}) == {"a": 0, "b": 0}
    sure, vague, _ = shrink({"sure": (0.3, 0.001), "vague": (0.3, 0.1), "c": (-0.3, 0.001)}).values()
    assert 0.29 < sure < 0.3
    assert vague < 0.2
    assert shrink({}) == {}


BCG = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
]  # fmt: skip
"""Colditz et al., Efficacy of BCG vaccine, JAMA 271, 1994: ill and not, of those vaccinated and of those not."""


def test_the_variance_between_groups_solves_the_equation_of_paule_and_mandel() -> None:
    """Log risk ratios; with the mean estimated their τ² is known as 0.318 (metafor), here the mean is known."""
    ill, well, ill_without, well_without = np.array(BCG, dtype=float).T
    treated, others = ill + well, ill_without + well_without
    ratio = np.log(ill / treated / (ill_without / others))
    variance = 1 / ill - 1 / treated + 1 / ill_without - 1 / others

    def mean(t: float) -> float:
        return float(np.average(ratio, weights=1 / (variance + t)))

    assert brentq(lambda t: ((ratio - mean(t)) ** 2 / (variance + t)).sum() - 12, 0, 9) == pytest.approx(
        0.318, abs=5e-4
    )
    for centre in (0.0, mean(0.318)):
        root = brentq(lambda t, c=centre: ((ratio - c) ** 2 / (variance + t)).sum() - 13, 0, 9, xtol=1e-14)
        assert variance_between(list(zip(ratio - centre, variance, strict=True))) == pytest.approx(root, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_variances_of_any_size_are_solved_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    variance = 10 ** rng.uniform(-16, -1, 20)
    value = rng.normal(0, np.sqrt(2 * variance + 1e-3))
    root = brentq(lambda t: (value**2 / (variance + t)).sum() - 20, 0, 1, xtol=1e-16)
    assert variance_between(list(zip(value, variance, strict=True))) == pytest.approx(root, rel=1e-9)


@pytest.mark.parametrize("differing", [0.01, 1.0])
def test_a_flat_tariff_of_which_one_customer_differs_does_not_decide_for_all_others(differing: float) -> None:
    """By moments τ² would be the square of its growth, and 97 % would stay of what is chance elsewhere.

    One of 41 groups that grows by 0.3 where others spread by 0.07 does count: a third would stay without it.
    """
    rng = np.random.default_rng(4)
    worlds = {str(i): rng.gamma(2, 50, (200, 3)) for i in range(40)}
    flat = np.full((300, 3), (130.0, 100.0, 100.0))
    flat[0, 0] += differing
    apart, together = (
        by_value(measure({n: sums_of(w) for n, w in made.items()}, GROWTH, (GROWING,)))
        for made in (worlds, worlds | {"flat": flat})
    )
    assert together["flat"].growth_shrunk == pytest.approx(together["flat"].growth, rel=1e-3)
    kept = [together[n].growth_shrunk / together[n].growth for n in worlds]
    assert max(apart[n].growth_shrunk / apart[n].growth for n in worlds) == pytest.approx(1 / 3, abs=0.01)
    assert max(kept) < 0.7


def test_growth_is_that_of_the_group_beyond_the_base_with_the_variance_of_its_customers() -> None:
    rng = np.random.default_rng(5)
    worlds = {name: rng.gamma(2, 50, (n, 3)) for name, n in {"a": 400, "b": 300, "c": 200, "small": 9}.items()}
    worlds["a"][:, 0] *= 1.5
    found = by_value(measure(rare(worlds, "small"), GROWTH, (GROWING, SHRINKING)))
    everybody = np.vstack(list(worlds.values())).sum(axis=0)
    expected, earlier = {}, {}
    for name in ("a", "b", "c"):
        now, before, first = worlds[name].T
        ratio = now.sum() / before.sum()
        left = ((now - ratio * before) ** 2).sum() / (len(now) - 1) * len(now) / before.sum() ** 2
        base = everybody[0] / everybody[1]
        expected[name] = (ratio / base - 1, left / base**2)
        earlier[name] = (before.sum() / first.sum()) / (everybody[1] / everybody[2]) - 1
    assert {n: found[n].growth for n in expected} == pytest.approx({n: y for n, (y, _) in expected.items()})
    assert {n: found[n].growth_shrunk for n in expected} == pytest.approx(shrink(expected))
    together = np.corrcoef([y for y, _ in expected.values()], list(earlier.values()))[0, 1]
    assert found["b"].persistence == pytest.approx(together)
    assert [found[n].segment for n in ("a", "b", "c")] == ["growing", "shrinking", "shrinking"]
    assert found[None] == Group(None, 9, 9 / 909)


def test_what_is_shrunk_is_nearer_to_the_truth_than_what_was_seen() -> None:
    """Forty groups of 15 to 60 customers whose true growth differs by a twentieth, forty times over."""
    rng = np.random.default_rng(11)
    raw, drawn = [], []
    for _ in range(40):
        truth = rng.normal(0, 0.05, 40)
        groups = {}
        for i, beyond in enumerate(truth):
            before = rng.gamma(2, 50, rng.integers(15, 60))
            now = before * rng.gamma(4, 0.25, len(before)) * (1 + beyond)
            groups[str(i)] = sums_of(np.column_stack([now, before, before]))
        found = by_value(measure(groups, GROWTH, (GROWING,)))
        raw += [found[str(i)].growth - beyond for i, beyond in enumerate(truth)]
        drawn += [found[str(i)].growth_shrunk - beyond for i, beyond in enumerate(truth)]
    assert np.mean(np.square(drawn)) < 0.7 * np.mean(np.square(raw))


def test_a_niche_is_small_and_surely_above_the_rest() -> None:
    rng = np.random.default_rng(3)
    rich, few = rng.gamma(4, 80, (60, 1)), np.array([[0.0]] * 10 + [[2000.0]] * 2)
    worlds = {"rich": rich, "few": few, "large": rng.gamma(4, 60, (200, 1)), "poor": rng.gamma(4, 15, (200, 1))}
    found = by_value(measure({v: sums_of(w) for v, w in worlds.items()}, INDEX, (NICHE,)))
    rest = np.vstack([few, worlds["large"], worlds["poor"]])
    of_log = rich.var(ddof=1) / len(rich) / rich.mean() ** 2 + rest.var(ddof=1) / len(rest) / rest.mean() ** 2
    index = 100 * rich.mean() / rest.mean()
    assert found["rich"].index_100 == pytest.approx(index)
    assert found["rich"].index_low == pytest.approx(index * np.exp(-1.959963984540054 * of_log**0.5))
    assert found["few"].index_100 > 150
    assert found["few"].index_low < 120
    assert found["large"].index_low > 120
    assert {v: g.segment for v, g in found.items()} == {"rich": "niche", "few": None, "large": None, "poor": None}


def test_shares_are_of_the_base_with_those_of_whom_nothing_is_known() -> None:
    rng = np.random.default_rng(3)
    sums = {"rich": sums_of(rng.gamma(4, 80, (60, 1))), "rest": sums_of(rng.gamma(4, 20, (140, 1)))}
    known, all_of_them = (by_value(measure(sums, INDEX, (NICHE,), unknown)) for unknown in (0, 200))
    assert (known["rich"].share, all_of_them["rich"].share) == (0.3, 0.15)
    assert (known["rich"].segment, all_of_them["rich"].segment) == (None, "niche")
    assert all_of_them["rich"].index_100 == known["rich"].index_100


def test_nothing_is_said_where_there_is_nothing_to_divide_by() -> None:
    zero = {"a": sums_of(np.zeros((20, 3))), "b": sums_of(np.zeros((30, 3)))}
    for by in (GROWTH, INDEX):
        found = measure(zero, by, (GROWING, NICHE))
        assert found == (Group("b", 30, 0.6), Group("a", 20, 0.4))
        assert measure({None: zero["a"]}, by, (GROWING, NICHE)) == (Group(None, 20, 1),)
        assert measure({}, by, (GROWING,)) == ()


def test_groups_of_another_segmentation_are_measured_on_the_base_and_both_evaluators_agree(spark: SparkSession) -> None:
    """Customers under 25 spend twice as much as before, all others as much; nobody knows the age of five."""
    people = 90
    ages = [None if i < 5 else 20 if i < 30 else 40 if i < 85 else 70 for i in range(people)]
    before = [100 + 7 * (i % 5) for i in range(people)]
    spend = [b * (2 if age == 20 else 1) + i % 3 for i, (b, age) in enumerate(zip(before, ages, strict=True))]
    table = pa.table({
        "as_of_date": [AS_OF] * people, "customer_id": [customer(i) for i in range(people)],
        "maybe_bigint": pa.array(ages, pa.int64()), "spend": spend, "before": before, "earlier": before,
    })  # fmt: skip
    ages_of = [
        segment("young", "maybe_bigint < 25"),
        segment("adult", "maybe_bigint < 60"),
        segment("old", "maybe_bigint >= 60"),
    ]
    stage = segmentation("stage", segments=[*ages_of, segment("untold")], otherwise="untold")
    rest = segment("steady")
    growth = segmentation(
        "growth", "attribute", [GROWING, SHRINKING, rest], of="stage", otherwise="steady", floor=FLOOR, measure=GROWTH
    )  # fmt: skip
    assert growth.is_relative
    assert [[s.name for s in group] for group in generations([growth, stage])] == [["stage"], ["growth"]]
    stages = ["untold" if a is None else {20: "young", 40: "adult", 70: "old"}[a] for a in ages]
    base = spark.createDataFrame(table.append_column("stage", pa.array(stages)))
    cuts = measure_cuts(base.repartition(3), growth)
    assert cuts == measure_cuts(base.coalesce(1), growth)
    assert Cuts.from_json(cuts.to_json()) == cuts
    found = by_value(cuts.groups)
    amounts = np.array([spend, before, before], dtype=float).T
    told = ["few" if s in ("untold", "old") else s for s in stages]
    members = {name: amounts[[s == name for s in told]] for name in dict.fromkeys(told)}
    assert cuts.groups == measure(rare(members, "few"), GROWTH, growth.segments)
    assert (found["young"].segment, found["adult"].segment) == ("growing", "shrinking")
    assert found.keys() == {"young", "adult", None}
    assert (found[None].customers, found[None].growth) == (10, None)

    whole = resolve(growth, cuts)
    assert [s.values for s in whole.segments] == [("young",), ("adult",), ()]
    made = [whole, stage]
    frame = spark.createDataFrame(table)
    one = {
        (r["customer_id"], r["segmentation"]): (r["segment"], r["score"])
        for r in assign_all(frame, made, NAMES).toArrow().to_pylist()
    }
    assert one == by_duckdb(table, made, {})
    sizes = [one[customer(i), "growth"][0] for i in range(people)]
    assert [sizes.count(name) for name in ("growing", "shrinking", "steady")] == [25, 55, 10]
    hashes = {f"segmentation.{name}": "0" * 32 for name in ("growth", "stage")}
    rows = {r["segment"]: r["rule_text"] for r in catalog_rows(made, {}, hashes, AS_OF)}
    assert rows["growing"] == "stage with growth of spend beyond the base's, shrunk, at least 0.02: young"
    assert rows["steady"] == "otherwise"


def test_rare_values_are_one_row_and_only_so_many_are_listed_the_largest_first(spark: SparkSession) -> None:
    """Of a number of one customer each nothing is listed: neither who has it, nor a row per customer."""
    sizes = {"d": 40, "b": 30, "c": 30, "a": 30, "e": 10, "f": 9, None: 25, **{f"own {i}": 1 for i in range(200)}}
    rows = [(value, n, 2 * n) for value, n in sizes.items()]
    by_value = spark.createDataFrame(rows, "value string, n long, paid long").repartition(3)
    seen = list_largest(by_value, FLOOR, 3).select("value", "is_known", "n", "paid").collect()
    listed = {(value, True, sizes[value], 2 * sizes[value]) for value in ("d", "a", "b")}
    together = 30 + 10 + 9 + 200
    assert {tuple(row) for row in seen} == listed | {(None, True, together, 2 * together), (None, False, 25, 50)}
    assert len(seen) == 5
    enough = list_largest(by_value, FLOOR, 30).where("value is not null").collect()
    assert {row["value"] for row in enough} == {"a", "b", "c", "d", "e"}


def test_what_is_measured_does_not_hang_on_the_order_of_rows() -> None:
    """Added up from the left, 10^16 and 1 are 10^16: whether the 1 counts would hang on who comes first."""
    amounts = {"a": (1e16, 1e16, 1.0), "b": (1.0, 1.0, 1.0), "c": (-1e16, 1.0, 1.0), "d": (7.0, 5.0, 3.0)}
    sums = {v: Sums(20, a, {(i, j): 50.0 for i in range(3) for j in range(i, 3)}) for v, a in amounts.items()}
    turned = dict(reversed(sums.items()))
    for by in (GROWTH, INDEX):
        assert measure(sums, by, (GROWING,)) == measure(turned, by, (GROWING,))


@pytest.mark.parametrize(("now", "before"), [(110.0, 100.0), (121.0, 110.0), (329.7, 299.9)])
def test_customers_who_all_grow_alike_leave_other_groups_alone(now: float, before: float) -> None:
    """Of a flat tariff with a new price the variance is 0, also where rounding leaves 1e-18 of it."""
    rng = np.random.default_rng(2)
    worlds = {str(i): rng.gamma(2, 50, (200, 3)) for i in range(6)}
    everybody = np.vstack([*worlds.values(), np.full((300, 3), (now, before, before))]).sum(axis=0)
    expected = {}
    for name, world in worlds.items():
        latest, earlier = world[:, 0], world[:, 1]
        ratio, base = latest.sum() / earlier.sum(), everybody[0] / everybody[1]
        left = ((latest - ratio * earlier) ** 2).sum() / (len(world) - 1) * len(world) / earlier.sum() ** 2
        expected[name] = (ratio / base - 1, left / base**2)
    flat = Sums(300, (300 * now, 300 * before, 300 * before), {
        (0, 0): 300 * now * now, (0, 1): 300 * now * before, (1, 1): 300 * before * before,
        (0, 2): 300 * now * before, (1, 2): 300 * before * before, (2, 2): 300 * before * before,
    })  # fmt: skip
    found = by_value(measure({n: sums_of(w) for n, w in worlds.items()} | {"flat": flat}, GROWTH, (GROWING,)))
    assert {n: found[n].growth_shrunk for n in worlds} == pytest.approx(shrink(expected), abs=1e-8)
    assert found["flat"].growth_shrunk == found["flat"].growth


def test_limits_admit_their_ends() -> None:
    between = Segment("x", "X", None, None, None, HERE, (), 1.0, 2.0)
    assert [between.admits(v) for v in (0.9, 1.0, 2.0, 2.1)] == [False, True, True, False]
    assert not segment("y").has_limits
