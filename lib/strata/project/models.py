"""What a project says, as frozen values: the only form in which the rest of strata sees YAML.

Every model that a person wrote carries `where`, the place of its first line, for errors. Expressions are kept as
`Text` (words and place) and compiled where their names are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from strata.contract.columns import Type
from strata.errors import Location
from strata.project.audiences import Audience
from strata.project.clusterings import SMALLEST, USUAL_REFIT, ClusterFeature, Refit
from strata.project.measures import Measure
from strata.project.policies import USUAL_HISTORY, Check, History, Privacy
from strata.project.recommendations import Recommendation
from strata.project.sources import Source
from strata.project.units import RollUp, Unit
from strata.project.words import Text


@dataclass(frozen=True, slots=True)
class Identity:
    """Which key turns source ids into customer ids, and where it is found."""

    key_id: str
    key_env: str
    key_file: str | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Where tables live: at <root>/<schema>/<table>, or in <catalog> as <prefix><schema>.<table>.

    `single_writer`: somebody sees to it that one run at a time writes there. `log_store`: class of Delta's log store.
    """

    root: str | None
    catalog: str | None = None
    prefix: str = ""
    single_writer: bool = False
    log_store: str | None = None

    @property
    def scheme(self) -> str | None:
        """The scheme of a root that is no folder of this machine."""
        return self.root.partition("://")[0].lower() if self.root is not None and not self.is_local else None

    @property
    def is_local(self) -> bool:
        """Whether the tables lie in a folder of this machine."""
        return self.root is not None and "://" not in self.root


@dataclass(frozen=True, slots=True)
class Keep:
    """How long published slices stay: those of `daily_days`, then the last of every month or none.

    A release of the last `rollback_days` can be brought back, and read at the versions it pins.
    """

    daily_days: int = 35
    then: Literal["month_ends", "nothing"] = "month_ends"
    rollback_days: int = 7


FeatureKind = Literal[
    "count", "sum", "min", "max", "mean", "active_days", "mean_gap", "share", "days_since", "first_on", "last_on",
    "distinct", "top", "last", "stopped", "restarted", "regular", "sequence", "distance_to", "attribute", "expression",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature column, after `days: [..]` has been spread; `{value}` stays in the names of `by` features.

    `days` None means the whole history up to the as-of date. With `offset` 84 and `days` 84 the window is
    as_of-167 ... as_of-84. `of`: a column of `table`, or an expression over features for kind expression.

    Attributes:
        table: where its rows come from: events, communications, consents.
        condition: which rows count; for a sequence: what comes first.
        share_at_least: of kind top: smaller shares are no clear answer.
        before: of kinds stopped and restarted: the days before the window.
        periods, at_least: of kind regular: so many of so many periods of `days`.
        then, within: of kind sequence: what must follow, within so many days.
        to: of kind distance_to: which places.
        per: the unit it is computed for; None: the customer.
    """

    name: str
    kind: FeatureKind
    type: Type
    nullable: bool
    of: Text | None
    condition: Text | None
    days: int | None
    offset: int
    by: str | None
    keep: int | None
    values: tuple[str, ...] | None
    unit: str
    description: str
    where: Location
    table: str = "events"
    share_at_least: float | None = None
    before: int | None = None
    periods: int | None = None
    at_least: int | None = None
    then: Text | None = None
    within: int | None = None
    to: Text | None = None
    per: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: an id for machines, a label for people, a rule; of kind attribute the values instead.

    Where groups are measured, those between `at_least` and `at_most` fall into it.
    """

    segment: str
    label: str
    when: Text | None
    description: str | None
    offer: str | None
    where: Location
    values: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    @property
    def has_limits(self) -> bool:
        """Whether measured groups may fall into it."""
        return self.at_least is not None or self.at_most is not None

    def admits(self, measured: float) -> bool:
        """Whether a group of which this was measured lies within the limits."""
        is_below = self.at_least is not None and measured < self.at_least
        return not is_below and (self.at_most is None or measured <= self.at_most)


@dataclass(frozen=True, slots=True)
class Score:
    """A feature cut by thresholds into 1 ... len(thresholds) + 1, the best being the highest.

    `better: low` (days since): value <= thresholds[0] scores highest. `better: high` (spend): value >=
    thresholds[-1] scores highest. Thresholds ascend. An unknown feature has an unknown score.

    Instead of thresholds, a score may be cut by the base of its date: into `quantiles` parts of as many customers
    each, or where the best customers make up the shares `covers` of the feature's sum (0.5: the smallest set that
    makes half of it scores highest). Then thresholds are empty until `segments.cuts` fills them.
    """

    score: str
    of: str
    thresholds: tuple[float, ...]
    better: Literal["low", "high"]
    where: Location
    quantiles: int | None = None
    covers: tuple[float, ...] = ()

    @property
    def best(self) -> int:
        """The highest value of the score; the lowest is 1."""
        return self.quantiles or 1 + len(self.thresholds or self.covers)

    @property
    def is_relative(self) -> bool:
        """Whether its cuts depend on the other customers."""
        return self.quantiles is not None or bool(self.covers)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A definition that splits its base into exactly one segment per customer.

    Attributes:
        otherwise: whom no rule takes, or of kind attribute no listed value: a segment, or `error`.
        base: who is split; None: everybody.
        purpose: a purpose of privacy.yml: who may not be addressed for it is not in the base.
        of: of kind attribute: the feature or segmentation whose values are the segments.
        measure: of kind attribute: what is measured of the groups of customers who share a value.
        unknown: of kind attribute: the segment of those of whom the value is not known.
        floor: of kind attribute without listed values, and only then above 0: a value that fewer customers have
            gets no segment of its own, and is not measured.
        special_category: of personal data, of which the segment is one: needs a legal basis in privacy.yml.
        clusters, search: of kind clusters: how many, or between which numbers their best one is looked for.
        smallest: of kind clusters: the fewest customers a cluster may have.
        names: of kind clusters: labels that replace those found, by segment.
        per: the unit that it splits instead; `roll_up` says which segment the customer gets by them.
    """

    name: str
    version: int
    technique: str
    owner: str
    task: str
    kind: Literal["rules", "scores", "attribute", "clusters"]
    segments: tuple[Segment, ...]
    otherwise: str
    scores: tuple[Score, ...]
    clusters: int | None
    features: tuple[ClusterFeature, ...]
    seed: int
    where: Location
    base: Text | None = None
    purpose: str | None = None
    of: str | None = None
    unknown: str = "unknown"
    floor: int = 0
    special_category: str | None = None
    per: str | None = None
    roll_up: RollUp | None = None
    measure: Measure | None = None
    search: tuple[int, int] | None = None
    smallest: int = SMALLEST
    refit: Refit = USUAL_REFIT
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def conditions(self) -> tuple[Text, ...]:
        """Everything in it that is evaluated for a customer, the base first."""
        return tuple(text for text in (self.base, *(s.when for s in self.segments)) if text is not None)

    @property
    def is_relative(self) -> bool:
        """Whether a customer's segment depends on the other customers, what its conditions name left aside."""
        by_values = self.floor > 0 or self.measure is not None
        return self.kind == "clusters" or by_values or any(score.is_relative for score in self.scores)


@dataclass(frozen=True, slots=True)
class Kpi:
    """What counts in a `period` such as 84d and in the one before, as expressions over features; None: not known.

    Retention is how many of those `active_before` are `active`; conversion, how many of those `asked` have `converted`.
    """

    period: str
    where: Location
    revenue: Text | None = None
    revenue_before: Text | None = None
    active: Text | None = None
    active_before: Text | None = None
    asked: Text | None = None
    converted: Text | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A whole project, checked."""

    name: str
    folder: Path
    currency: str
    time_zone: str
    starts_on: date
    identity: Identity
    retention_days: int
    storage: Storage
    sources: tuple[Source, ...]
    features: tuple[Feature, ...]
    published_features: tuple[str, ...]
    segmentations: tuple[Segmentation, ...]
    audiences: tuple[Audience, ...]
    recommendations: tuple[Recommendation, ...]
    offers: Mapping[str, str]
    checks: tuple[Check, ...]
    privacy: Privacy
    units: tuple[Unit, ...] = ()
    unit_features: tuple[Feature, ...] = ()
    """Those that are `per` a unit; `features` are those of the customer."""
    definition_hashes: Mapping[str, str] = field(default_factory=dict)
    """`features`, `units`, `<kind>.<name>` of sources, segmentations and the others -> 32 hex digits."""
    config_hash: str = ""
    """Hash over everything above that can change a result (not storage, not identity's places)."""
    kpis: tuple[Kpi, ...] = ()
    keep: Keep = Keep()
    history: History = USUAL_HISTORY
    catalogue: Path | None = None
    """Where the definitions lie that it may include."""
