"""What was measured of groups, as readers may see it: growth beyond the base's, or the index, group by group."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type, column, extend
from strata.contract.published import segment_groups
from strata.contract.spark import frame_of
from strata.publish.disclosure import SUPPRESSED, Sums, complete_sums, suppress_small, withhold

FIGURES = (
    "customers", "share", "growth", "growth_shrunk", "growth_shrunk_before", "persistence", "index_100", "index_low",
)  # fmt: skip
OF_BASE = ("as_of_date", "segmentation")
OF_SEGMENT = (*OF_BASE, "segment")
IS_REST = column(Type.BOOLEAN, "Whether it is all groups that are not listed", name="~is_rest")


def build_groups(
    spark: SparkSession,
    measured: Mapping[str, Sequence[Mapping[str, object]]],
    as_of: date,
    floor: int,
    withheld: Collection[tuple[object, object]] = (),
) -> DataFrame:
    """One row per group of at least `floor` customers: the value of a smaller one is of few persons and is not said.

    Args:
        spark: holds the few rows.
        measured: segmentation -> its groups: group_value (None: all that are not listed), segment, and FIGURES.
        as_of: the date of the release.
        floor: fewest customers that a figure may be about.
        withheld: segmentation and segment, of those whose customers the overview does not say: nor do their groups.

    Returns:
        publish.segment_groups without release_id. The groups of a segment add up to its customers, which the overview
        says, and those of a segmentation to its base: where one is withheld, a second one of its segment is too; what
        is not listed counts in it.
    """
    of_all = {"as_of_date": as_of, "release_id": ""}
    rows = [
        {
            **of_all, **group, "segmentation": name, SUPPRESSED: (name, group["segment"]) in withheld,
            "group_value": group["group_value"] or "", str(IS_REST): group["group_value"] is None,
        }
        for name, groups in measured.items()
        for group in groups
    ]  # fmt: skip
    wide = frame_of(spark, extend(segment_groups, (IS_REST,)), rows).drop("release_id")
    frame = suppress_small(wide, ["customers"], floor)
    for within in (OF_SEGMENT, OF_BASE, OF_SEGMENT):
        frame = complete_sums(frame, ["customers"], Sums(within, "group_value"), floor)
    listed = frame.where(~F.col(str(IS_REST)) & (F.col("customers") >= floor)).drop(str(IS_REST))
    return withhold(listed, FIGURES)
