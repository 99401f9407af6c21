"""Agreement and kappa against scikit-learn and a known answer."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from strata.segments.reliability import repetition


def test_the_example_of_two_readers_of_fifty_applications() -> None:
    """Both say yes 20 times, both no 15 times: agreement .7, by chance .5, kappa .4."""
    found = repetition({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
    assert (found.customers, found.agreement, found.kappa) == (50, 0.7, 0.4)
    assert found.is_doubtful


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    found = repetition(Counter(pairs))
    if len({segment for pair in pairs for segment in pair}) == 1:
        assert found.kappa is None
        assert not found.is_doubtful
        return
    ones, others = zip(*pairs, strict=True)
    assert found.kappa == pytest.approx(cohen_kappa_score(ones, others), abs=1e-12)


def test_nobody_agrees_on_nothing() -> None:
    assert repetition({}).kappa is None
