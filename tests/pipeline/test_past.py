"""Which releases the gate compares with; no Spark."""

from datetime import UTC, date, datetime

from strata.pipeline.context import Target
from strata.pipeline.past import released_before
from strata.publish.release import WITHDRAWN, Release

AT = datetime(2024, 11, 1, tzinfo=UTC)


def _row(day: int, sequence: int, release_id: str = "", status: str = "released") -> dict[str, object]:
    made = {"release_id": release_id or f"r{sequence}", "run_id": f"run{sequence}"}
    return {"as_of_date": date(2024, 10, day), "sequence": sequence, "status": status, **made}


def _target(day: int, history: list[dict[str, object]], **more: object) -> Target:
    release = Release("new", date(2024, 10, day), AT, "config", "code", None)
    return Target(release, previous=(), history=tuple(history), **{"released": (), **more})  # type: ignore[arg-type]


def test_of_each_earlier_date_the_newest_release_counts() -> None:
    history = [_row(7, 1), _row(7, 1), _row(8, 2), _row(7, 3), _row(10, 4), _row(9, 5)]
    assert [r["run_id"] for r in released_before(_target(9, history))] == ["run3", "run2"]


def test_what_was_taken_back_does_not_count() -> None:
    history = [_row(7, 1), _row(8, 2), _row(7, 3, status=WITHDRAWN)]
    assert [r["run_id"] for r in released_before(_target(9, history))] == ["run1", "run2"]


def test_a_replay_knows_what_had_been_released_before_it() -> None:
    history = [_row(7, 1), _row(8, 2), _row(9, 3, "new"), _row(8, 4)]
    again = _target(9, history, released=(history[2],), is_replay=True)
    assert [r["run_id"] for r in released_before(again)] == ["run1", "run2"]
    anew = _target(9, history, released=(history[2],))
    assert [r["run_id"] for r in released_before(anew)] == ["run1", "run4"]
