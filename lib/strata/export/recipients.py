"""Who may be given which audience, by privacy.yml. Pure."""

import re
from datetime import date
from fnmatch import fnmatchcase

from strata.errors import ProjectError
from strata.project.audiences import Audience
from strata.project.models import Project
from strata.project.policies import Recipient
from strata.project.words import nearest

_SAFE = re.compile(r"[a-z0-9_]+")
_SHORT = 12


def find_audience(project: Project, name: str) -> Audience:
    """The declared audience of this name.

    Raises:
        ProjectError: there is none.
    """
    found = next((a for a in project.audiences if a.name == name), None)
    if found is None:
        hint = nearest(name, (a.name for a in project.audiences))
        raise ProjectError(f"export: there is no audience `{name}`; {hint or 'the project declares none'}")
    return found


def find_recipient(project: Project, name: str, audience: Audience) -> Recipient:
    """The recipient of this name.

    Raises:
        ProjectError: privacy.yml has none of this name, or does not allow it the audience or its purpose.
    """
    place, recipients = project.folder / "privacy.yml", project.privacy.recipients
    found = next((r for r in recipients if r.name == name), None)
    if found is None:
        hint = nearest(name, (r.name for r in recipients))
        raise ProjectError(f"{place}: there is no recipient `{name}`; {hint or 'declare it under `recipients`'}")
    if not any(fnmatchcase(audience.name, pattern) for pattern in found.audiences):
        told = ", ".join(found.audiences)
        raise ProjectError(f"{place}: recipient `{name}` may not have audience `{audience.name}`, only {told}")
    if audience.purpose not in found.purposes:
        told = ", ".join(found.purposes)
        what = f"audience `{audience.name}` is for {audience.purpose}, and recipient `{name}` addresses nobody for that"
        raise ProjectError(f"{place}: {what}, only for {told}")
    return found


def file_name(audience: str, as_of: date, release_id: str, kind: str, ending: str) -> str:
    """`wine_2017-12-31_0123456789ab_members.csv`.

    Raises:
        ValueError: a part holds more than letters, digits and _, and so might name another folder.
    """
    parts = (audience, release_id[:_SHORT], kind, ending)
    unsafe = [part for part in parts if not _SAFE.fullmatch(part)]
    if unsafe:
        raise ValueError(f"no part of a file name: {unsafe[0]!r}")
    return f"{audience}_{as_of.isoformat()}_{release_id[:_SHORT]}_{kind}.{ending}"
