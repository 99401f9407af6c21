"""What lies in staging is of one release, and looked back at what that looks back at. No Spark."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from strata.contract.published import segment_catalog
from strata.errors import InputError
from strata.pipeline.context import Target
from strata.pipeline.staged import staged_commits
from strata.publish.release import Release
from strata.storage.commits import Commit

DAY, NOW = date(2017, 12, 31), datetime(2018, 1, 1, tzinfo=UTC)


def aimed(letter: str, *looks_back_at: str | None) -> Target:
    return Target(Release(letter * 32, DAY, NOW, "c" * 32, "1", *looks_back_at), (), (), ())


def found(target: Target, note: str) -> list[int]:
    lakehouse = SimpleNamespace(
        exists=lambda _: True, newest=lambda _: Commit(7, f"run-1 {note}", 3), grown=lambda table, _: table
    )
    commits = staged_commits(SimpleNamespace(lakehouse=lakehouse), target, [segment_catalog])  # type: ignore[arg-type]
    return [commit.version for _, commit in commits]


def test_what_was_staged_for_the_release_is_found() -> None:
    for target in (aimed("a", None), aimed("a", "b" * 32), aimed("a", "b" * 32, None, "d" * 32)):
        assert found(target, target.note) == [7]


@pytest.mark.parametrize(
    "staged_for",
    [
        pytest.param(aimed("e", "b" * 32).note, id="another release"),
        pytest.param(aimed("a", "c" * 32).note, id="it looked back at one that a rollback has taken back"),
        pytest.param(aimed("a", "b" * 32, "d" * 32).note, id="another month"),
        pytest.param("a" * 32, id="an older strata, or a rollback"),
    ],
)
def test_what_was_staged_for_another_is_not(staged_for: str) -> None:
    with pytest.raises(InputError, match=r"publish\.segment_catalog do not hold release aaaaaaaaaaaa"):
        found(aimed("a", "b" * 32), staged_for)
