"""What was measured of groups, as readers may see it: growth beyond the base's, or the index, group by group."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from strata.contract.published import segment_groups
from strata.contract.spark import frame_of
from strata.publish.disclosure import SUPPRESSED, Sums, complete_sums, suppress_small, withhold

FIGURES = (
    "customers", "share", "growth", "growth_shrunk", "growth_shrunk_before", "persistence", "index_100", "index_low",
)  # fmt: skip


def build_groups(
    spark: SparkSession, measured: Mapping[str, Sequence[Mapping[str, object]]], as_of: date, floor: int
) -> DataFrame:
    """One row per group.

    Args:
        spark: holds the few rows.
        measured: segmentation -> its groups: group_value, segment, and FIGURES.
        as_of: the date of the release.
        floor: fewest customers that a figure may be about.

    Returns:
        publish.segment_groups without release_id. The groups of a segmentation add up to its base, so that a second
        one is withheld where one is.
    """
    rows = [
        {"as_of_date": as_of, "segmentation": name, SUPPRESSED: False, "release_id": "", **group}
        for name, groups in measured.items()
        for group in groups
    ]
    frame = suppress_small(frame_of(spark, segment_groups, rows).drop("release_id"), ["customers"], floor)
    of_base = Sums(("as_of_date", "segmentation"), "group_value")
    return withhold(complete_sums(frame, ["customers"], of_base, floor), FIGURES)
