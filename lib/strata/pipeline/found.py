"""Who is found for audiences before anybody is taken out: all by rules and from lists of one generation in one pass."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.curve import Scores
from strata.audiences.definition import Lookalike
from strata.audiences.learn import Learned
from strata.audiences.listed import Listed, read_ids, take_ids
from strata.audiences.sampled import Counts
from strata.audiences.selection import compile_selection, count_found, pick, with_lists
from strata.contract.bronze import identity_vault
from strata.contract.spark import rows_of
from strata.errors import InputError, Problem
from strata.expression import Name
from strata.ingest.pseudonyms import forms_of
from strata.pipeline.context import Run, Target
from strata.project.audiences import Audience, ListFile


@dataclass(frozen=True, slots=True)
class Customers:
    """Who audiences look at.

    Attributes:
        both_dates: as of the dates, with all that conditions name.
        names: what conditions may use.
    """

    both_dates: DataFrame
    names: Mapping[str, Name]

    def as_of(self, day: date) -> DataFrame:
        """Those of one date."""
        return self.both_dates.where(F.col("as_of_date") == F.lit(day))


@dataclass(frozen=True, slots=True)
class Found:
    """Those found for an audience after the cut, before permission and exclusions, which only ever remove.

    Attributes:
        audience: as declared.
        picks: audience, customer_id, score, origin, and perhaps place; may hold those of other audiences of the same
            pass too. None where nobody was picked because of `withheld`.
        counts: of a rule and of a list the candidates are those who meet it.
        withheld: reasons against publishing that are known so far.
        notes: what to know.
        learned: of a look-alike, what was learned and tried.
        lookalike: of a look-alike, its conditions compiled.
        scores: of a look-alike with a model: those of its candidates, or of a sample of them.
        held: what is held in memory for it, and to be let go when the release is done; audiences share it.
    """

    audience: Audience
    picks: DataFrame | None
    counts: Counts
    withheld: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    learned: Learned | None = None
    lookalike: Lookalike | None = None
    scores: Scores | None = None
    held: DataFrame | None = None


def find_selected(run: Run, target: Target, audiences: Sequence[Audience], customers: Customers) -> list[Found]:
    """Those found for audiences by rules and from lists; one Spark job, which counts.

    Args:
        run: where the vault is.
        target: the release.
        audiences: of kind rule or list, at least one.
        customers: with all that their conditions name.

    Raises:
        InputError: a list cannot be used.
    """
    chosen = [compile_selection(audience, customers.names) for audience in audiences]
    lists = {a.name: _take(run, a.list_file) for a in audiences if a.list_file is not None}
    today = customers.as_of(target.as_of)
    if lists:
        today = with_lists(today, _listed(run, audiences, lists), list(lists))
    (counted,) = rows_of(count_found(today, chosen))
    picks = pick(today, chosen, counted)
    return [_found(a, picks, counted[a.name], lists.get(a.name)) for a in audiences]


def _found(audience: Audience, picks: DataFrame, customers: int, listed: Listed | None) -> Found:
    counts = Counts(candidates=customers)
    if listed is not None:
        against = listed.against(customers)
        return Found(audience, picks, counts, against, () if against else listed.notes(customers))
    return Found(audience, picks, counts, () if customers else ("nobody meets its condition",))


def _take(run: Run, listed: ListFile) -> Listed:
    place = run.project.folder / listed.path
    if not place.is_file():
        what = f"list {listed.path}: there is no file any more"
        raise InputError([Problem(listed.where, what, "deliver it again, or change `path` of the list")])
    content = place.read_bytes()
    if hashlib.sha256(content).hexdigest() != listed.digest:
        what = f"list {listed.path}: the file has changed since this run began"
        raise InputError([Problem(listed.where, what, "run again when it is complete")])
    return take_ids(read_ids(listed, content), forms_of(listed.identity, run.project.sources))


def _listed(run: Run, audiences: Sequence[Audience], lists: Mapping[str, Listed]) -> DataFrame:
    """The customers of lists: audience, customer_id. No id stands in a plan: a frame shows its columns only."""
    ids = [(a.name, form, a.list_file.identity == "customer_id") for a in audiences if a.list_file
           for form in lists[a.name].forms]  # fmt: skip
    arrow = pa.table(
        {
            "audience": pa.array([name for name, _, _ in ids], pa.string()),
            "written": pa.array([form for _, form, _ in ids], pa.string()),
            "is_pseudonym": pa.array([is_one for _, _, is_one in ids], pa.bool_()),
        }
    )
    given = run.lakehouse.spark.createDataFrame(arrow)
    found = given.where(F.col("is_pseudonym")).select("audience", F.col("written").alias("customer_id"))
    if all(is_one for _, _, is_one in ids) or not run.lakehouse.exists(identity_vault):
        return found
    vault = run.lakehouse.read(identity_vault).select("customer_id", F.col("source_id").alias("written"))
    sought = F.broadcast(given.where(~F.col("is_pseudonym")))
    return found.unionByName(vault.join(sought, "written").select("audience", "customer_id"))
