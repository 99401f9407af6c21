"""Which files a project has, and where they must lie."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strata.errors import Location
from strata.project.notes import Notes
from strata.project.words import nearest

SINGLE = ("project.yml", "features.yml", "kpis.yml", "offers.yml", "quality.yml", "privacy.yml")
NEEDED = ("project.yml", "features.yml")
FOLDERS = ("sources", "segmentations", "audiences", "recommendations")
_YAML = (".yml", ".yaml")
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a project: by name, and by folder in the order of their names."""

    single: Mapping[str, Path]
    folders: Mapping[str, tuple[Path, ...]]


def project_files(folder: Path, notes: Notes) -> Files:
    """The YAML files of `folder`; those that lie where nothing would read them are noted, and those that lack."""
    if not folder.is_dir():
        raise notes.refuse(None, f"there is no project folder {folder}", "give it with --project DIR")
    single: dict[str, Path] = {}
    folders: dict[str, list[Path]] = {name: [] for name in FOLDERS}
    for path in _yaml_files(folder, notes):
        parent = path.relative_to(folder).parent.as_posix()
        if parent == "." and path.name in SINGLE:
            single[path.name] = path
        elif parent in folders and path.suffix == ".yml":
            folders[parent].append(path)
        else:
            _misplaced(path, parent, notes)
    for name in NEEDED:
        if name not in single:
            notes.add(Location(str(folder / name), 1, 1), "there is no such file, every project needs it")
    if not folders["sources"]:
        notes.add(Location(str(folder / "sources"), 1, 1), "there is no source, expected sources/<source>.yml")
    return Files(single, {name: tuple(paths) for name, paths in folders.items()})


def _misplaced(path: Path, parent: str, notes: Notes) -> None:
    if parent in FOLDERS:
        hint = f"name it {path.stem}.yml"
    elif parent == ".":
        hint = nearest(path.name, SINGLE)
    else:
        hint = nearest(parent, FOLDERS)
    notes.add(Location(str(path), 1, 1), "nothing reads a file of this name here", hint)


def _yaml_files(folder: Path, notes: Notes) -> list[Path]:
    """YAML files down to the third level; what begins with a dot is not the project's."""
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        notes.add(Location(str(error.filename), 1, 1), f"the folder cannot be read: {error.strerror}")

    for at, below, files in os.walk(folder, onerror=unreadable):
        depth = len(Path(at).relative_to(folder).parts)
        below[:] = sorted(name for name in below if not name.startswith(".") and depth + 1 < _DEEPEST)
        found += [Path(at, name) for name in files if name.endswith(_YAML) and not name.startswith(".")]
    return sorted(found)
