"""The look-alikes of a release: counted, sampled, learned and picked together, however many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from pyspark.sql import DataFrame

from strata.audiences.curve import Scores, count_scores
from strata.audiences.cut import Cut, find_cut
from strata.audiences.definition import Lookalike, compile_lookalike
from strata.audiences.leakage import judge_columns
from strata.audiences.learn import Learned, learn
from strata.audiences.picking import best, reaching
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, Sample, census_by_date
from strata.contract.spark import rows_of
from strata.pipeline.context import Run, Target
from strata.pipeline.found import Customers, Found
from strata.project.audiences import Audience
from strata.project.models import Project
from strata.project.names import column_names
from strata.project.policies import Privacy
from strata.publish.release import Row
from strata.segments.threads import in_threads
from strata.storage.session import planned_without_constraints


@dataclass(frozen=True, slots=True)
class _Likeness:
    """A look-alike that was learned: its cut and the scores of sampled candidates, unless there is no model."""

    lookalike: Lookalike
    counts: Counts
    learned: Learned
    cut: Cut | None
    scores: Scores | None


def find_lookalikes(
    run: Run, target: Target, audiences: Sequence[Audience], customers: Customers, before: Mapping[str, Row]
) -> list[Found]:
    """What look-alikes find that do not need each other: four Spark jobs for all of them.

    One aggregate counts, one sample comes to the driver, where each model is learned and tried; one pass scores
    everybody for all audiences.

    Args:
        run: project and tables.
        target: the release.
        audiences: of kind lookalike.
        customers: whom they look at.
        before: lines of the catalogue of the release looked back at, by audience.
    """
    with planned_without_constraints(customers.both_dates.sparkSession):
        likenesses = _learn(run, target, audiences, customers, before)
        cuts = {each.lookalike.name: each.cut for each in likenesses if each.cut and not each.learned.withheld}
        counts = {each.lookalike.name: each.counts for each in likenesses}
        picks = pick_best(customers.as_of(target.as_of), [*cuts.values()], counts)
    return [
        Found(
            each.lookalike.audience,
            picks if each.lookalike.name in cuts else None,
            each.counts,
            each.learned.withheld,
            each.learned.notes,
            each.learned,
            each.lookalike,
            each.scores,
            picks,
        )
        for each in likenesses
    ]


def _learn(
    run: Run, target: Target, audiences: Sequence[Audience], customers: Customers, before: Mapping[str, Row]
) -> list[_Likeness]:
    project, as_of, everybody = run.project, target.as_of, customers.both_dates
    numeric = numeric_columns(everybody)
    lookalikes = [compile_lookalike(a, customers.names, numeric, judge_columns(a, project, numeric)) for a in audiences]
    counted = count_customers(everybody, lookalikes, as_of).toArrow()
    census = census_by_date(counted, [each.name for each in lookalikes])
    beside = _beside(project, everybody.columns)
    sample = Sample(training_sample(everybody, lookalikes, as_of, census, beside).toArrow(), census)
    now = census[as_of].of if as_of in census else {}
    like = partial(_like, sample=sample, as_of=as_of, privacy=project.privacy)
    return in_threads(
        lambda each: like(each, counts=now.get(each.name, Counts()), line=_same(project, each, before)), lookalikes
    )


def _same(project: Project, lookalike: Lookalike, before: Mapping[str, Row]) -> Row | None:
    """What the catalogue before says of an audience; None: nothing, or of another definition."""
    line = before.get(lookalike.name)
    definition = project.definition_hashes[f"audience.{lookalike.name}"]
    return line if line and line["definition_hash"] == definition else None


def _like(
    lookalike: Lookalike, sample: Sample, as_of: date, privacy: Privacy, counts: Counts, line: Row | None
) -> _Likeness:
    own = sample.of(lookalike.name, lookalike.audience.looks_like.activity)
    learned = learn(lookalike, own, as_of, counts, privacy, line)
    if learned.model is None:
        return _Likeness(lookalike, counts, learned, None, None)
    scores = learned.model.score(own.candidates_on(as_of, learned.model.features).values)
    cut = find_cut(lookalike, learned.model, counts.candidates, scores)
    return _Likeness(lookalike, counts, learned, cut, count_scores(scores, counts.candidates))


def _beside(project: Project, columns: Sequence[str]) -> list[str]:
    """What is looked at beside what is learned from: whom was written to, and what nobody may learn from."""
    exposure = {name for f in project.features if f.table == "communications" for name in column_names(f)}
    return [name for name in columns if name in exposure.union(project.privacy.protected)]


def pick_best(customers: DataFrame, cuts: Sequence[Cut], counts: Mapping[str, Counts]) -> DataFrame | None:
    """`picks` of all audiences, held in memory; None where there is nothing to pick by.

    Args:
        customers: features of one date, a row each.
        cuts: of the audiences.
        counts: by the name of the audience.
    """
    if not cuts:
        return None
    picks = best(reaching(customers, cuts), cuts).persist()
    found = {row["audience"]: row["count"] for row in rows_of(picks.groupBy("audience").count())}
    short = {cut.lookalike.name for cut in cuts if _is_short(cut, counts, found)}
    if not short:
        return picks
    picks.unpersist()
    surer = [cut.with_everybody() if cut.lookalike.name in short else cut for cut in cuts]
    return best(reaching(customers, surer), surer).persist()


def _is_short(cut: Cut, counts: Mapping[str, Counts], found: Mapping[str, int]) -> bool:
    """Whether a cut let fewer pass than are wanted, as it does when the sample was a bad one."""
    name = cut.lookalike.name
    wanted = 0 if cut.size is None else min(cut.size, counts[name].candidates)
    return cut.least > 0 and found.get(name, 0) < wanted
