"""What a recommendation says, as frozen values, as in `models`."""

from dataclasses import dataclass
from typing import Literal

from strata.errors import Location
from strata.project.words import Text

Target = Literal["repeat", "new"]


@dataclass(frozen=True, slots=True)
class Factorisation:
    """Parameters of ALS for implicit preferences (Hu, Koren, Volinsky 2008), as MLlib calls them."""

    rank: int
    reg: float
    alpha: float
    iterations: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Lists of items per customer: what they may buy again, what they have not had yet.

    Attributes:
        of: the column of products whose values are the items.
        condition: which events count as having had an item.
        days: the window looked at, as_of-days+1 ... as_of.
        holdout_days: the last days, which models are tried on.
        targets: repeat: items the customer had in the window; new: items the customer did not.
        top: how long a list is, and how deep it is tried.
    """

    name: str
    owner: str
    task: str
    purpose: str
    of: str
    condition: Text
    days: int
    holdout_days: int
    targets: tuple[Target, ...]
    top: int
    seed: int
    als: Factorisation
    where: Location
