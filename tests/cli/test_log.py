"""`--log json`: an object a line, for every stage, note and error, and nothing of persons."""

import io
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from strata.cli import main
from strata.cli.log import JsonLog
from strata.errors import GateClosed, InputError, Location, Problem, StrataError
from strata.pipeline import leased
from strata.pipeline.context import Run
from strata.pipeline.leased import _logged

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


def a_run(log):
    """A run whose tables are a list."""
    written = []
    run = Run(SimpleNamespace(name="tiny"), SimpleNamespace(run_id="r-1"), lambda: NOW, log, record=log.stage_done)
    object.__setattr__(run, "write_log", lambda: written.extend(run.log))
    return run, written


def a_log():
    log = JsonLog(io.StringIO(), lambda: NOW)
    log.context["run_id"] = "r-1"
    return log


def fail(outcome, error):
    outcome.rows_in = 7
    raise error


def lines(log):
    return [json.loads(line) for line in log.out.getvalue().splitlines()]


def test_stages_notes_and_the_end_are_lines_and_what_is_said_to_people_is_not():
    log = a_log()
    run, written = a_run(log)
    with _logged(run):
        log.say("Segments as of today")
        log.table(["a"], [[1]])
        with run.stage("segments", "assign") as outcome:
            log.note("all are alike")
            outcome.text, outcome.rows_out = "3 segmentations", 120
        run.ends.append(6)
    stage, end = {"event": "stage", "stage": "segments"}, {"event": "end", "stage": "end", "exit_code": 6}
    found = lines(log)
    assert [{k: v for k, v in line.items() if k in ("event", "stage", "exit_code")} for line in found] == [
        {"event": "note", "stage": "segments"}, stage, end,
    ]  # fmt: skip
    assert found[1]["rows_out"] == 120
    assert found[1]["text"] == "3 segmentations"
    assert {line["run_id"] for line in found} == {"r-1"}
    assert all(isinstance(line["seconds"], float) for line in found[1:])
    assert [(r["stage"], r["exit_code"]) for r in written] == [("segments", None), ("end", 6)]


MANY_EMPTY = "; ".join(f"file {n:03} is empty" for n in range(26)) + ";"
"""As much of a hundred problems as a log takes, which ends between two."""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (
            GateClosed([Problem(None, "check a failed"), Problem(None, "check b failed")]),
            4,
            "check a failed; check b failed",
        ),
        (InputError("calls: no file"), 3, "calls: no file"),
        (InputError([Problem(None, f"file {n:03} is empty") for n in range(100)]), 3, f"{MANY_EMPTY} ..."),
        (ValueError("The value 'Olena' is no number"), 1, "builtins.ValueError"),
        (KeyboardInterrupt(), 130, "builtins.KeyboardInterrupt"),
    ],
)
def test_a_stage_that_fails_has_a_row_and_the_run_says_how_it_ended(error, code, reason):
    log = a_log()
    run, written = a_run(log)
    with pytest.raises(type(error)), _logged(run), run.stage("gate", "check") as outcome:
        fail(outcome, error)
    assert [(r["stage"], r["exit_code"], r["error"], r["rows_in"]) for r in written] == [
        ("gate", code, reason, 7), ("end", code, reason, None),
    ]  # fmt: skip
    assert "Olena" not in log.out.getvalue()


def test_a_log_that_cannot_be_written_hides_no_error():
    log = a_log()
    run, _ = a_run(log)

    def full():
        raise OSError("disk full")

    object.__setattr__(run, "write_log", full)
    with pytest.raises(InputError, match="no file"), _logged(run):
        raise InputError("no file")
    assert lines(log)[-1]["text"] == "run_log could not be written: OSError"


def test_errors_are_told_with_their_places_and_faults_by_their_kind_only(capsys):
    log = replace(a_log())
    log.error(StrataError([Problem(Location("a.yml", 1, 2), "wrong", "mend it")]))
    log.error(ValueError("Olena"))
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["problems"] == [{"what": "wrong", "where": "a.yml:1:2", "next_step": "mend it"}]
    assert (second["exit_code"], second["problems"][0]["what"]) == (1, "builtins.ValueError")


def test_a_project_with_a_mistake_ends_with_one_line_of_json(tmp_path, capsys):
    assert main(["run", "--project", str(tmp_path), "--as-of", "2024-03-01", "--log", "json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert json.loads(line)["event"] == "error"
    assert json.loads(line)["exit_code"] == 2


def test_a_run_that_cannot_complete_what_was_cut_short_is_logged_too(monkeypatch):
    def cannot(*_):
        raise StrataError("it cannot be completed")

    monkeypatch.setattr(leased, "hold_lease", lambda *_: nullcontext(lambda: None))
    monkeypatch.setattr(leased, "_kept_tables", lambda _: [])
    monkeypatch.setattr(leased, "keep_versions", lambda *_: 0)
    monkeypatch.setattr(leased, "recover", cannot)
    log = a_log()
    run, _ = a_run(log)
    with pytest.raises(StrataError, match="cannot be completed"), leased.leased(run, log):
        pytest.fail("it went on")
    (end,) = [line for line in lines(log) if line["event"] == "end"]
    assert (end["exit_code"], end["error"]) == (1, "it cannot be completed")
