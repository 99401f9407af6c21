"""Which segmentations conditions name, and what is computed first."""

from dataclasses import replace

import pytest
from tests.audiences.definitions import audience
from tests.segments.definitions import segment, segmentation

from strata.contract.columns import Type
from strata.errors import Location, ProjectError
from strata.expression import Name
from strata.project.audiences import Size
from strata.project.references import (
    audience_generations,
    audiences_behind,
    audiences_in,
    closure,
    generations,
    key_of,
    looks_back_at,
    mentioned_in,
    names_of_audiences,
    relative_names,
)
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


@pytest.mark.parametrize("words", ['audience."wine"', '"audience".wine', '"audience.wine"', '"audience" . "wine"'])
def test_quotes_around_a_name_or_its_prefix_hide_nothing(words) -> None:
    assert audiences_in([Text(f"{words} and \"rfm\" = 'tier'", HERE)]) == {"wine"}
    assert mentioned_in([Text(f"{words} and \"rfm\" = 'tier'", HERE)], ["rfm", "wine"]) == {"rfm"}
    assert looks_back_at([Text("previous.\"rfm\" = 'gold'", HERE)]) == {"rfm"}


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


def list_of(name: str, candidates: str, *exclude: str):
    made = audience(name=name, candidates=candidates, exclude=exclude)
    likeness = replace(made.looks_like, seed=Text("x > 0", HERE), candidates=Text(candidates, HERE))
    return replace(made, likeness=likeness)


def test_audiences_are_ordered_among_segmentations() -> None:
    texts = [Text("audience.wine and rfm = 'audience.beer' or audience . tea", HERE)]
    assert audiences_in(texts) == {"wine", "tea"}
    assert mentioned_in(texts, ["rfm", "wine", "audience.wine"]) == {"rfm", "audience.wine"}
    assert names_of_audiences([list_of("wine", "x > 1")]) == {"audience.wine": Name(Type.BOOLEAN, False)}
    made = [
        rule("a", "audience.wine"), list_of("wine", "b = 'a'", "audience.tea"), rule("b", "x > 1"),
        list_of("tea", "x > 1"), rule("wine", "x > 1"),
    ]  # fmt: skip
    assert [[key_of(d) for d in group] for group in generations(made)] == [
        ["b", "audience.tea", "wine"], ["audience.wine"], ["a"],
    ]  # fmt: skip
    assert relative_names(made) == {"audience.tea", "audience.wine", "a"}


def test_audiences_are_also_found_behind_the_segmentations_that_conditions_mention() -> None:
    made = [rule("a", "b = 'a'"), rule("b", "audience.tea"), rule("c", "audience.wine"), rule("d", "previous.b = 'a'")]
    found = {
        words: audiences_behind([Text(words, HERE)], made)
        for words in ("a = 'x'", "audience.beer or c = 'x'", "d = 'x'", "x > 1")
    }
    assert [*found.values()] == [{"tea"}, {"beer", "wine"}, set(), set()]


def test_audiences_that_need_none_of_each_other_are_one_group_whatever_segmentations_lie_between() -> None:
    segmentations = [rule("a", "x > 1"), rule("b", "audience.tea")]
    order = Size(customers=5, order=Text("case when audience.tea then x else 0 end", HERE))
    made = [
        list_of("wine", "b = 'a'"),
        list_of("tea", "a = 'a'"),
        list_of("beer", "x > 1"),
        replace(list_of("milk", "x > 1"), ahead=("wine",)),
        replace(list_of("juice", "x > 1"), size=order),
    ]
    groups = audience_generations(made, segmentations)
    assert [[a.name for a in group] for group in groups] == [["tea", "beer"], ["wine", "juice"], ["milk"]]
    assert [[key_of(d) for d in group] for group in generations([*segmentations, *made])] == [
        ["a", "audience.beer"], ["audience.tea"], ["b", "audience.juice"], ["audience.wine"], ["audience.milk"],
    ]  # fmt: skip


def test_a_circle_by_way_of_an_audience_is_said_with_the_way_round() -> None:
    made = [rule("a", "x > 1 and audience.wine"), list_of("wine", "x > 1", "audience.tea"), list_of("tea", "a = 'a'")]
    with pytest.raises(ProjectError) as caught:
        generations(made)
    (problem,) = caught.value.problems
    assert problem.what == (
        "segmentations and audiences need each other: `a` needs `audience.wine` needs `audience.tea` needs `a`"
    )
    with pytest.raises(ProjectError, match=r"^[^`]*audiences need each other: `audience.tea` needs `audience.tea`"):
        generations([list_of("tea", "x > 1", "audience.tea")])


def test_what_names_a_relative_segmentation_is_relative_too() -> None:
    style = segmentation("style", "clusters", clusters=3)
    made = [rule("c", "b = 'a'"), rule("b", "style = 'c1'"), style, rule("d", "x > 1")]
    assert relative_names(made) == {"style", "b", "c"}
