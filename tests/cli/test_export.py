"""`strata export` on the command line: what it needs, and what it does not load."""

import subprocess
import sys
from pathlib import Path

import pytest

from strata.cli import main


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("next_wine_buyers",), "the following arguments are required: --for"),
        (("--for", "crm"), "the following arguments are required: AUDIENCE"),
        (("next_wine_buyers", "--for", "crm", "--format", "xlsx"), "invalid choice: 'xlsx'"),
    ],
)
def test_who_for_is_not_guessed(words: tuple[str, ...], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", *words, "--project", "conf/grocery"])
    assert ended.value.code == 2
    assert part in capsys.readouterr().err


def test_nothing_released_is_said_before_anything_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "tables"
    words = ["export", "next_wine_buyers", "--for", "crm", "--project", "conf/grocery", "--set", f"storage.root={root}"]
    assert main(words) == 3
    assert "grocery: nothing is released yet to export; `strata run` makes a release" in capsys.readouterr().err
    assert not root.exists()


def test_the_job_runs_without_spark(tmp_path: Path) -> None:
    program = "import sys, strata.export.jobs; print(sorted({'pyspark', 'py4j', 'delta', 'pandas'} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(Path("lib").resolve()), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.strip() == "[]", done.stderr
    job = [sys.executable, "jobs/export.py", "wine", "--for", "crm", "--project", "conf/grocery"]
    told = subprocess.run(
        [*job, "--set", f"storage.root={tmp_path}"], capture_output=True, text=True, check=False, env=environment
    )
    assert told.returncode == 2
    assert "there is no audience `wine`" in told.stderr
