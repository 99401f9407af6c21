"""The catalogue of segments: what every segment is, in words, and since when it is published. Pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from strata.contract.columns import Column, Personal, Type, column
from strata.project.audiences import Audience
from strata.project.measures import Measure
from strata.project.models import Segment, Segmentation
from strata.project.references import declared_segments, relative_names

Row = dict[str, Any]
AnyRow = TypeVar("AnyRow", bound=Mapping[str, Any])
NO_MODELS: Mapping[str, str] = {}


def catalog_rows(
    definitions: Sequence[Segmentation | Audience],
    offers: Mapping[str, str],
    definition_hashes: Mapping[str, str],
    as_of_date: date,
    previous: Iterable[Mapping[str, Any]] = (),
    model_ids: Mapping[str, str] = NO_MODELS,
) -> list[Row]:
    """The whole of `publish.segment_catalog` after a release, without release_id.

    Args:
        definitions: every segmentation of the project, cuts and clusters filled in, and the audiences that
            their conditions may name.
        offers: text of each offer, by id.
        definition_hashes: `segmentation.<name>` -> 32 hex digits.
        as_of_date: date of the release.
        previous: rows of the catalogue before it; none at the first release.
        model_ids: segmentation -> model or cuts that assigned its customers, where it has some.

    Returns:
        A row per segment of today's definitions, in their order, with retired_on None, and after them every earlier
        row that no longer exists (segmentation, version or segment gone), retired as of this date unless it
        already was. A segment that comes back keeps its first date.
    """
    earlier, relative = {_key(row): row for row in previous}, relative_names(definitions)
    live = [
        {
            **row,
            "model_id": model_ids.get(row["segmentation"]),
            "population_relative": row["segmentation"] in relative,
            "published_since": _since(earlier.get(_key(row)), as_of_date),
            "retired_on": None,
        }
        for segmentation in definitions
        if isinstance(segmentation, Segmentation)
        for row in _declared(segmentation, offers, definition_hashes[f"segmentation.{segmentation.name}"])
    ]
    kept = set(map(_key, live))
    return live + [_retired(row, as_of_date) for key, row in sorted(earlier.items()) if key not in kept]


def live_rows(catalog: Iterable[AnyRow]) -> list[AnyRow]:
    """The rows of segments that are in use."""
    return [row for row in catalog if row["retired_on"] is None]


def segmentation_names(catalog: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every segmentation ever released, by name: the columns of `members.customer_segments`."""
    return tuple(sorted({row["segmentation"] for row in catalog}))


def segment_columns(names: Iterable[str]) -> tuple[Column, ...]:
    """The columns that segmentations add to the contract of `members.customer_segments`, in the order of `names`."""
    return tuple(
        column(
            Type.STRING,
            f"Segment in the segmentation {name}; NULL once that is retired",
            nullable=True,
            personal=Personal.BEHAVIOUR,
            name=name,
        )
        for name in names
    )


def _declared(segmentation: Segmentation, offers: Mapping[str, str], definition_hash: str) -> list[Row]:
    common = {
        "segmentation": segmentation.name,
        "version": segmentation.version,
        "kind": segmentation.kind,
        "technique": segmentation.technique,
        "owner": segmentation.owner,
        "task": segmentation.task,
        "definition_hash": definition_hash,
    }
    words = _clusters(segmentation) if segmentation.kind == "clusters" else _segments(segmentation, offers)
    return [{**common, **row, "segment_order": order} for order, row in enumerate(words, start=1)]


def _segments(segmentation: Segmentation, offers: Mapping[str, str]) -> list[Row]:
    return [
        {
            "segment": s.segment,
            "label": s.label,
            "description": s.description,
            "rule_text": _rule_text(s, segmentation),
            "offer": None if s.offer is None else offers[s.offer],
        }
        for s in declared_segments(segmentation)
    ]


def _rule_text(segment: Segment, segmentation: Segmentation) -> str:
    if segmentation.measure is not None and segment.has_limits:
        return _measured(segment, segmentation.measure, str(segmentation.of))
    if segment.values:
        return f"{segmentation.of} in ({', '.join(repr(str(value)) for value in segment.values)})"
    if segmentation.kind == "attribute" and segment.segment == segmentation.unknown:
        return f"{segmentation.of} is null"
    if segment.when is not None:
        return segment.when.words
    is_otherwise = segment.segment == segmentation.otherwise
    return "otherwise" if is_otherwise or segmentation.per is None else f"no {segmentation.per}"


def _measured(segment: Segment, measure: Measure, of: str) -> str:
    limits = {"at least": segment.at_least, "at most": segment.at_most}
    words = " and ".join(f"{which} {limit:g}" for which, limit in limits.items() if limit is not None)
    return f"{of} with {measure.in_words} {words}: {', '.join(segment.values) or 'none'}"


def _clusters(segmentation: Segmentation) -> list[Row]:
    features = ", ".join(f.feature for f in segmentation.features)
    return [
        {
            "segment": cluster.segment,
            "label": cluster.label,
            "description": cluster.description,
            "rule_text": f"nearest of {len(segmentation.segments)} centres over {features}",
            "offer": None,
        }
        for cluster in segmentation.segments
    ]


def _key(row: Mapping[str, Any]) -> tuple[str, int, str]:
    return row["segmentation"], row["version"], row["segment"]


def _since(earlier: Mapping[str, Any] | None, as_of_date: date) -> date:
    # a backfill of an older date may find a segment that a later release published first
    return as_of_date if earlier is None else min(earlier["published_since"], as_of_date)


def _retired(row: Mapping[str, Any], as_of_date: date) -> Row:
    words = {name: value for name, value in row.items() if name != "release_id"}
    return {**words, "retired_on": row["retired_on"] or as_of_date}
