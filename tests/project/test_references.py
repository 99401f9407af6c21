"""Which segmentations conditions name, and what is computed first."""

from dataclasses import replace

import pytest
from tests.segments.definitions import segment, segmentation

from strata.errors import Location, ProjectError
from strata.project.references import closure, generations, looks_back_at, mentioned_in, relative_names
from strata.project.words import Text

HERE = Location("x.yml", 3, 7)


def rule(name: str, when: str, base: str | None = None):
    made = segmentation(name, segments=[segment("a", when)])
    return replace(made, base=Text(base, HERE)) if base else made


def test_names_are_told_apart_from_their_past_from_words_and_from_functions() -> None:
    text = Text("rfm = 'tier' and previous.tier = 'gold' or previous . style = 'a' and coalesce(age, 1) > 0", HERE)
    known = ["rfm", "tier", "style", "coalesce", "age"]
    assert mentioned_in([text], known) == {"rfm", "age"}
    assert looks_back_at([text]) == {"tier", "style"}


def test_groups_follow_needs_and_keep_the_given_order_within() -> None:
    made = [rule("d", "c = 'a'"), rule("b", "x > 1"), rule("c", "x > 2", base="b = 'a'"), rule("a", "previous.d = 'a'")]
    assert [[s.name for s in group] for group in generations(made)] == [["b", "a"], ["c"], ["d"]]
    assert [s.name for s in closure(["c"], made)] == ["b", "c"]


def test_a_circle_is_said_with_the_way_round_and_its_place() -> None:
    made = [rule("b", "c = 'a'"), rule("c", "a = 'a'"), rule("a", "x > 1", base="b = 'a'")]
    with pytest.raises(ProjectError) as caught:
        generations(made)
    (problem,) = caught.value.problems
    assert problem.what == "segmentations need each other: `a` needs `b` needs `c` needs `a`"
    assert problem.where == HERE


def test_what_names_a_relative_segmentation_is_relative_too() -> None:
    style = segmentation("style", "clusters", clusters=3)
    made = [rule("c", "b = 'a'"), rule("b", "style = 'c1'"), style, rule("d", "x > 1")]
    assert relative_names(made) == {"style", "b", "c"}
