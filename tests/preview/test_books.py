"""`strata release --list`, `--show` and `status` on a local folder: what they print, without a JVM."""

import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.preview.kit import Stored, stored

from strata.contract.operations import leases, releases, run_log
from strata.contract.published import segment_catalog, segment_membership
from strata.publish.release import Promoted, Release, switch

NOW = datetime.now(UTC)  # noqa: TID251 - how old a release is counts
NOVEMBER, DECEMBER = date(2017, 11, 30), date(2017, 12, 31)


@pytest.fixture
def shop(tmp_path: Path) -> Stored:
    """November released a hundred days ago and December today; November's was run twice, and failed the first time."""
    shop, rows = stored(tmp_path), []
    for number, (letter, day, ago) in enumerate((("a", NOVEMBER, 100), ("b", DECEMBER, 1), ("c", DECEMBER, 0))):
        release = Release(letter * 32, day, NOW, "d" * 32, "1", None)
        tables = [Promoted(t.full_name(), number, 10, "h") for t in (segment_membership, segment_catalog)]
        rows = switch(rows, release, tables, f"run-{number}", NOW - timedelta(days=ago))
    shop.put(releases, rows)
    ends = {"20180101T0000-a": (4, "a check failed"), "20180102T0000-b": (0, None)}
    log = [
        {"run_id": run, "stage": stage, "started_at": NOW, "seconds": 2.0, "exit_code": code, "error": error}
        for run, (exit_code, reason) in ends.items()
        for stage, code, error in (("gate", exit_code or None, reason), ("end", exit_code, reason))
    ]
    shop.put(run_log, log)
    shop.put(leases, [{"lease": "project grocery", "holder": "20180103T0000-c", "host": "elsewhere", "process": 7}])
    return shop


def cells(text: str) -> list[list[str]]:
    return [[c for c in line.split("  ") if c.strip()] for line in text.splitlines() if line.strip()]


def test_the_list_says_which_release_can_come_back_and_until_when(shop):
    said = shop.strata("release", "--list")
    assert said.code == 0, said.err
    until = (NOW + timedelta(days=88)).date()
    found = [(line[0].strip(), line[-1].strip()) for line in cells(said.out)[2:]]
    assert found == [("c" * 12, "current"), ("b" * 12, f"until {until}"), ("a" * 12, "no: too old")]


def test_one_is_shown_by_its_first_digits_and_what_is_not_there_is_refused(shop):
    said = shop.strata("release", "--show", "b")
    assert said.out.startswith(f"Release {'b' * 32}\n  as of 2017-12-31")
    assert "strata release --rollback bbbbbbbbbbbb" in said.out
    assert "members.segment_membership" in said.out
    assert [shop.strata("release", "--show", digits).code for digits in ("d", "")] == [2, 2]


def test_status_tells_what_is_current_how_runs_ended_and_who_writes(shop):
    said = shop.strata("status")
    assert said.code == 0, said.err
    head, runs, book = said.out.replace("Releases\n", "Last runs\n").split("Last runs\n")
    assert f"Release {'c' * 12} is current: as of 2017-12-31, 2 tables, 20 rows, code 1" in head
    assert f"{shop.root}/publish" in head
    holds = "Run 20180103T0000-c (process 7 on elsewhere) holds the project grocery lease"
    assert f"{holds}: it is writing, or was cut short, and the next run completes it" in head
    lines = [[line[0].strip(), line[-1].strip()] for line in cells(runs)[2:]]
    assert lines == [["20180102T0000-b", "done"], ["20180101T0000-a", "the gate closed: a check failed"]]
    assert len(cells(book)[2:]) == 3


def test_status_tells_of_a_run_on_this_machine_that_it_was_cut_short(shop):
    gone = {"lease": "warehouse", "holder": "20180104T0000-d", "host": socket.gethostname(), "process": 2**22 + 1}
    shop.put(leases, [gone, {"lease": "given back"}])
    holding = [line for line in shop.strata("status").out.splitlines() if line.endswith("completes it")]
    assert len(holding) == 1
    assert "holds the warehouse lease: it was cut short, and" in holding[0]


def test_before_the_first_release_both_say_what_to_do(tmp_path):
    shop = stored(tmp_path)
    for words in (("release", "--list"), ("status",)):
        told = f"nothing is released yet in {shop.root}; `strata run` makes the first release there"
        assert told in shop.strata(*words).out


def test_they_need_no_definition_to_be_right(shop):
    (shop.folder / "features.yml").write_text("features: [")
    (shop.folder / "audiences" / "own_brand_lovers.yml").write_text("kind: rul")
    for words in (("release", "--list"), ("release", "--show", "b"), ("status",)):
        said = shop.strata(*words)
        assert said.code == 0, said.err
    assert shop.strata("check").code == 2
    (shop.folder / "project.yml").write_text("project: x\n")
    assert shop.strata("status").code == 2


def test_a_place_that_cannot_hold_tables_is_refused(shop, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "a%20b").mkdir()
    for place, part in (("file", "found the file"), ("a%20b", "two digits are another character to readers")):
        said = Stored(shop.folder, tmp_path / place).strata("status")
        assert (said.code, part in said.err) == (2, True), said.err
    monkeypatch.setattr("strata.storage.folders.os.access", lambda *_: False)
    assert "cannot be read by this user" in shop.strata("release", "--list").err


def test_a_damaged_log_of_runs_hides_no_release(shop):
    for file in (shop.root / "publish" / "run_log").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    said = shop.strata("status")
    assert said.code == 0, said.err
    assert f"Release {'c' * 12} is current" in said.out
    assert "note: " in said.out
    assert "Last runs" not in said.out
    for file in (shop.root / "publish" / "releases" / "_delta_log").glob("*.json"):
        file.write_text("{")
    said = shop.strata("status")
    assert said.code == 3
    assert "publish.releases: its newest version cannot be read" in said.err
    assert "bring the file back" in said.err


def test_no_jvm_is_started_and_no_spark_loaded(shop):
    heavy = ("pyspark", "py4j", "delta", "pandas", "great_expectations", "sklearn")
    program = (
        "import sys; from strata.cli import main\nLOOKS = 'release --list', 'release --show c', 'status'\n"
        "codes = [main([*words.split(), *sys.argv[1:]]) for words in LOOKS]\n"
        f"print('END', codes, sorted(set({heavy!r}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, "--project", str(shop.folder), "--set", f"storage.root={shop.root}"]
    environment = {"PYTHONPATH": str(Path("lib").resolve()), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.splitlines()[-1] == "END [0, 0, 0] []", done.stderr
