"""What an audience declares: who is in it, how many, who is left out, for how long. Frozen values, as in `models`."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from strata.errors import Location
from strata.project.words import Text

Normaliser = Literal["plain", "msisdn", "email", "customer_id"]
"""How an id of a list is brought into the form that was hashed; `customer_id`: it is the pseudonym already."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a look-alike learns, and how it is tried.

    Attributes:
        seed: condition of those to be like.
        candidates: condition of those who may be returned.
        learn_against: who the seed is told apart from: candidates, everybody else, or whom a condition names (for
            responders: those who were asked).
        learn_from: features to learn from; patterns with *.
        leave_out: features not to learn from; patterns with *.
        activity: the feature of which customers who have most are called most active.
        backtest_days: how far back it is tried.
        penalty: how weights are held small; an elastic net also leaves features out.
    """

    seed: Text
    candidates: Text
    learn_against: Literal["candidates", "base"] | Text
    learn_from: tuple[str, ...]
    leave_out: tuple[str, ...]
    activity: str
    backtest_days: int
    penalty: Literal["ridge", "elastic_net"] = "ridge"

    @property
    def conditions(self) -> tuple[Text, ...]:
        """Everything in it that is evaluated for a customer."""
        against = (self.learn_against,) if isinstance(self.learn_against, Text) else ()
        return self.seed, self.candidates, *against


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file of ids: CSV with a header, or Parquet.

    Attributes:
        path: where it lies; within the project's folder, unless it is absolute.
        column: which column holds the ids.
        identity: what the ids are.
        digest: SHA-256 of the file's bytes; empty where there is no file.
    """

    path: str
    column: str
    identity: Normaliser
    where: Location
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """How many: so many customers, a share of those who could be, or all from a score on. One of the three.

    Attributes:
        order: the number by which the best are found; of a look-alike its score, always.
        best: whether much or little of it is good.
    """

    customers: int | None = None
    share: float | None = None
    score: float | None = None
    order: Text | None = None
    best: Literal["high", "low"] = "high"


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a membership ends: so many days after it began, or on a day for everybody."""

    after_days: int | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Who was sent `at_most` communications in the last `days` days is left out."""

    at_most: int
    days: int


@dataclass(frozen=True, slots=True)
class Band:
    """How an audience may change in size from one release to the next, as parts of the last size."""

    at_least: float = 0.0
    at_most: float = float("inf")


ANY_SIZE = Band()


@dataclass(frozen=True, slots=True)
class Audience:
    """A list of customers for one purpose: by a condition, by likeness to a seed, or from a file.

    Attributes:
        purpose: of privacy.yml; whoever may not be addressed for it is never a member.
        include: of kind rule: who is in it.
        likeness: of kind lookalike.
        list_file: of kind list.
        exclude: conditions of those who are never members; the project's suppressions among them.
        size: None: everybody.
        publish_at_least: an audience of fewer is withheld.
        holdout: share of the members kept from the campaign, for comparison; the same customers in every release.
        priority: 1 comes first: a customer is in one audience only of those of a purpose that have a priority.
        ahead: the audiences whose members are for that reason not in this one.
        band: None: any size.
    """

    name: str
    kind: Literal["rule", "lookalike", "list"]
    owner: str
    purpose: str
    exclude: tuple[Text, ...]
    publish_at_least: int
    where: Location
    include: Text | None = None
    likeness: Likeness | None = None
    list_file: ListFile | None = None
    size: Size | None = None
    holdout: float = 0.0
    expires: Expiry | None = None
    pressure: Pressure | None = None
    priority: int | None = None
    ahead: tuple[str, ...] = ()
    band: Band = ANY_SIZE

    @property
    def conditions(self) -> tuple[Text, ...]:
        """Every condition about a customer, exclusions last."""
        likeness = self.likeness.conditions if self.likeness else ()
        included = (self.include,) if self.include else ()
        return *included, *likeness, *self.exclude

    @property
    def texts(self) -> tuple[Text, ...]:
        """Everything that is evaluated for a customer: conditions, and the number that orders."""
        return (*self.conditions, self.order) if self.order else self.conditions

    @property
    def order(self) -> Text | None:
        """The number by which the best are found; None: there is none, or the score of a look-alike."""
        return self.size.order if self.size else None

    @property
    def is_relative(self) -> bool:
        """Whether being a member depends on the other customers, as it does where only the best are taken."""
        return self.kind == "lookalike" or (self.size is not None and self.size.score is None)

    @property
    def looks_like(self) -> Likeness:
        """What a look-alike learns.

        Raises:
            TypeError: it is of another kind.
        """
        if self.likeness is None:
            raise TypeError(f"audience {self.name} is of kind {self.kind} and has no seed")
        return self.likeness
