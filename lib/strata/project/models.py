"""What a project says, as frozen values: the only form in which the rest of strata sees YAML.

Every model that a person wrote carries `where`, the place of its first line, for errors. Expressions are kept as
`Text` (words and place) and compiled where their names are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from strata.contract.columns import Column, Type
from strata.errors import Location
from strata.project.policies import Check, Privacy


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a person: an expression, and where its first character stands."""

    words: str
    where: Location

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Identity:
    """Which key turns source ids into customer ids, and where it is found."""

    key_id: str
    key_env: str
    key_file: str | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Where tables live: at <root>/<schema>/<table>, or in <catalog> as <prefix><schema>.<table>."""

    root: str | None
    catalog: str | None = None
    prefix: str = ""


Reader = Literal["csv", "json", "parquet", "delta", "jdbc", "table"]
Delivery = Literal["append", "snapshot", "changes"]
Moment = Literal["instant", "local", "date"]
Normaliser = Literal["plain", "msisdn", "email"]


@dataclass(frozen=True, slots=True)
class Read:
    """How a source is opened; `options` are the reader's own (delimiter, encoding, url, dbtable, ...)."""

    format: Reader
    path: str | None
    options: Mapping[str, str]
    where: Location

    @property
    def decimal(self) -> str:
        """The decimal mark of numbers in text: a point, or a comma."""
        return self.options.get("decimal", ".")


@dataclass(frozen=True, slots=True)
class Deliver:
    """What a delivery means: rows to add, the whole state, or changes; and how far it is complete.

    An event more than `late_days` before the day the source was complete through before its batch is rejected.
    With `every_day` there are events on every day: a day without any is missing.
    """

    mode: Delivery
    ready_when: str | None
    late_days: int | None
    complete_through: date | Literal["latest", "always"]
    every_day: bool = False
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """One silver column: taken from a source column, or computed by an expression over source columns."""

    name: str
    source: str | None
    value: Text | None
    moment: Moment | None
    zone: str | None
    pattern: str | None
    recode: Mapping[str, str] | None
    identity: Normaliser | None
    where: Location


@dataclass(frozen=True, slots=True)
class Reject:
    """Rows for which the condition over mapped silver columns holds go to quarantine with this reason."""

    reason: str
    when: Text


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Wide sheets: each of `columns` becomes a record with its name and its value."""

    columns: tuple[str, ...]
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Source:
    """A delivered table and its way into one silver table; `event_types`: what `event_type` may give, () for any."""

    name: str
    description: str
    feeds: str
    read: Read
    schema: Mapping[str, Type]
    delivery: Deliver
    key: tuple[str, ...]
    event_type: Text | None
    columns: tuple[Mapped, ...]
    extra: tuple[tuple[Mapped, Column], ...]
    reject: tuple[Reject, ...]
    unpivot: Unpivot | None
    where: Location
    event_types: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: an id for machines, a label for people, a rule."""

    segment: str
    label: str
    when: Text | None
    description: str | None
    offer: str | None
    where: Location


@dataclass(frozen=True, slots=True)
class Score:
    """A feature cut by thresholds into 1 ... len(thresholds) + 1, the best being the highest.

    `better: low` (days since): value <= thresholds[0] scores highest. `better: high` (spend): value >=
    thresholds[-1] scores highest. Thresholds ascend. An unknown feature has an unknown score.
    """

    score: str
    of: str
    thresholds: tuple[float, ...]
    better: Literal["low", "high"]
    where: Location


@dataclass(frozen=True, slots=True)
class ClusterFeature:
    """A feature of a clustering and how its tail is tamed before robust scaling."""

    feature: str
    transform: Literal["log1p", "none"]
    where: Location


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A definition that splits its base into exactly one segment per customer."""

    name: str
    version: int
    technique: str
    owner: str
    task: str
    kind: Literal["rules", "scores", "clusters"]
    segments: tuple[Segment, ...]
    otherwise: str
    scores: tuple[Score, ...]
    clusters: int | None
    features: tuple[ClusterFeature, ...]
    seed: int
    where: Location


@dataclass(frozen=True, slots=True)
class Audience:
    """A list of customers for one purpose, found by likeness to a seed."""

    name: str
    kind: Literal["lookalike"]
    owner: str
    purpose: str
    seed: Text
    candidates: Text
    learn_against: Literal["candidates", "base"]
    learn_from: tuple[str, ...]
    leave_out: tuple[str, ...]
    activity: str
    exclude: tuple[Text, ...]
    share: float
    backtest_days: int
    publish_at_least: int
    where: Location


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
    offers: Mapping[str, str]
    checks: tuple[Check, ...]
    privacy: Privacy
    definition_hashes: Mapping[str, str] = field(default_factory=dict)
    """`segmentation.<name>`, `audience.<name>`, `features`, `sources.<name>` -> 32 hex digits."""
    config_hash: str = ""
    """Hash over everything above that can change a result (not storage, not identity's places)."""
    kpis: tuple[Kpi, ...] = ()
