"""What audiences are told by the rest of a project: floors, suppressions, who goes first, what a list holds."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from strata.project.audiences import Audience, ListFile
from strata.project.models import Segmentation
from strata.project.policies import Privacy
from strata.project.references import audiences_behind


def complete_audiences(
    audiences: Sequence[Audience], privacy: Privacy, segmentations: Sequence[Segmentation], folder: Path
) -> tuple[Audience, ...]:
    """Audiences as the engine takes them.

    Args:
        audiences: as declared; `publish_at_least` None where nothing is said.
        privacy: whose floor then holds, and whose suppressions hold for all but those they are made of.
        segmentations: of which suppressions may speak.
        folder: where the project lies.
    """
    suppressing = audiences_behind(privacy.suppress, segmentations)
    return tuple(
        replace(
            audience,
            publish_at_least=audience.publish_at_least or privacy.audience_floor,
            exclude=audience.exclude if audience.name in suppressing else (*audience.exclude, *privacy.suppress),
            ahead=_ahead_of(audience, audiences),
            list_file=audience.list_file and _fingerprinted(audience.list_file, folder),
        )
        for audience in audiences
    )


def _ahead_of(audience: Audience, audiences: Sequence[Audience]) -> tuple[str, ...]:
    if audience.priority is None:
        return ()
    rivals = (a for a in audiences if a.purpose == audience.purpose and a.priority is not None)
    return tuple(sorted(a.name for a in rivals if (a.priority or 0) < audience.priority))


def _fingerprinted(listed: ListFile, folder: Path) -> ListFile:
    place = folder / listed.path
    if not place.is_file():
        return listed
    with place.open("rb") as file:
        return replace(listed, digest=hashlib.file_digest(file, "sha256").hexdigest())
