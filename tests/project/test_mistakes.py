"""Every mistake is found, at its place, with the nearest right name, and nothing else is said because of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.errors import Location, Problem

from .grocery import change, copy_of_grocery, problems_of

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['mistake']}")
    for path in sorted((Path(__file__).parent / "mistakes").glob("*.yml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]


def make(case: dict[str, Any], folder: Path) -> None:
    path = folder / case["file"]
    for step in case.get("also", ()):
        change(folder / step["file"], step["replace"], step["by"])
    if "all_by" in case:
        path.parent.mkdir(exist_ok=True)
        path.write_text(case["all_by"], "utf-8")
        return
    for step in [case, *case.get("then", ())]:
        change(path, step["replace"], step["by"])


def place(expected: dict[str, Any], file: Path) -> Location:
    """Line and column of the text `at` (its `nth` occurrence, behind `after`) in the file."""
    text = file.read_text("utf-8")
    if expected["at"] == "EOF":
        return Location(str(file), text.count("\n") + 1, 1)
    start = text.index(expected.get("after", "")) + len(expected.get("after", "")) - 1
    for _ in range(expected.get("nth", 1)):
        start = text.index(expected["at"], start + 1)
    line = text.count("\n", 0, start) + 1
    return Location(str(file), expected.get("line", line), start - text.rfind("\n", 0, start))


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_said_where_it_is(case: dict[str, Any], tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    make(case, folder)

    problems = problems_of(folder, case.get("settings"))

    for expected in case["problems"]:
        where = place(expected, folder / expected.get("file", case["file"]))
        assert any(_is(problem, where, expected) for problem in problems), "\n".join(map(str, [where, *problems]))
    if not case.get("more"):
        assert len(problems) == len(case["problems"]), "\n".join(map(str, problems))


def _is(problem: Problem, where: Location, expected: dict[str, Any]) -> bool:
    return (
        problem.where == where
        and problem.what.startswith(expected["says"])
        and problem.next_step.startswith(expected.get("next", ""))
    )


def test_all_mistakes_at_once_are_said_in_one_error_by_file_and_line(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    changes = [
        ("audiences/next_wine_buyers.yml", "purpose: direct_mail ", "purpose: direct_mial "),
        ("features.yml", "kind: mean_gap", "kind: mean_gaps"),
        ("features.yml", "of: income_band", "of: income_bond"),
        ("features.yml", "  - spend_364d", "  - spend_365d"),
        ("privacy.yml", "cell: 10", "cell: 1"),
        ("project.yml", "currency: USD", "currency: dollar"),
        ("quality.yml", "severity: warn", "severity: mild"),
        ("segmentations/rfm.yml", "offer: reminder", "offer: remind"),
        ("segmentations/rfm.yml", "r is null", "r is nul"),
        ("sources/products.yml", "{from: department}", "{from: departement}"),
        ("sources/transactions.yml", "amount < 0", "amont < 0"),
    ]
    for file, before, after in changes:
        change(folder / file, before, after)

    problems = problems_of(folder)

    places = [str(problem.where) for problem in problems]
    assert [Path(place).relative_to(folder).as_posix().split(":")[0] for place in places] == [c[0] for c in changes]
    lines = [(p.where.file, p.where.line) for p in problems if p.where]
    assert lines == sorted(lines)


def test_there_are_more_than_forty_mistakes() -> None:
    assert len(CASES) > 100
