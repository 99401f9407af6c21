"""Cuts of the population, against brute force and known answers."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.segments.cuts import Cuts, Found, covering_cut, found_segments, quantile_cuts, resolve
from strata.segments.scores import score_of

from .definitions import score, segmentation

QUINTILES = replace(score("q", "spend", [], "high"), quantiles=5)
LOW = replace(QUINTILES, better="low")


@pytest.mark.parametrize("quantiles", [QUINTILES, LOW], ids=["high", "low"])
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60, unique=True))
def test_parts_of_untied_values_differ_by_one_customer_at_most(quantiles, values: list[int]) -> None:
    cut = replace(quantiles, thresholds=quantile_cuts([float(v) for v in values], quantiles))
    scores = [score_of(float(v), cut) for v in values]
    sizes = [scores.count(level) for level in range(1, 6)]
    if len(values) >= 5:
        assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == len(values)
    best = max(values) if cut.better == "high" else min(values)
    assert score_of(float(best), cut) == max(scores)


def test_quintiles_of_ten_values_are_pairs() -> None:
    high = replace(QUINTILES, thresholds=quantile_cuts(range(1, 11), QUINTILES))
    low = replace(LOW, thresholds=quantile_cuts(range(1, 11), LOW))
    assert [score_of(float(v), high) for v in range(1, 11)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [score_of(float(v), low) for v in range(1, 11)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_equal_values_are_never_parted() -> None:
    cut = replace(QUINTILES, thresholds=quantile_cuts([0.0] * 70 + [1.0] * 30, QUINTILES))
    assert len({score_of(0.0, cut)}) == len({score_of(1.0, cut)}) == 1
    assert score_of(0.0, cut) != score_of(1.0, cut)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40), st.sampled_from(["0.2", "0.5", "0.8", "1.0"]))
def test_a_cover_is_the_smallest_set_that_makes_the_share(values: list[int], share: str) -> None:
    keys, counts = np.unique(values, return_counts=True)
    histogram = [(int(v), int(n)) for v, n in zip(keys, counts, strict=True)]
    needed = Fraction(share) * sum(values)
    cut = histogram[covering_cut(histogram, needed)][0]
    assert sum(v for v in values if v >= cut) >= needed
    assert sum(v for v in values if v > cut) < needed


def test_no_rounding_moves_a_cover() -> None:
    """As doubles 0.3 × 10 is less than 3 and 0.1 × 3 more than 0.3."""
    assert covering_cut([(1, 10)] * 3, Fraction("0.1") * 30) == 2
    assert covering_cut([(1, 7), (3, 1)], Fraction("0.3") * 10) == 1


def test_values_become_segments_from_the_floor_on_and_share_one_under_one_id() -> None:
    counts = [("Kyiv", 60), ("KYIV", 30), ("Lviv", 9), ("Львів", 40), ("—", 500), ("other", 70)]
    assert found_segments(counts, 10, ("other", "unknown")) == (
        Found("kyiv", "Kyiv", ("KYIV", "Kyiv")),
        Found("львів", "Львів", ("Львів",)),
    )


def test_cuts_survive_json_and_fill_the_definition() -> None:
    cuts = Cuts({"q": (0.1, 2.5, 1e300, float(2**53))}, (Found("a", "A", ("a", "A ")),))
    assert Cuts.from_json(cuts.to_json()) == cuts
    filled = resolve(segmentation("x", "scores", scores=(QUINTILES,)), cuts)
    assert filled.scores[0].thresholds == cuts.thresholds["q"]
    assert [s.values for s in resolve(segmentation("y", "attribute", of="city"), cuts).segments] == [("a", "A ")]
