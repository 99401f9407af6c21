"""A version of a definition means one thing for ever: what is released is not changed under its number. Pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from strata.errors import Problem
from strata.project.models import Segmentation

Row = Mapping[str, Any]


def changed_under_their_version(
    segmentations: Iterable[Segmentation], definition_hashes: Mapping[str, str], catalog: Sequence[Row]
) -> list[Problem]:
    """The definitions that have another meaning than their version had when it was released.

    A hash covers all that a definition uses, so a changed feature changes it too. A version that is taken back to what
    it was, one that comes back after it was retired, and one that was never released are no problem.

    Args:
        segmentations: as they are now.
        definition_hashes: `segmentation.<name>` -> 32 hex digits.
        catalog: rows of `publish.segment_catalog` as readers have it, the retired ones too.
    """
    problems = []
    for segmentation in segmentations:
        known = [row for row in catalog if row["segmentation"] == segmentation.name]
        released = _as_released(row for row in known if row["version"] == segmentation.version)
        now = definition_hashes[f"segmentation.{segmentation.name}"]
        if released and now not in {row["definition_hash"] for row in released}:
            newest = max(row["version"] for row in known)
            problems.append(_problem(segmentation, now, released, newest))
    return problems


def reads_as_released(segmentation: Segmentation, released: Iterable[Row]) -> bool:
    """Whether its rules are word for word those of its released rows: then something that they use has changed."""
    rules = [s.when.words if s.when else "otherwise" for s in segmentation.segments]
    before = [row["rule_text"] for row in sorted(released, key=lambda row: int(row["segment_order"]))]
    return segmentation.kind == "rules" and rules == before


def _as_released(rows: Iterable[Row]) -> list[Row]:
    """The rows of a version that were in use together the last time."""
    listed = list(rows)
    last = max((row["retired_on"] or date.max for row in listed), default=None)
    return [row for row in listed if (row["retired_on"] or date.max) == last]


def _problem(segmentation: Segmentation, now: str, released: Sequence[Row], newest: int) -> Problem:
    since, retired_on = min(row["published_since"] for row in released), released[0]["retired_on"]
    term = f"was released from {since} until {retired_on}" if retired_on else f"is released since {since}"
    then = released[0]["definition_hash"]
    what = (
        f"`{segmentation.name}` has changed under version {segmentation.version}, which {term}"
        f" (definition {then[:12]}, now {now[:12]})"
    )
    step = f"raise version to {newest + 1}, or take the change back"
    if reads_as_released(segmentation, released):
        step += "; its rules read as released: what has changed is a feature or something else that they use"
    return Problem(segmentation.where, what, step)
