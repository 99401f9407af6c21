"""Which definitions may not be released under the version they carry. No Spark."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from tests.segments.definitions import HERE, segment, segmentation

from strata.errors import Problem
from strata.project.models import Segmentation
from strata.publish.catalog import catalog_rows
from strata.publish.versions import changed_under_their_version

OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 31)
REACH = segmentation("reach", segments=[segment("near", "km < 5"), segment("far")], otherwise="far")
WIDER = replace(REACH, segments=(segment("near", "km < 9"), segment("far")))
A, B, C = "a" * 32, "b" * 32, "c" * 32


def catalog(
    made: Segmentation, definition: str, on: date, after: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    return catalog_rows([made], {}, {"segmentation.reach": definition}, on, after)


def found(made: Segmentation, definition: str, rows: Sequence[dict[str, Any]]) -> list[Problem]:
    return changed_under_their_version([made], {"segmentation.reach": definition}, rows)


def test_a_change_under_a_released_version_is_refused_with_what_to_do() -> None:
    (problem,) = found(WIDER, B, catalog(REACH, A, OCTOBER))
    assert problem.where == HERE
    assert problem.what == (
        f"`reach` has changed under version 1, which is released since 2017-10-31 (definition {A[:12]}, now {B[:12]})"
    )
    assert problem.next_step == "raise version to 2, or take the change back"


def test_what_is_new_as_released_or_has_another_version_is_not() -> None:
    assert found(REACH, A, []) == []
    assert found(REACH, A, catalog(REACH, A, OCTOBER)) == []
    assert found(replace(WIDER, version=2), B, catalog(REACH, A, OCTOBER)) == []


def test_of_what_the_rules_use_the_problem_says_that_they_read_as_released() -> None:
    (problem,) = found(REACH, B, catalog(REACH, A, OCTOBER))
    assert "its rules read as released: what has changed is a feature" in problem.next_step


def test_a_version_taken_back_is_as_it_was_and_no_number_is_used_twice() -> None:
    second = catalog(replace(WIDER, version=2), B, NOVEMBER, catalog(REACH, A, OCTOBER))
    assert found(REACH, A, second) == []
    (problem,) = found(WIDER, C, second)
    assert "which was released from 2017-10-31 until 2017-11-30" in problem.what
    assert problem.next_step.startswith("raise version to 3,")
    (problem,) = found(replace(REACH, version=2), C, second)
    assert "version 2, which is released since 2017-11-30" in problem.what


def test_what_was_retired_comes_back_only_as_it_was() -> None:
    gone = catalog_rows([], {}, {}, NOVEMBER, catalog(REACH, A, OCTOBER))
    assert found(REACH, A, gone) == []
    assert len(found(WIDER, B, gone)) == 1


def test_a_segment_that_an_older_form_of_the_version_had_is_no_ground() -> None:
    """Tables may be older than this rule: of a version that meant two things the last one counts."""
    both = catalog(replace(REACH, segments=REACH.segments[:1]), B, NOVEMBER, catalog(REACH, A, OCTOBER))
    assert {row["definition_hash"] for row in both} == {A, B}
    assert found(REACH, B, both) == []
    assert len(found(REACH, A, both)) == 1
