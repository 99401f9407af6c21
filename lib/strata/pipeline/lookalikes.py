"""A look-alike audience of a release: learned, tried, and its best candidates found."""

from strata.audiences.counting import candidate_scores
from strata.audiences.definition import Lookalike, compile_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, counts_by_date
from strata.audiences.selection import best_candidates
from strata.pipeline.context import Run, Target
from strata.pipeline.found import Customers, Found
from strata.project.audiences import Audience


def find_lookalike(run: Run, target: Target, audience: Audience, customers: Customers) -> Found:
    """The best candidates of one look-alike; nobody where there is no model to score them by."""
    lookalike, learned = _learn(run, target, audience, customers)
    today, model = customers.as_of(target.as_of), learned.model
    return Found(
        audience,
        best_candidates(today, lookalike, model, learned.counts.candidates) if model else None,
        learned.counts,
        learned.withheld,
        learned.notes,
        learned,
        candidate_scores(today, lookalike, model) if model else None,
    )


def _learn(run: Run, target: Target, audience: Audience, customers: Customers) -> tuple[Lookalike, Learned]:
    names = customers.names
    lookalike = compile_lookalike(audience, names, numeric_columns(customers.both_dates))
    counts = counts_by_date(count_customers(customers.both_dates, lookalike, target.as_of).toArrow())
    sample = training_sample(customers.both_dates, lookalike, target.as_of, counts).toArrow()
    now = counts.get(target.as_of, Counts())
    return lookalike, learn(lookalike, sample, target.as_of, now, run.project.privacy.seed_floor)
