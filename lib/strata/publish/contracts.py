"""The published tables of a project: the core contracts with the columns the project adds."""

from strata.contract.columns import Column, Table, Type, extend
from strata.contract.published import GATED_TABLES, customer_features, customer_segments
from strata.errors import Problem
from strata.project.models import Project
from strata.project.names import feature_columns
from strata.publish.catalog import segment_columns


def published_columns(project: Project) -> tuple[Column, ...]:
    """The columns of the features that the project lets out, in its order."""
    columns = {str(c): c for c in feature_columns(project.features)}
    return tuple(columns[name] for name in project.published_features)


def unpublishable(project: Project) -> list[Problem]:
    """What a project that can be ingested still lacks for a release: a segmentation, and a feature to compare by."""
    problems = []
    if not project.segmentations:
        problems.append(Problem(None, f"{project.folder / 'segmentations'}: no segmentation", "declare one, or ingest"))
    if all(c.type in (Type.DATE, Type.INSTANT) for c in published_columns(project)):
        what = f"{project.folder / 'features.yml'}: no number, text or flag under `publish`"
        problems.append(Problem(None, what, "segments are compared by what is published: name one"))
    return problems


def published_tables(project: Project) -> tuple[type[Table], ...]:
    """Every gated table as this project fills it."""
    added = {
        customer_features: published_columns(project),
        customer_segments: segment_columns(s.name for s in project.segmentations),
    }
    return tuple(extend(t, added[t]) if t in added else t for t in GATED_TABLES)
