"""What the stage segments says about segments and bases that nobody is in. No Spark."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.ingest.kit import Silent
from tests.project.grocery import change, copy_of_grocery, loaded

from strata.errors import InputError
from strata.pipeline import segments
from strata.pipeline.context import Target
from strata.pipeline.models import Assigning
from strata.publish.release import Release

TARGET = Target(
    Release("a" * 32, date(2017, 12, 31), datetime(2018, 1, 2, tzinfo=UTC), "c" * 32, "0", None), (), (), ()
)


class Told(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def place(path: Path, words: str) -> str:
    """file:line:column of the words."""
    lines = path.read_text("utf-8").splitlines()
    found = [f"{path}:{n}:{line.index(words) + 1}" for n, line in enumerate(lines, 1) if words in line]
    assert len(found) == 1
    return found[0]


def test_a_rule_that_takes_nobody_is_noted_and_an_empty_base_stops_each_with_its_place(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    frequency, rfm, style = (
        folder / f"segmentations/{name}.yml" for name in ("purchase_frequency", "rfm", "shopping_style")
    )
    change(rfm, "kind: scores", 'kind: scores\nbase: "spend_182d < 0"')
    project, told = loaded(folder), Told()
    made = Assigning(project.segmentations)
    sizes = {("purchase_frequency", s): 10 for s in ("lost", "new", "high", "low")} | {("shopping_style", None): 40}

    with pytest.raises(InputError) as caught:
        segments._look_at(SimpleNamespace(progress=told), TARGET, made, sizes)

    assert told.notes == [
        f"{place(frequency, 'first_purchase_on is null')}: nobody is in purchase_frequency `never`",
        f"{place(frequency, 'purchase_days_182d >= 6')}: nobody is in purchase_frequency `medium`",
    ]
    (problem,) = caught.value.problems
    assert (caught.value.exit_code, str(problem.where)) == (3, place(rfm, "spend_182d < 0"))
    assert problem.what == "nobody is in the base of `rfm` as of 2017-12-31"
    with pytest.raises(InputError) as caught:
        segments._look_at(SimpleNamespace(progress=told), TARGET, made, {})
    assert [p.where.file for p in caught.value.problems if p.where] == list(map(str, (frequency, rfm, style)))
