"""A look-alike audience ready to run: conditions compiled, features chosen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from strata.audiences.leakage import NAMED, Judged
from strata.audiences.ranking import Numbers
from strata.contract.columns import Type
from strata.errors import Problem, ProjectError
from strata.expression import Expression, Name, compile_expression
from strata.project.audiences import Audience, Size
from strata.project.words import Text

NOTHING = Judged()


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An audience with its conditions compiled.

    Attributes:
        audience: as declared.
        seed: condition of those to be like.
        candidates: condition of those who may be returned.
        against: who the seed is told apart from.
        features: columns of the snapshot to learn from, by name.
        left_out: columns that would be learned from, were it not for what `leakage` says of them: why -> which.
        sent: numeric columns that are counted from communications, learned from or not.
        reached: of a size by score: the share of the candidates that has it, when it is known.
    """

    audience: Audience
    seed: Expression
    candidates: Expression
    against: Literal["candidates", "base"] | Expression
    features: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()
    reached: float | None = None

    @property
    def name(self) -> str:
        """The audience's name."""
        return self.audience.name

    @property
    def least_score(self) -> float | None:
        """Of a size by score: all candidates from this score on are taken."""
        return self.audience.size.score if self.audience.size else None

    def reach(self, candidates: int) -> float:
        """The share of the candidates that is taken; of a size by score 1, until it is known (`reaching`)."""
        size = self.audience.size or Size(share=1.0)
        if size.customers is not None:
            return min(1.0, size.customers / candidates) if candidates else 1.0
        if size.score is not None and self.reached is not None:
            return self.reached
        return 1.0 if size.share is None else size.share

    def reaching(self, scores: Numbers) -> "Lookalike":
        """The same when the scores of a sample of the candidates are known.

        Of a size by score they say how far it reaches; who reaches nobody of the sample is taken to reach one of it.
        """
        if self.least_score is None or not len(scores):
            return self
        return replace(self, reached=max(1, int((scores >= self.least_score).sum())) / len(scores))

    def train_date(self, as_of: date) -> date:
        """The date whose knowledge the backtest is limited to."""
        return as_of - timedelta(days=self.audience.looks_like.backtest_days)


def compile_lookalike(
    audience: Audience, names: Mapping[str, Name], numeric: Iterable[str], judged: Judged = NOTHING
) -> Lookalike:
    """Compile an audience against a snapshot.

    A feature that its conditions name is the rule itself and not learned from; `leave_out` neither.

    Args:
        audience: as declared.
        names: what conditions may use (`project.names.names_of_features`).
        numeric: the numeric feature columns that the snapshot has.
        judged: what definitions say of columns (`leakage.judge_columns`).

    Raises:
        ProjectError: a condition cannot be used, or `learn_from` leaves no column.
    """
    likeness = audience.looks_like
    seed, candidates, *exclude = [
        compile_expression(text, names, Type.BOOLEAN)
        for text in (likeness.seed, likeness.candidates, *audience.exclude)
    ]
    against = likeness.learn_against
    told = compile_expression(against, names, Type.BOOLEAN) if isinstance(against, Text) else against
    conditions = (seed, candidates, *exclude, *([told] if isinstance(told, Expression) else []))
    reasons = {**dict.fromkeys({name for c in conditions for name in c.names}, NAMED), **judged.kept_from}
    wanted = {c for c in numeric if _matches(c, likeness.learn_from) and not _matches(c, likeness.leave_out)}
    features = tuple(sorted(wanted - reasons.keys()))
    without = sorted(wanted & reasons.keys())
    left = {why: tuple(c for c in without if reasons[c] == why) for why in dict.fromkeys(reasons[c] for c in without)}
    if not features:
        raise ProjectError([_nothing_to_learn_from(audience, left)])
    sent = judged.sent.intersection(numeric) - reasons.keys()
    return Lookalike(audience, seed, candidates, told, features, left, sent)


def _matches(column: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(column, pattern) for pattern in patterns)


def _nothing_to_learn_from(audience: Audience, left: Mapping[str, tuple[str, ...]]) -> Problem:
    patterns = ", ".join(audience.looks_like.learn_from)
    found = "; ".join(f"{', '.join(columns)}, not learned from {why}" for why, columns in left.items())
    what = f"audience {audience.name}: learn_from ({patterns}) leaves nothing to learn from: found"
    hint = "let learn_from match features that say how else customers behave"
    return Problem(audience.where, f"{what} {found or 'no numeric feature that leave_out does not name'}", hint)
