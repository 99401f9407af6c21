"""What every kind of segmentation comes down to: a segment column, a score column, helper columns before them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Segmentation


@dataclass(frozen=True, slots=True)
class Assignment:
    """How a segmentation is computed: helper columns in layers, each reading those before it, then the outcome.

    Layers rather than one nested expression, so that Spark computes a helper once although many rules read it.
    """

    segment: Column
    score: Column
    layers: tuple[Mapping[str, Column], ...] = ()


def no_score() -> Column:
    """The score of techniques that have none."""
    return F.lit(None).cast("double")


def helper_name(segmentation: Segmentation | str, part: str | int) -> str:
    """Name of a helper column that no feature and no other segmentation uses."""
    return f"~{segmentation if isinstance(segmentation, str) else segmentation.name}:{part}"


def helper(segmentation: Segmentation | str, part: str | int) -> Column:
    """The helper column of that name; quoted, as the name is no plain identifier on purpose."""
    return F.col(f"`{helper_name(segmentation, part)}`")


def permission_name(purpose: str) -> str:
    """Name of the BOOLEAN column that says who may be addressed for a purpose."""
    return f"~may:{purpose}"


def rolled_up_name(segmentation: Segmentation) -> str:
    """Name of the column that holds what a customer's units come to."""
    return helper_name(segmentation, "units")
