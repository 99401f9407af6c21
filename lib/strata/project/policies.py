"""What a project promises: checks of what it publishes, purposes of use, floors. Frozen values, as in `models`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from strata.errors import Location
from strata.project.words import Text

SPECIAL_CATEGORIES = ("health", "religion", "ethnicity", "politics", "sex_life")
"""Kinds of personal data that may not be used, nor inferred, without a declared legal basis (GDPR, article 9)."""


PROTECTED = ("sex", "age_band", "age_years")
"""Features that are protected, where a project has them, unless privacy.yml says which are."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of quality.yml: an expectation on a published table."""

    name: str
    table: str
    expect: str
    arguments: Mapping[str, object]
    severity: Literal["fail", "warn", "info"]
    where: Location


@dataclass(frozen=True, slots=True)
class History:
    """How what is measured is held against earlier dates, `history` of quality.yml.

    Attributes:
        drift: what a measure out of its band does; off: it is kept and not compared.
        gross: what one does that is beyond argument: a tenth or ten times, a segment gone, a column empty.
        tolerance: metric -> the least that counts: share of what is expected, or of shares themselves.
        leave: what is never compared: schema.table.column or segmentation.segment, perhaps with *.
        days: kind of days -> which they are, D of every month or MM-DD of every year.
    """

    drift: Literal["fail", "warn", "info", "off"] = "warn"
    gross: Literal["fail", "warn", "info", "off"] = "fail"
    tolerance: Mapping[str, float] = field(default_factory=dict)
    leave: tuple[str, ...] = ()
    days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def kind_of(self, day: date) -> str:
        """The kinds that a day is of; empty: a day like others."""
        spelled = {str(day.day), f"{day:%m-%d}"}
        return ", ".join(kind for kind, days in self.days.items() if spelled & {*days})


USUAL_HISTORY = History()
METRICS = (
    "row_count", "share", "null_share", "mean", "events", "customers", "distinct", "hour", "rejected_share",
)  # fmt: skip
"""What is compared with earlier dates."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose of privacy.yml: with basis consent a missing consent is no; otherwise an objection is."""

    name: str
    basis: Literal["consent", "legitimate_interest"]
    description: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom files of audiences are made for.

    Attributes:
        audiences: names of audiences, or patterns with *.
        ids: what customers are called there: by pseudonym, or by the id that the source gave them.
        purposes: of privacy.yml, for which it may address somebody.
    """

    name: str
    description: str
    audiences: tuple[str, ...]
    ids: Literal["pseudonym", "source"]
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Privacy:
    """Purposes and floors; floors may only be raised.

    Attributes:
        special_categories: category -> its legal basis.
        suppress: conditions of those who are in no audience.
        protected: features that no look-alike learns from, and by which it is held against its seed.
        recipients: who may be given audiences; nobody else is.
    """

    purposes: tuple[Purpose, ...]
    cell_floor: int = 10
    audience_floor: int = 100
    seed_floor: int = 100
    special_categories: Mapping[str, str] = field(default_factory=dict)
    suppress: tuple[Text, ...] = ()
    protected: tuple[str, ...] = PROTECTED
    recipients: tuple[Recipient, ...] = ()
