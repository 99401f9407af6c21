"""Which kills a sweep consists of. No Spark."""

from pathlib import Path

from tests.sweep.kills import Kill, Leg, Outcome, add_outcome, kills, read_outcomes

LEGS = [
    Leg("ingest", None, "2017-11-30", ["a", "b", "c", "d"], 1, Path(), ()),
    Leg("second", None, "2017-12-31", ["a", "e", "f"], 9, Path(), ()),
]


def test_every_point_of_every_leg_is_one_kill() -> None:
    assert [(k.leg, k.where) for k in kills(LEGS, None, 0, 1)] == [
        *(("ingest", p) for p in "abcd"),
        *(("second", p) for p in "aef"),
    ]


def test_some_points_are_spread_over_all_legs() -> None:
    for few in range(9):
        chosen = list(kills(LEGS, few, 0, 1))
        assert len(chosen) == len(set(chosen)) == min(few, 7)
    assert [(k.leg, k.where) for k in kills(LEGS, 3, 0, 1)] == [("ingest", "a"), ("ingest", "c"), ("second", "a")]


def test_random_moments_follow_from_the_seed_and_lie_where_the_time_goes() -> None:
    chosen = list(kills(LEGS, 0, 100, 1))
    assert chosen == list(kills(LEGS, 0, 100, 1)) != list(kills(LEGS, 0, 100, 2))
    assert list(kills(LEGS, 0, 10, 1)) == chosen[:10]
    assert 80 <= sum(k.leg == "second" for k in chosen) <= 98
    assert all(0 <= k.after <= {"ingest": 1, "second": 9}[k.leg] for k in chosen)
    assert sum(k.orphan for k in chosen) == 50


def test_what_is_done_is_found_again(tmp_path: Path) -> None:
    book = tmp_path / "outcomes.jsonl"
    assert read_outcomes(book) == []
    outcomes = [
        Outcome("second", Kill("second", "a").name, False, True, 1.5, 2.5, ["x"], {"sets": 3}),
        Outcome("i", "b", True),
    ]
    for outcome in outcomes:
        add_outcome(book, outcome)
    assert read_outcomes(book) == outcomes
