"""The rule that takes a number of clusters."""

from dataclasses import replace

import pytest

from strata.segments.choice import holds, ranked, reason
from strata.segments.evidence import Evidence


def of(clusters: int, silhouette: float | None, calinski_harabasz: float | None, *jaccards: float) -> Evidence:
    each = jaccards if len(jaccards) == clusters else (jaccards[0],) * clusters
    return Evidence(clusters, 1000.0 / clusters, silhouette, calinski_harabasz, each, 20, 100)


def order(*evidence: Evidence, smallest: int = 10) -> list[int]:
    return [e.clusters for e in ranked(evidence, smallest)]


def test_the_largest_number_that_holds_and_lies_apart_is_taken() -> None:
    assert order(of(2, 0.6, 900, 1.0), of(3, 0.5, 1000, 0.9), of(4, 0.48, 900, 0.8), of(5, 0.4, 900, 0.5))[0] == 4


@pytest.mark.parametrize(("jaccards", "expected"), [((0.75, 1.0), True), ((0.74, 1.0), False), ((0.75, 0.75), True)])
def test_clusters_hold_from_hennigs_line_on(jaccards: tuple[float, ...], expected: bool) -> None:
    assert holds(of(2, 0.5, 1.0, *jaccards)) is expected


def test_one_that_is_less_than_three_quarters_as_far_apart_as_the_best_is_not_taken() -> None:
    assert order(of(2, 0.6, 900, 1.0), of(3, 0.45, 900, 0.9), of(4, 0.449, 900, 0.9))[0] == 3
    assert order(of(2, 0.6, 900, 1.0), of(3, 0.6, 450, 0.9), of(4, 0.6, 449, 0.9))[0] == 3


def test_what_does_not_hold_sets_no_mark_for_the_others() -> None:
    assert order(of(2, 0.9, 9000, 0.5), of(3, 0.5, 1000, 0.9))[0] == 3


def test_where_none_holds_the_one_that_comes_back_best_is_taken_of_equals_the_larger() -> None:
    assert order(of(2, 0.2, 90, 0.5), of(3, 0.1, 80, 0.7), of(4, 0.1, 70, 0.7), of(5, 0.3, 99, 0.4)) == [4, 3, 2, 5]


def test_a_number_with_too_small_a_cluster_is_out() -> None:
    assert order(of(2, 0.6, 900, 1.0), replace(of(3, 0.6, 900, 1.0), smallest=9)) == [2]
    assert order(of(2, 0.6, 900, 1.0), smallest=101) == []


def test_where_every_customer_lies_on_a_centre_that_number_lies_apart() -> None:
    on_centres = replace(of(3, 1.0, None, 1.0), inertia=0.0)
    assert order(of(2, 0.9, 900, 1.0), on_centres) == [3, 2]


def test_a_single_cluster_and_one_without_a_silhouette_are_ranked_too() -> None:
    assert order(of(1, None, None, 1.0), of(2, None, 5.0, 1.0)) == [2, 1]


def test_the_reason_says_what_was_found_and_whether_it_is_stable() -> None:
    looked_at = [of(2, 0.612, 1912.34, 0.97), of(3, 0.41, 1500.0, 0.5)]
    assert reason(looked_at, looked_at[0], 10, is_declared=False) == (
        "k = 2 is the largest of 2 to 3 whose clusters come back and lie apart; silhouette 0.612, "
        "Calinski-Harabasz 1,912.3, Jaccard 0.97 at least and 0.97 on average, smallest cluster 100 customers"
    )
    declared = reason(looked_at, looked_at[1], 101, is_declared=True)
    assert declared.startswith("k = 3 is declared; of 2 to 3 the rule would take none; silhouette 0.410")
    assert "a pattern, not stable; the definition asks for 101 customers in the smallest cluster" in declared
    alone = reason(looked_at[1:], looked_at[1], 10, is_declared=False)
    assert alone.startswith("k = 3 has the clusters that come back best, of 3 alone; ")
    assert alone.endswith("a pattern, not stable")
