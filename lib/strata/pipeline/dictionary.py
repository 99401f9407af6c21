"""The data dictionary with one project's own columns: `python -m strata.pipeline.dictionary PROJECT FILE` writes it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from strata.contract.columns import Column
from strata.contract.dictionary import render
from strata.contract.feature_tables import daily, lifetime, monthly, pairs, snapshot, units
from strata.contract.published import GATED_TABLES
from strata.contract.silver import FED_TABLES
from strata.errors import StrataError
from strata.features.lifetime import lifetime_columns
from strata.features.months import month_columns
from strata.features.tiles import cell_columns, plan_tiles, tile_columns
from strata.features.units import unit_columns
from strata.project.load import load_project
from strata.project.models import Project
from strata.project.names import extra_columns, feature_columns
from strata.publish.contracts import published_tables


def project_columns(project: Project) -> dict[str, tuple[Column, ...]]:
    """What `project` adds to the core tables: `schema.table` -> its columns, in their order."""
    plan = plan_tiles(project)
    core = {table.full_name(): table.columns for table in GATED_TABLES}
    added = {table.full_name(): extra_columns(project.sources, name) for name, table in FED_TABLES.items()}
    added |= {
        daily.full_name(): tile_columns(plan),
        pairs.full_name(): cell_columns(plan),
        lifetime.full_name(): lifetime_columns(plan),
        monthly.full_name(): month_columns(plan),
        snapshot.full_name(): feature_columns(project.features),
        units.full_name(): unit_columns(project.unit_features),
    }
    added |= {
        t.full_name(): tuple(c for c in t.columns if c not in core[t.full_name()]) for t in published_tables(project)
    }
    return {table: columns for table, columns in added.items() if columns}


def render_dictionary(folder: Path) -> str:
    """DATA_DICTIONARY.md with the columns of the project in `folder`.

    Raises:
        ProjectError: the project has mistakes.
    """
    project = load_project(folder)
    return render(project.name, project_columns(project))


def main(arguments: Sequence[str]) -> int:
    """Write the dictionary of a project (first argument: its folder) to a file (second argument)."""
    folder, target = map(Path, arguments)
    try:
        target.write_text(render_dictionary(folder), encoding="utf-8")
    except StrataError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
