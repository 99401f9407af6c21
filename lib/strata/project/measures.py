"""What a segmentation measures of groups of customers, to put groups into segments instead of listing their values."""

from dataclasses import dataclass

from strata.errors import Location


@dataclass(frozen=True, slots=True)
class Growth:
    """How much more a group grows than the base: from `before` to `latest`; beside it from `earlier` to `before`."""

    latest: str
    before: str
    earlier: str
    where: Location

    @property
    def features(self) -> tuple[str, ...]:
        """What is added up of customers."""
        return self.latest, self.before, self.earlier

    @property
    def in_words(self) -> str:
        """What the limits of segments are about."""
        return f"growth of {self.latest} beyond the base's, shrunk,"


@dataclass(frozen=True, slots=True)
class Index:
    """How much a customer of a group has against one of the rest: 100 is as much.

    `share_at_most`: of the base; larger groups are not looked for.
    """

    of: str
    share_at_most: float
    where: Location

    @property
    def features(self) -> tuple[str, ...]:
        """What is added up of customers."""
        return (self.of,)

    @property
    def in_words(self) -> str:
        """What the limits of segments are about."""
        return f"up to {self.share_at_most:g} of the base, index of {self.of} surely"


Measure = Growth | Index
