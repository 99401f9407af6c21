"""`strata <job> …`: the command line; reads the clock and the environment, and nothing below does."""

import argparse
import getpass
import os
import secrets
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from strata.cli.log import JsonLog
from strata.cli.options import JOBS, LOOKS, STAGES, parser
from strata.console import Console, print_error, visible
from strata.dates import day_of, parse_as_of
from strata.errors import DONE, INTERRUPTED, WITHHELD, Problem, ProjectError, StrataError, exit_code_of
from strata.generate.world import World
from strata.project.heading import load_header
from strata.project.load import load_project
from strata.project.models import Project
from strata.project.shapes.header import Header
from strata.publish.contracts import published_tables
from strata.quality.vocabulary import check_problems

if TYPE_CHECKING:  # it brings pyspark
    from strata.pipeline.context import Run


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; returns its exit code.

    Args:
        argv: the words after the program's name; None takes the process's own.
    """
    options = parser().parse_args(argv)
    log = JsonLog(sys.stdout, partial(datetime.now, UTC)) if options.log == "json" else None
    if not options.verbose:
        warnings.simplefilter("ignore")
    try:
        return _dispatch(options, log or Console(sys.stdout))
    except StrataError as error:
        (log.error if log else print_error)(error)
        return error.exit_code
    except BrokenPipeError:
        # Nobody reads on, as with `| head`: what is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_code_of(BrokenPipeError())
    except (Exception, KeyboardInterrupt) as error:
        if options.verbose:
            traceback.print_exc()
        (log.error if log else _print_unexpected)(error)
        return exit_code_of(error)


def _print_unexpected(error: BaseException) -> None:
    what = visible(str(error)[:800])
    whose = f"this is a fault of strata (exit {exit_code_of(error)}); --verbose shows where"
    if isinstance(error, KeyboardInterrupt):
        what, whose = "interrupted", f"readers keep what they have; the same command goes on (exit {INTERRUPTED})"
    elif isinstance(error, OSError):
        whose = f"this machine, its disk or its network (exit {exit_code_of(error)}); --verbose shows where"
    else:
        what = f"unexpected {type(error).__name__}: {what}"
    print(f"strata: {what}\n  {whose}", file=sys.stderr)


def _dispatch(options: argparse.Namespace, console: Console) -> int:
    begun = time.perf_counter()
    settings = dict(_setting(text) for text in options.set)
    if options.job == "status" or (options.job == "release" and options.rollback is None):
        header = load_header(options.project, settings)
        if header.storage.is_local:
            return _books(options, header, console)
    project = load_project(options.project, settings)
    problems = check_problems(project.checks, published_tables(project))
    if problems:
        raise ProjectError(problems)
    if options.job == "check":
        console.say(f"{_summary(project)}: no problems ({time.perf_counter() - begun:.2f} s)")
        return _fitness(project, console) if options.data else DONE
    if options.job == "init":
        return _init(project, console)
    if options.job in LOOKS:
        return _look(options, project, console)
    if options.job == "export":
        return _export(options, project, console)
    return _with_spark(options, project, console)


def _fitness(project: Project, console: Console) -> int:
    """What `check --data` adds; imported here so that `check` needs neither deltalake nor DuckDB."""
    from strata.preview.fitness import show_fitness  # noqa: PLC0415

    console.say()
    show_fitness(project, console)
    return DONE


def _look(options: argparse.Namespace, project: Project, console: Console) -> int:
    """The jobs that only look at what is stored; imported here so that the others need no deltalake."""
    from strata.preview.jobs import Look, look  # noqa: PLC0415

    judged_on = day_of(datetime.now(UTC), project.time_zone)
    named = options.definition, options.customer, options.markdown
    wanted = Look(options.job, judged_on, _one_date(options), *named, dict(os.environ))
    look(project, wanted, console)
    return DONE


def _export(options: argparse.Namespace, project: Project, console: Console) -> int:
    """Imported here so that the others need neither deltalake nor pyarrow."""
    from strata.export.jobs import Wanted, export  # noqa: PLC0415

    moment = datetime.now(UTC)
    wanted = Wanted(
        options.audience, options.recipient, "changes" if options.changes else "members", options.format, options.to,
        _one_date(options), day_of(moment, project.time_zone), moment, _user(),
    )  # fmt: skip
    export(project, wanted, console)
    return DONE


def _user() -> str:
    try:
        return getpass.getuser()
    except KeyError:  # a container's user without a name
        return str(os.getuid())


def _books(options: argparse.Namespace, header: Header, console: Console) -> int:
    """What was run and released, where it needs no Spark."""
    from strata.preview.releases import show_releases, show_status  # noqa: PLC0415

    judged_on = datetime.now(UTC).date()
    if options.job == "status":
        show_status(header, judged_on, console)
    else:
        show_releases(header, options.told, judged_on, console)
    return DONE


def _one_date(options: argparse.Namespace) -> date | None:
    as_ofs = (None,) if options.as_of is None else parse_as_of(options.as_of)
    if len(as_ofs) > 1:
        raise ProjectError(f"--as-of {options.as_of}: {options.job} looks at one date")
    return as_ofs[0]


def _with_spark(options: argparse.Namespace, project: Project, console: Console) -> int:
    """The jobs that need a session; imported here so that `check` starts in a moment."""
    from strata.pipeline.start import start_run  # noqa: PLC0415

    carry_out = _job(options, project)
    run = start_run(project, partial(datetime.now, UTC), console, os.getpid(), verbose=options.verbose)
    if isinstance(console, JsonLog):
        console.context["run_id"] = run.run_id
        run = replace(run, record=console.stage_done)
    return WITHHELD if carry_out(run, console) else DONE


def _job(options: argparse.Namespace, project: Project) -> "Callable[[Run, Console], bool | None]":
    """What the job does with a run, True when something was withheld; only what it needs is imported."""
    if options.job in ("status", "release"):
        from strata.pipeline.releases import release_job, show_status  # noqa: PLC0415

        if options.job == "status":
            return show_status
        return lambda run, console: release_job(run, options.rollback, options.told, console, options.wait)
    if options.job == "generate":
        from strata.pipeline.generate import generate  # noqa: PLC0415

        world = _world(options, project)
        return lambda run, _: generate(run, world)
    from strata.pipeline.jobs import Wanted, run_jobs  # noqa: PLC0415

    stages = STAGES if options.job == "run" else (options.job,)
    as_ofs = () if options.as_of is None else parse_as_of(options.as_of, options.every)
    if not as_ofs and options.job != "ingest":
        raise ProjectError(f"{options.job} needs a date: --as-of YYYY-MM-DD")
    known_at = None if options.known_at is None else _instant(options.known_at)
    asked = stages, as_ofs, known_at, options.force, dict(os.environ), options.refit, options.wait
    return lambda run, console: run_jobs(run, Wanted(*asked), console)


def _world(options: argparse.Namespace, project: Project) -> World:
    wrong = [
        f"--{name} {getattr(options, name)}: expected {expected}"
        for name, low, high, expected in (
            ("customers", 1, 10**9, "at least 1"), ("days", 1, 9_999, "1 to 9999"), ("dirt", 0.0, 0.5, "0 to 0.5"),
        )
        if not low <= getattr(options, name) <= high
    ]  # fmt: skip
    if wrong:
        raise ProjectError([Problem(None, what) for what in wrong])
    return World(
        options.customers, options.days, options.seed, options.dirt, project.starts_on, project.time_zone,
        project.currency,
    )  # fmt: skip


def _init(project: Project, console: Console) -> int:
    """Make the local key file once; an existing key is never replaced."""
    if project.identity.key_file is None:
        raise ProjectError(f"{project.name}: identity names no key_file; set {project.identity.key_env} instead")
    place = project.folder / project.identity.key_file
    if place.exists():
        console.say(f"{place}: key is there, left as it is")
        return DONE
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    console.say(f"{place}: made a new identity key; keep it safe: without it nobody can be found again")
    return DONE


def _summary(project: Project) -> str:
    counts = {
        "source": len(project.sources),
        "feature": len(project.features),
        "segmentation": len(project.segmentations),
        "audience": len(project.audiences),
        "recommendation": len(project.recommendations),
        "check": len(project.checks),
    }
    return f"{project.name}: " + ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items())


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ProjectError(f"--set {text!r}: expected key=value, e.g. --set storage.root=/data/warehouse")
    return key, value


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ProjectError(f"--known-at {text!r} is not a moment; write 2017-12-31T23:59:59+00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


__all__ = ["JOBS", "main"]
