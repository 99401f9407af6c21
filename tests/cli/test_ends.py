"""How commands end that nothing of strata has ended: interrupted, no one reads on, the machine refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strata import cli
from strata.cli import main

GROCERY = ("--project", "conf/grocery")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (
            KeyboardInterrupt(),
            130,
            "strata: interrupted\n  readers keep what they have; the same command goes on (exit 130)",
        ),
        (
            OSError(28, "No space left on device", "/data/x"),
            1,
            "No space left on device: '/data/x'\n  this machine, its disk",
        ),
        (KeyError("x"), 1, "strata: unexpected KeyError: 'x'\n  this is a fault of strata (exit 1)"),
    ],
)
def test_what_ends_a_command_is_said_without_a_trace(monkeypatch, capsys, error, code, says):
    def end(*_):
        raise error

    monkeypatch.setattr(cli, "_dispatch", end)
    assert main(["check", *GROCERY]) == code
    said = capsys.readouterr()
    assert says in said.err
    assert "Traceback" not in said.err
    assert main(["run", *GROCERY, "--as-of", "2017-12-31", "--log", "json"]) == code
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["event"], line["exit_code"]) == ("error", code)


def test_who_reads_no_further_gets_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    environ = {"PYTHONPATH": str(Path("lib").resolve()), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "strata", "check", *GROCERY], stdout=writer, stderr=subprocess.PIPE, text=True,
        check=False, env=environ,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("release", "--rollback", ""), "there is no release ''"),
        (("release", "--show", ""), "there is no release ''"),
        (("export", "x", "--for", "crm", "--as-of", ""), "''"),
        (("run", "--as-of", ""), "''"),
        (("run", "--as-of", "2017-12-31", "--known-at", ""), "--known-at '' is not a moment"),
    ],
)
def test_a_word_that_a_variable_left_empty_is_not_none(capsys, tmp_path, words, says):
    assert main([*words, *GROCERY, "--set", f"storage.root={tmp_path}"]) == 2
    assert says in capsys.readouterr().err


def test_a_wait_that_is_no_number_is_refused_in_words(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", *GROCERY, "--wait", "abc"])
    assert ended.value.code == 2
    assert "found 'abc', expected 0 to 1440 minutes" in capsys.readouterr().err


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert cli._user() == str(os.getuid())
