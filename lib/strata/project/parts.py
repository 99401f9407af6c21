"""What an audience's definition is made of, part by part: so that a plan can say which part has changed."""

from collections.abc import Iterable

from strata.expression import compile_expression
from strata.project.audiences import Audience
from strata.project.hashes import digest
from strata.project.models import Project
from strata.project.references import usable_names
from strata.project.words import Text

_DIGITS = 8


def definition_parts(project: Project, audience: Audience) -> list[str]:
    """`part=hash` per part of a definition, by name: what conditions mean counts, not how they are written."""
    parts = {name: digest(_plain(project, value))[:_DIGITS] for name, value in _parts(audience).items()}
    return [f"{name}={found}" for name, found in sorted(parts.items())]


def changed_parts(now: Iterable[str], before: Iterable[str]) -> list[str]:
    """The names of the parts that differ between two answers of `definition_parts`."""
    return sorted({part.partition("=")[0] for part in set(now) ^ set(before)})


def _parts(audience: Audience) -> dict[str, object]:
    size, likeness, listed = audience.size, audience.likeness, audience.list_file
    parts: dict[str, object] = {
        "kind": audience.kind,
        "purpose": audience.purpose,
        "exclude": list(audience.exclude),
        "publish_at_least": audience.publish_at_least,
        "holdout": audience.holdout,
        "include": audience.include,
        "size": size and [size.customers, size.share, size.score, size.order, size.best],
        "list": listed and [listed.column, listed.identity, listed.digest],
        "expires": audience.expires and [audience.expires.after_days, str(audience.expires.on)],
        "pressure": audience.pressure and [audience.pressure.at_most, audience.pressure.days],
        "priority": [audience.priority, list(audience.ahead)],
        "band": [audience.band.at_least, str(audience.band.at_most)],
    }
    if likeness is not None:
        of_likeness = ("seed", "candidates", "learn_against", "learn_from", "leave_out", "activity", "penalty")
        parts |= {name: getattr(likeness, name) for name in of_likeness}
        parts["backtest"] = likeness.backtest_days
    return parts


def _plain(project: Project, value: object) -> object:
    if isinstance(value, Text):
        return compile_expression(value, usable_names(project)).canonical
    return [_plain(project, each) for each in value] if isinstance(value, list | tuple) else value
