"""What is stored of a project: the newest snapshot, its clusterings, the release that readers follow. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from strata.contract.columns import Table
from strata.contract.feature_tables import snapshot
from strata.contract.lists import audience_catalog
from strata.contract.published import customer_segments, segment_catalog
from strata.errors import InputError
from strata.expression import Name
from strata.preview.features import FeatureSQL, feature_sql, require_stored
from strata.preview.models import read_cuts, read_models
from strata.preview.permissions import PROFILING, permitted
from strata.preview.released import delivered_consents, has_table, kept_since, read_history, released_rows
from strata.project.models import Project
from strata.project.names import names_of_features
from strata.project.policies import Purpose
from strata.project.references import PREVIOUS, looks_back_at
from strata.publish.catalog import live_rows
from strata.publish.release import current_release, previous_release, release_of_day
from strata.segments.cuts import Cuts
from strata.segments.literals import quoted
from strata.segments.model import ClusterModel
from strata.storage.local import LocalTables, Row, open_local


@dataclass(frozen=True)
class State:
    """A project and what is stored of it as of a date.

    Attributes:
        judged_on: the day as of which consent and objections count.
        history: all rows of `releases`.
        catalog: the rows of the catalogue that readers follow, the retired ones too.
        models: the clusterings of definitions as they are now, by segmentation; those not fitted yet are missing.
        cuts: the same of what is cut by the population.
        names: the features that conditions may use.
        audiences: the audiences whose members the release of the date has, with the hash of the definition that found
            them.
    """

    project: Project
    tables: LocalTables
    as_of: date
    judged_on: date
    history: Sequence[Row]
    catalog: Sequence[Row]
    models: Mapping[str, ClusterModel]
    cuts: Mapping[str, Cuts]
    names: Mapping[str, Name]
    audiences: Mapping[str, str]

    @property
    def release(self) -> list[Row]:
        """The rows of the release that readers follow; empty before the first."""
        return current_release(self.history)

    def needed(self, wanted: Iterable[str]) -> FeatureSQL:
        """How features are had from the snapshot.

        Raises:
            InputError: the snapshot has been made without some of them.
        """
        needed = feature_sql(wanted, self.project.features, self.names)
        require_stored(needed, self.tables.columns(snapshot), self.project.features)
        return needed

    def customers(self, columns: Iterable[str], customer_id: str | None = None) -> str:
        """Who may be grouped, or one of them, with these stored columns and their past: a query in parentheses."""
        listed = ", ".join(map(quoted, ("customer_id", *columns)))
        one = f" WHERE customer_id = '{customer_id}'" if customer_id else ""
        stored = f"(SELECT {listed} FROM {self.tables.relation(snapshot, slice_of=self.as_of)}{one})"
        grouped = permitted(stored, delivered_consents(self.tables), self._purposes(), self.judged_on)
        return self._with_past(grouped)

    def _purposes(self) -> list[Purpose]:
        project = self.project
        named = {s.purpose for s in project.segmentations if s.purpose != PROFILING}
        named |= {audience.purpose for audience in project.audiences}
        return [p for p in project.privacy.purposes if p.name in named]

    def _with_past(self, customers: str) -> str:
        """With a column `previous.<segmentation>` for each that conditions look back at."""
        texts = [words for segmentation in self.project.segmentations for words in segmentation.conditions]
        texts += [words for audience in self.project.audiences for words in audience.conditions]
        names = sorted(looks_back_at(texts))
        if not names:
            return customers
        known_at = max((row["known_at"] for row in self.history), default=datetime.min)  # noqa: DTZ901 - nothing
        before = previous_release(self.history, self.as_of, known_at)
        there = self.tables.columns(customer_segments) if before else frozenset()
        past = [f"{quoted(n) if n in there else 'NULL::VARCHAR'} AS {quoted(PREVIOUS + n)}" for n in names]
        if not before:
            return f"(SELECT *, {', '.join(past)} FROM {customers})"
        wide = f"(SELECT customer_id, {', '.join(past)} FROM {self.released(customer_segments, before)})"
        return f"(SELECT * FROM {customers} AS everybody LEFT JOIN {wide} AS past USING (customer_id))"

    def released(self, table: type[Table], release: Sequence[Row] = ()) -> str:
        """The rows of a published table as a release has them, or else the current one: a query in parentheses."""
        since = kept_since(self.project, self.judged_on)
        return released_rows(self.tables, table, release or self.release, self.history, since)


def read_state(project: Project, as_of: date | None, judged_on: date, *, of_release: bool = False) -> State:
    """Open what is stored.

    Args:
        project: its storage is a local folder.
        as_of: a date that the snapshot holds; None: its newest, or with `of_release` that of the current release.
        judged_on: the day as of which consent and objections count.
        of_release: refuse where nothing is released.

    Raises:
        ProjectError: the tables are not in a local folder.
        InputError: there is no snapshot, or none of that date; or no release.
    """
    tables = open_local(project.storage)
    history = read_history(tables)
    release = current_release(history)
    if of_release and not release:
        raise InputError(f"{project.name}: nothing is released yet to compare with; `strata run` makes a release")
    wanted = release[0]["as_of_date"] if of_release else as_of
    catalog: list[Row] = []
    if release:
        pinned = next(r["delta_version"] for r in release if r["table_name"] == segment_catalog.full_name())
        catalog = tables.rows(f"FROM {tables.relation(segment_catalog, pinned)}")
    day = _date(tables, wanted)
    return State(
        project, tables, day, judged_on, history, catalog, read_models(project, tables, live_rows(catalog)),
        read_cuts(project, tables, day), names_of_features(project),
        _audiences(tables, day, history, kept_since(project, judged_on)),
    )  # fmt: skip


def _audiences(tables: LocalTables, day: date, history: Sequence[Row], since: date) -> dict[str, str]:
    release = release_of_day(history, day)
    if not has_table(release, audience_catalog):
        return {}
    catalog = released_rows(tables, audience_catalog, release, history, since)
    found = tables.rows(f"SELECT audience, definition_hash FROM {catalog} ORDER BY audience")
    return {row["audience"]: row["definition_hash"] for row in found}


def _date(tables: LocalTables, wanted: date | None) -> date:
    found = tables.rows(f"SELECT DISTINCT as_of_date FROM {tables.relation(snapshot)} ORDER BY 1")
    days = [row["as_of_date"] for row in found]
    if not days:
        raise InputError("features.snapshot: is empty; `strata features --as-of DATE` computes it")
    if wanted is not None and wanted not in days:
        listed = ", ".join(map(str, days))
        raise InputError(f"features.snapshot: holds {listed}, expected {wanted}; run: strata features --as-of {wanted}")
    return wanted or days[-1]
