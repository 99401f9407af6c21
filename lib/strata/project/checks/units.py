"""Units: their columns and conditions exist, their features have one window, and they come together again."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from strata.contract.columns import Type
from strata.errors import Problem
from strata.expression import Name
from strata.project.checks.expressions import Compiler
from strata.project.models import Feature, Segmentation
from strata.project.names import names_of_events, names_of_features
from strata.project.shapes.features import FeatureFile, FeatureLine
from strata.project.sources import Source
from strata.project.units import Unit
from strata.project.words import place_of

WEEK = 7
TELLING = frozenset({Type.STRING, Type.BIGINT, Type.DATE})
"""Types of which a value can be the id of a unit."""


def check_units(file: FeatureFile, sources: Sequence[Source], compiler: Compiler) -> dict[str, Unit]:
    """The units of a file by name; what is wrong with them is noted."""
    notes, names = compiler.notes, names_of_events(sources)
    units: dict[str, Unit] = {}
    for unit in file.units:
        first = units.setdefault(unit.name, unit)
        if first is not unit:
            what = f"a second unit `{unit.name}`, the first is at line {first.where.line}"
            notes.add(place_of(unit.name), what, "rename one")
        if unit.days % WEEK and not unit.any_window:
            what = f"found a window of {unit.days} days, expected a multiple of {WEEK}"
            notes.add(unit.where, what, "other windows follow the day of the week; any_window: true allows them")
        is_known = notes.expect_known(unit.of.words, names, "column of events", unit.of.where)
        if is_known and names[unit.of.words].type not in TELLING:
            what = f"`{unit.of}` is {names[unit.of.words].type.name}, which cannot tell units apart"
            notes.add(unit.of.where, what, "expected STRING, BIGINT or DATE")
        if unit.condition is not None:
            compiler.compile(unit.condition, names, Type.BOOLEAN)
    return units


def unit_problems(line: FeatureLine) -> Iterator[Problem]:
    """What a feature cannot say that is `per` a unit: it looks at the events of the unit, and only at these."""
    if line.per is None:
        return
    said = {
        "days": line.days, "offset": line.offset, "any_window": line.any_window, "by": line.by, "keep": line.keep,
        "values": line.values, "from": line.table != "events",
    }  # fmt: skip
    for key in (key for key, value in said.items() if value):
        yield Problem(
            place_of(line.per) or line.where,
            f"`{line.name}` is per {line.per} and cannot have the key `{key}`",
            "a unit has one window, that of its declaration, and is made of events",
        )


def names_per_unit(units: Iterable[Unit], features: Iterable[Feature] | None) -> dict[str, dict[str, Name]]:
    """Unit -> what its conditions may use: its own features and those of the customer."""
    listed = tuple(features or ())
    return {u.name: names_of_features(f for f in listed if f.per in (None, u.name)) for u in units}


def check_roll_up(segmentation: Segmentation, units: Collection[str], compiler: Compiler) -> None:
    """What only a segmentation per unit has: a unit that there is, and a segment for customers without one."""
    notes, per, roll_up = compiler.notes, segmentation.per, segmentation.roll_up
    if per is None:
        if roll_up is not None:
            notes.add(roll_up.where, "`roll_up` without `per`", "per: <unit> says what is rolled up")
        return
    notes.expect_known(per, units, "unit")
    if roll_up is None:
        what = f"a segmentation per {per} needs the key `roll_up`"
        notes.add(segmentation.where, what, "by: last, most_frequent or highest; without: the segment of no unit")
        return
    for score in (score for score in segmentation.scores if score.is_relative):
        notes.add(score.where, f"`{score.score}` is cut by the population, which units do not have", "use thresholds")
    declared = {segment.segment: segment for segment in segmentation.segments}
    without = declared.get(roll_up.without)
    if notes.expect_known(roll_up.without, declared, "segment") and without is not None and without.when is not None:
        what = f"`{without.segment}` is the segment of customers without a {per} and cannot have the key `when`"
        notes.add(without.when.where, what, "units that fulfil it need a segment of their own")
