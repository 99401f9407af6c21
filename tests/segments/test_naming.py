from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.segments.bootstrap import refits_of_shoppers
from tests.segments.definitions import HERE
from tests.segments.shoppers import FEATURES, centres_of, nearest, prepared, shoppers

from strata.project.clusterings import ClusterFeature
from strata.segments.naming import Name, name_clusters
from strata.segments.portraits import Effect, strongest_effects

UNKNOWN = np.nan


def feature(name: str, high: str | None = None, low: str | None = None) -> ClusterFeature:
    return ClusterFeature(feature=name, transform="none", where=HERE, high=high, low=low)


DAYS = feature("purchase_days_182d", "frequent", "rare")
OWN = feature("own_brand_share_182d", high="own-brand")
BASKET = feature("spend_per_day_182d", "large baskets", "small baskets")
SPEND = feature("spend_84d")
ALL = (DAYS, OWN, BASKET, SPEND)


def effect(of: ClusterFeature, size: float, mean: float = 2.0, rest: float = 1.0) -> Effect:
    return Effect(of, size, mean, rest, is_share=False)


def named(
    portraits: dict[str, Sequence[Effect]],
    features: Sequence[ClusterFeature] = ALL,
    kept: dict[str, str] | None = None,
    overrides: dict[str, str] | None = None,
    stability: dict[str, float | None] | None = None,
) -> dict[str, str]:
    given = {"kept": kept or {}, "overrides": overrides or {}, "stability": stability or {}}
    return {s: name.label for s, name in name_clusters(portraits, features, **given).items()}


FREQUENT = [effect(DAYS, 1.5), effect(OWN, 0.9), effect(BASKET, -0.6), effect(SPEND, 0.3)]


def test_a_name_has_the_two_strongest_features_in_words() -> None:
    assert named({"c1": FREQUENT}) == {"c1": "Frequent, own-brand"}
    assert named({"c1": [effect(SPEND, -1.0), effect(OWN, -0.9)]}) == {"c1": "Low spend, low own brand share"}
    assert named({"c1": [effect(BASKET, -1.0)]}) == {"c1": "Small baskets"}


def test_the_window_is_said_where_it_tells_two_features_apart() -> None:
    both = (SPEND, feature("spend_364d"), feature("spend_84d_before"), OWN)
    portrait = {f"c{i}": [effect(f, 1.0)] for i, f in enumerate(both)}
    assert list(named(portrait, both).values()) == [
        "High spend (84 days)", "High spend (364 days)", "High spend before", "Own-brand"
    ]  # fmt: skip


def test_clusters_that_would_share_a_name_get_a_third_and_a_fourth_feature() -> None:
    third = [*FREQUENT[:2], effect(BASKET, 0.6)]
    assert named({"c1": FREQUENT, "c2": third}) == {
        "c1": "Frequent, own-brand, small baskets",
        "c2": "Frequent, own-brand, large baskets",
    }
    fourth = [*FREQUENT[:3], effect(SPEND, -0.3)]
    assert named({"c1": FREQUENT, "c2": fourth})["c2"] == "Frequent, own-brand, small baskets, low spend"


def test_two_features_with_the_same_word_say_it_once() -> None:
    once, again = feature("spend_84d", high="big"), feature("lines_84d", high="big")
    portrait = [effect(once, 1.2), effect(again, 1.1), effect(DAYS, -0.5)]
    assert named({"c1": portrait}, (once, again, DAYS)) == {"c1": "Big, rare"}


def test_at_last_the_id_tells_them_apart() -> None:
    assert named({"c1": FREQUENT, "c4": FREQUENT})["c4"] == "Frequent, own-brand, small baskets, high spend (c4)"
    assert named({"c1": [], "c2": []}) == {"c1": "Close to average (c1)", "c2": "Close to average (c2)"}
    assert named({"c1": [], "c2": FREQUENT})["c1"] == "Close to average"


def test_the_same_words_in_another_order_are_the_same_name() -> None:
    assert named({"c1": FREQUENT[:2], "c2": FREQUENT[1::-1]}) == {
        "c1": "Frequent, own-brand (c1)",
        "c2": "Own-brand, frequent (c2)",
    }


def test_a_kept_cluster_keeps_its_name_and_others_make_way() -> None:
    portraits = {"c1": [effect(SPEND, 1.0)], "c2": FREQUENT}
    assert named(portraits, kept={"c1": "Frequent, own-brand", "c9": "x"}) == {
        "c1": "Frequent, own-brand",
        "c2": "Frequent, own-brand, small baskets",
    }


def test_a_number_is_no_name_to_keep() -> None:
    for label in ("Cluster c1", "Cluster c1 (unstable)"):
        assert named({"c1": FREQUENT}, kept={"c1": label}) == {"c1": "Frequent, own-brand"}


def test_the_definition_has_the_last_word_even_over_a_kept_name() -> None:
    portraits = {"c1": FREQUENT, "c2": [effect(SPEND, 1.0)]}
    kept = {"c1": "Weekend shoppers", "c2": "Others"}
    assert named(portraits, kept=kept, overrides={"c2": "Weekend shoppers"}, stability={"c2": 0.1}) == {
        "c1": "Frequent, own-brand",
        "c2": "Weekend shoppers",
    }


def test_an_unstable_cluster_gets_no_name_and_loses_the_one_it_had() -> None:
    stability = {"c1": 0.59, "c2": 0.6, "c3": None}
    portraits = {"c1": FREQUENT, "c2": FREQUENT, "c3": []}
    names = name_clusters(portraits, ALL, kept={"c1": "Frequent"}, overrides={}, stability=stability)
    assert [n.label for n in names.values()] == ["Cluster c1 (unstable)", "Frequent, own-brand", "Close to average"]
    assert (names["c1"].description or "").startswith("unstable, bootstrap Jaccard 0.59; purchase_days_182d 2 against")


def test_the_description_says_it_in_figures() -> None:
    card = feature("has_card")
    share = Effect(card, -1.287, 0.2, 0.8, is_share=True)
    portrait = [effect(SPEND, 1.26, 120.51, 40.2), share, effect(OWN, np.inf, 0.314, 0.0)]
    names = name_clusters({"c1": portrait, "c2": []}, (*ALL, card), kept={}, overrides={}, stability={})
    figures = "spend_84d 120.5 against 40.2 (d 1.3); has_card 20 % against 80 % (h -1.3)"
    assert names["c1"].description == figures + "; own_brand_share_182d 0.31 against 0 (no overlap)"
    assert names["c2"] == Name("Close to average", None)


sizes = st.lists(st.sampled_from([-1.2, -0.4, 0.4, 1.2]), max_size=4)
labels = st.sampled_from(["Frequent", "frequent, own-brand", "Own-brand, Frequent", "Close to average", "Cluster c1"])


@given(st.lists(sizes, min_size=1, max_size=8), st.dictionaries(st.sampled_from(["c1", "c3"]), labels))
def test_names_are_unique_and_begin_with_a_capital(worlds: list[list[float]], overrides: dict[str, str]) -> None:
    portraits = {f"c{i}": [effect(f, s) for f, s in zip(ALL, w, strict=False)] for i, w in enumerate(worlds)}
    names = named(portraits, kept={"c2": "Rare, own-brand"}, overrides=overrides)
    of_ours = [label.casefold() for segment, label in names.items() if segment not in overrides]
    assert len(set(of_ours)) == len(of_ours)
    assert not set(of_ours) & {label.casefold() for label in overrides.values()}
    assert all(label[0].isupper() for segment, label in names.items() if segment not in overrides)


def columns(*values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=float).T


FIRST_TWO = np.array([True, True, False, False])


def test_effects_are_cohens_d_of_the_known_values() -> None:
    # means 6 and 3, squared deviations 2 + 2, two degrees of freedom
    found = strongest_effects(columns([5, 7, 2, 4]), FIRST_TWO, [SPEND])
    assert found == [Effect(SPEND, pytest.approx(3 / np.sqrt(2)), 6.0, 3.0, is_share=False)]
    with_unknown = columns([UNKNOWN, 5, 7, 2, 4, np.inf])
    assert strongest_effects(with_unknown, np.array([True, True, True, False, False, False]), [SPEND]) == found


def test_shares_are_compared_by_cohens_h() -> None:
    members = np.arange(10) < 4
    found = strongest_effects(columns([1, 1, 1, 0, 0, 0, 0, 1, 0, 0]), members, [OWN])
    expected = 2 * np.arcsin(np.sqrt(0.75)) - 2 * np.arcsin(np.sqrt(1 / 6))
    assert found == [Effect(OWN, pytest.approx(expected), 0.75, pytest.approx(1 / 6), is_share=True)]


def test_what_nobody_differs_in_or_nobody_knows_is_left_out() -> None:
    same, unknown, other_side_unknown = [0.1] * 4, [UNKNOWN] * 4, [1.0, 2.0, UNKNOWN, UNKNOWN]
    assert strongest_effects(columns(same, unknown, other_side_unknown), FIRST_TWO, ALL[:3]) == []
    apart = strongest_effects(columns([0.1, 0.1, 0.1, 0.7, 0.7, 0.7]), np.arange(6) < 3, [SPEND])
    assert [e.size for e in apart] == [-np.inf], "no spread, but a difference: the strongest of all"


def test_a_small_effect_counts_from_a_fifth_of_a_deviation() -> None:
    rest = np.tile([-1.0, 1.0], 500)
    for shift, is_counted in ((0.19, False), (0.21, True)):
        values = np.concatenate([rest + shift, rest])[:, None]
        assert bool(strongest_effects(values, np.arange(2000) < 1000, [SPEND])) == is_counted


def test_all_but_equal_effects_stand_in_declared_order() -> None:
    rng = np.random.default_rng(5)
    members = np.arange(2000) < 1000
    values = rng.normal(size=(2000, 3)) + np.where(members, 1.0, 0.0)[:, None] * [1.0, 1.0, 1.3]
    exact = {f: strongest_effects(values[:, [i]], members, [f])[0].size for i, f in enumerate(ALL[:3])}
    assert exact[OWN] > exact[DAYS], "or the order of sizes would show nothing"
    assert [e.feature for e in strongest_effects(values, members, ALL[:3])] == [BASKET, DAYS, OWN]


def test_stable_clusters_of_grocery_keep_their_name_on_bootstrap_samples() -> None:
    values, points = shoppers(), prepared(shoppers())
    before = nearest(points, centres_of(points, 3))
    first = names_of(values, before, ["c1", "c2", "c3"], {})
    found = refits_of_shoppers(3)
    stable = [f"c{i + 1}" for i in np.flatnonzero(found.stability >= 0.85)]
    same = []
    for after, lines in zip(found.labels, found.lines, strict=True):
        kept = {line.segment: first[line.segment] for line in lines if line.verdict == "kept"}
        again = names_of(values, after, [line.segment for line in lines[:3]], kept)
        same += [again.get(segment) == first[segment] for segment in stable]
    assert len(same) >= 40
    assert np.mean(same) >= 0.95


def names_of(values: np.ndarray, labels: np.ndarray, segments: list[str], kept: dict[str, str]) -> dict[str, str]:
    portraits = {s: strongest_effects(values, labels == i, FEATURES) for i, s in enumerate(segments)}
    return named(portraits, FEATURES, kept)
