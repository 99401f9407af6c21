"""The jobs of the command line: which stages run, under the lease, and what is said at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from strata.console import Console
from strata.errors import DONE, WITHHELD, InputError, Problem, ProjectError
from strata.ingest.keys import read_key
from strata.pipeline.audiences import audiences_of, build_audiences
from strata.pipeline.context import Run, Target, aim
from strata.pipeline.features import build_features
from strata.pipeline.ingest import ingest, read_books, require_complete
from strata.pipeline.leased import leased
from strata.pipeline.publish import publish
from strata.pipeline.recommendations import build_recommendations
from strata.pipeline.segments import build_segments
from strata.pipeline.summary import print_summary
from strata.pipeline.versions import reused_versions
from strata.project.words import nearest
from strata.publish.contracts import unpublishable

DEFINED = frozenset({"segments", "audiences", "publish"})
"""The stages that release what definitions say."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    stages: Sequence[str]
    as_ofs: Sequence[date]
    known_at: datetime | None
    force: bool
    environ: Mapping[str, str]
    refits: Sequence[str] = ()
    wait_minutes: float = 0


def run_jobs(run: Run, wanted: Wanted, console: Console) -> bool:
    """Carry out the stages for each date under the project's lease; True when something was withheld.

    Raises:
        StrataError: of the kind that decides the exit code; what was released before stays.
    """
    with leased(run, console, wanted.wait_minutes) as held:
        withheld = _carry_out(replace(held, refits=frozenset(wanted.refits)), wanted, console)
        held.ends.append(WITHHELD if withheld else DONE)
    return withheld


def _carry_out(run: Run, wanted: Wanted, console: Console) -> bool:
    problems = unpublishable(run.project) if "publish" in wanted.stages else []
    problems += reused_versions(run) if DEFINED.intersection(wanted.stages) else []
    problems += _not_clusterings(run, wanted.refits)
    if problems:
        raise ProjectError(problems)
    if "ingest" in wanted.stages:
        key = read_key(run.project.identity, run.project.folder, wanted.environ)
        ingest(run, key, run.clock())
    withheld = _release_all(run, wanted, console) if wanted.as_ofs else []
    if "publish" in wanted.stages and withheld:
        print_summary(run, console)
    return any(withheld)


def _not_clusterings(run: Run, names: Sequence[str]) -> list[Problem]:
    known = [s.name for s in run.project.segmentations if s.kind == "clusters"]
    return [
        Problem(None, f"--refit {name}: there is no segmentation by clusters of that name", nearest(name, known))
        for name in names
        if name not in known
    ]


def _release_all(run: Run, wanted: Wanted, console: Console) -> list[bool]:
    """The stages behind ingest for all dates; for each whether something was withheld.

    Raises:
        InputError: a source is not complete through the last of the dates; then none is built.
    """
    known_at = _known_at(run, wanted.known_at)
    require_complete(run.lakehouse, run.project, max(wanted.as_ofs), known_at)
    if "features" in wanted.stages:
        _build_features(run, wanted, known_at)
    return [_release(run, as_of, known_at, wanted, console) for as_of in wanted.as_ofs]


def _build_features(run: Run, wanted: Wanted, known_at: datetime) -> None:
    """The features of all dates that are not released already, in one go."""
    targets = [_aim(run, as_of, known_at, wanted) for as_of in wanted.as_ofs]
    if to_build := [target for target in targets if not _is_done(target, wanted)]:
        build_features(run, to_build)


def _aim(run: Run, as_of: date, known_at: datetime, wanted: Wanted) -> Target:
    return aim(run, as_of, known_at, force=wanted.force, compare=wanted.known_at is not None)


def _is_done(target: Target, wanted: Wanted) -> bool:
    return (target.is_replay or target.is_withdrawn) and not (wanted.force or wanted.known_at)


def _release(run: Run, as_of: date, known_at: datetime, wanted: Wanted, console: Console) -> bool:
    """The stages behind features for one date; True when something was withheld."""
    target = _aim(run, as_of, known_at, wanted)
    console.say(f"as of {as_of}, known at {known_at:%Y-%m-%d %H:%M:%S} UTC")
    if target.released and wanted.refits:
        raise ProjectError(
            f"--refit {', '.join(wanted.refits)}: {as_of} is released already, and its clusters stay what readers saw;"
            " ask with the next date"
        )
    if _is_done(target, wanted):
        what = "was taken back by a rollback" if target.is_withdrawn else "is there already"
        console.say(f"  release {target.release_id[:12]} {what}: nothing to do (--force builds it again)")
        return False
    with audiences_of(run, target) as audiences:
        if "segments" in wanted.stages:
            build_segments(run, target, audiences)
        if "audiences" in wanted.stages:
            build_audiences(audiences)
            build_recommendations(run, target)
    return publish(run, target) if "publish" in wanted.stages else False


def _known_at(run: Run, asked: datetime | None) -> datetime:
    """The end of the newest finished batch, of those that had ended at the moment asked for.

    Raises:
        InputError: there is none.
    """
    ended: list[datetime] = [b["ingested_at"] for b in read_books(run.lakehouse)]
    if not ended:
        raise InputError("nothing has been ingested: run: strata ingest")
    known = [moment for moment in ended if asked is None or moment <= asked]
    if not known:
        raise InputError(f"nothing was known at {asked}: the first batch ended at {min(ended)}")
    return max(known)
