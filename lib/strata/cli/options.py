"""The words that each job takes."""

import argparse
import sys
from pathlib import Path

from strata import __version__
from strata.console import visible
from strata.errors import ProjectError

LOOKS = ("preview", "explain", "plan")
STAGES = ("ingest", "features", "segments", "audiences", "publish")
JOBS = {
    "init": "make what a project needs on this machine: the local identity key",
    "check": "read the project and report every mistake; needs no Spark",
    "run": "all stages: ingest, features, segments, audiences, publish",
    "ingest": "take delivered files into bronze and silver",
    "features": "compute tiles and the snapshot of every feature",
    "segments": "assign a segment per segmentation, fitting clusters where needed",
    "audiences": "expand seeds into look-alike audiences, with their backtests",
    "publish": "profiles, gate, and release of what the stages before have staged",
    "release": "the releases there were, and the way back to one of them",
    "preview": "the size of segments and audiences and what each rule does, on the stored features; needs no Spark",
    "explain": "why a customer is in its segments and audiences, and the nearest way out; needs no Spark",
    "plan": "who would move by edited definitions, against the current release; needs no Spark",
    "export": "an audience of a release as a file for a recipient of privacy.yml, and a row in the log; needs no Spark",
    "generate": "write the raw files of an invented telco where the project's sources read, the truth beside them",
    "status": "the current release and where its tables are",
}


LONGEST_WAIT = 24 * 60


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        said = f"{visible(message)} (exit {ProjectError.exit_code})"
        print(f"strata: {said}; `strata --help` lists the jobs", file=sys.stderr)
        raise SystemExit(ProjectError.exit_code)


def parser() -> argparse.ArgumentParser:
    """What `strata` and each of its jobs take; a mistake exits with the code of a bad command line."""
    whole = _Parser(prog="strata", description="Segmentation as code on the lakehouse.")
    whole.add_argument("--version", action="version", version=f"strata {__version__}")
    jobs = whole.add_subparsers(dest="job", required=True, metavar="JOB", parser_class=_Parser)
    for name, meaning in JOBS.items():
        job = jobs.add_parser(name, help=meaning, description=meaning)
        job.add_argument("--project", type=Path, required=True, metavar="DIR", help="folder with project.yml")
        job.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. storage.root=/data")
        job.add_argument("--verbose", action="store_true", help="show Spark's log and Python's warnings")
        job.set_defaults(definition=None, customer=None, markdown=False)
        job.set_defaults(log="text", as_of=None, every=None, known_at=None, force=False, refit=[])
        _add_options(job, name)
    return whole


def _add_options(job: argparse.ArgumentParser, name: str) -> None:
    if name == "generate":
        _add_options_of_generate(job)
    if name == "check":
        job.add_argument("--data", action="store_true", help="which techniques fit the ingested data, and why not")
    if name in LOOKS:
        _add_options_of_looks(job, name)
    if name == "export":
        _add_options_of_export(job)
    if name == "release":
        _add_options_of_release(job)
    if name in {"run", "generate", *STAGES}:
        job.add_argument("--log", choices=["text", "json"], default="text", help="json: an object a line, for machines")
    if name in {"run", *STAGES}:
        job.add_argument("--as-of", metavar="DATE", help="YYYY-MM-DD, several with commas, or A..B")
        job.add_argument("--every", choices=["month-end"], help="which days of A..B")
        job.add_argument("--known-at", metavar="MOMENT", help="use only what had arrived by then")
        job.add_argument("--force", action="store_true", help="build again what is already released")
    if name in {"run", "release", *STAGES}:
        what = "how long to wait for another run to be done"
        job.add_argument("--wait", type=_minutes, default=0.0, metavar="MINUTES", help=what)
    if name in {"run", "segments"}:
        what = "a clustering whose model is to be fitted anew"
        job.add_argument("--refit", action="append", default=[], metavar="NAME", help=what)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not 0 <= minutes <= LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 0 to {LONGEST_WAIT} minutes")
    return minutes


def _add_options_of_generate(job: argparse.ArgumentParser) -> None:
    job.add_argument("--customers", type=int, required=True, metavar="N", help="how many subscribers")
    job.add_argument("--days", type=int, required=True, metavar="D", help="days from the project's starts_on")
    job.add_argument("--seed", type=int, default=1, metavar="S", help="another seed is another world")
    job.add_argument("--dirt", type=float, default=0.0, metavar="R", help="share of events spoilt on purpose")


def _add_options_of_looks(job: argparse.ArgumentParser, name: str) -> None:
    if name == "preview":
        what = "a segmentation rule by rule, or an audience condition by condition"
        job.add_argument("definition", nargs="?", metavar="NAME", help=what)
    if name == "explain":
        job.add_argument("--customer", required=True, metavar="ID", help="id in a source, or customer_id")
    if name == "plan":
        job.add_argument("--markdown", action="store_true", help="for a pull request")
    else:
        job.add_argument("--as-of", metavar="DATE", help="a date of the stored features; the newest")


def _add_options_of_export(job: argparse.ArgumentParser) -> None:
    job.add_argument("audience", metavar="AUDIENCE", help="an audience of the project")
    job.add_argument("--for", dest="recipient", required=True, metavar="RECIPIENT", help="one of privacy.yml")
    job.add_argument("--changes", action="store_true", help="the differences to the release before")
    job.add_argument("--format", choices=["csv", "parquet"], default="csv", help="csv unless said otherwise")
    job.add_argument("--to", type=Path, metavar="DIR", help="folder of the file; else <tables>/exports/<recipient>")
    job.add_argument("--as-of", metavar="DATE", help="the release of this date; the current one")


def _add_options_of_release(job: argparse.ArgumentParser) -> None:
    what = job.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="every release, the newest first")
    what.add_argument(
        "--show", dest="told", metavar="ID", help="all that is known of one; the first digits of its id are enough"
    )
    what.add_argument("--rollback", metavar="ID", help="make a release current again that was")
