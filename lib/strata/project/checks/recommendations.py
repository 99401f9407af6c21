"""Recommendations: the condition compiles, items are a column of products, the purpose exists."""

from collections.abc import Sequence

from strata.contract.columns import Type
from strata.project.checks.expressions import Compiler
from strata.project.fed import Reads, lacking
from strata.project.names import PRODUCT_NAMES, names_of_events
from strata.project.policies import Privacy
from strata.project.recommendations import Recommendation
from strata.project.sources import Source
from strata.project.words import place_of


def check_recommendation(
    recommendation: Recommendation, sources: Sequence[Source], privacy: Privacy | None, compiler: Compiler
) -> None:
    """Everything about one recommendation; `privacy` None: not known, because its file cannot be read."""
    notes = compiler.notes
    compiler.compile(recommendation.condition, names_of_events(sources), Type.BOOLEAN)
    notes.expect_known(recommendation.of, PRODUCT_NAMES, "column of products")
    if recommendation.holdout_days > recommendation.days:
        what = f"holdout_days: found {recommendation.holdout_days}, expected at most {recommendation.days}, the `days`"
        notes.add(recommendation.where, what, "models learn from the days before those they are tried on")
    if privacy is not None:
        notes.expect_known(recommendation.purpose, {p.name for p in privacy.purposes}, "purpose in privacy.yml")


def check_items_fed(recommendation: Recommendation, sources: Sequence[Source], compiler: Compiler) -> None:
    """Note where no source fills what its items are; everything else about it is right."""
    items = {("events", "product_id"), ("products", str(PRODUCT_NAMES[recommendation.of]))}
    lacks = lacking(Reads("events", frozenset(items)), sources, compiler.compiled)
    if lacks:
        what = f"`{recommendation.name}` needs {recommendation.of}, but no source fills {', '.join(lacks)}"
        compiler.notes.add(place_of(recommendation.of), what, "map it in a source, or leave the recommendation out")
