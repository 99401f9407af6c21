"""The shipped grocery project, copied, cut to three segmentations and an audience, and changed."""

import shutil
from pathlib import Path

from strata.errors import Problem, ProjectError
from strata.project.load import load_project
from strata.project.models import Project

GROCERY = Path(__file__).parents[2] / "conf" / "grocery"
KEPT = ("purchase_frequency", "rfm", "shopping_style")
"""Definitions of a copy: a kind each, and none of the catalogue, so that a mistake is said once."""
AUDIENCE = "next_wine_buyers"
LANDING = {"variables.landing": "/data"}


def copy_of_grocery(to: Path) -> Path:
    folder = to / "grocery"
    shutil.copytree(GROCERY, folder)
    for path in (folder / "segmentations").glob("*.yml"):
        if path.stem not in KEPT:
            path.unlink()
    for path in (folder / "audiences").glob("*.yml"):
        if path.stem != AUDIENCE:
            path.unlink()
    change(folder / "project.yml", "includes: ../catalogue\n", "")
    return folder


def change(path: Path, replace: str, by: str) -> None:
    before = path.read_text("utf-8")
    assert before.count(replace) == 1, f"{replace!r} stands {before.count(replace)} times in {path.name}"
    path.write_text(before.replace(replace, by), "utf-8")


def problems_of(folder: Path, settings: dict[str, str] | None = None) -> list[Problem]:
    try:
        load_project(folder, LANDING if settings is None else settings)
    except ProjectError as error:
        return list(error.problems)
    return []


def loaded(folder: Path) -> Project:
    return load_project(folder, LANDING)
