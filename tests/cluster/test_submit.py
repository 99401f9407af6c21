"""spark-submit on a real cluster gives what a local run gives."""

import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow
import pytest
from deltalake import write_deltalake
from tests.cluster.published import published_hashes
from tests.cluster.standalone import ROOT, Cluster

from strata.contract import published
from strata.storage.java import find_java

HERE = Path(__file__).parent
AS_OF = "2017-11-30"
# What may differ between two runs on the same files: who made it, when, how long it took, the versions, and with the
# moment of ingest the ids and the hashes that have them in it.
OF_THE_RUN = ("run_id", "ingested_at", "known_at", "release_id", "previous_release_id", "model_id", "released_at",
              "content_hash", "delta_version", "started_at", "seconds", "spark_jobs")  # fmt: skip


@pytest.mark.cluster
@pytest.mark.long
def test_delta_and_the_wheel_work_on_executors_without_numpy_and_pyarrow(cluster: Cluster, tmp_path: Path) -> None:
    probe = "import importlib.util as u; print([u.find_spec(n) for n in ('numpy', 'pyarrow', 'pyspark', 'strata')])"
    bare = subprocess.run([cluster.bare_python, "-c", probe], capture_output=True, text=True, check=True)
    assert bare.stdout.strip() == "[None, None, None, None]"

    done = cluster.submit(HERE / "delta_program.py", str(tmp_path / "table"))
    assert done.returncode == 0, done.stderr[-4000:]
    facts = json.loads((tmp_path / "table.json").read_text())
    assert facts["totals"] == [sum(n for n in range(1000) if n % 7 == rest) for rest in range(7)]
    assert facts["strata_from"].startswith(str(cluster.wheel)) or str(cluster.wheel.name) in facts["strata_from"]
    assert facts["master"] == cluster.master
    assert facts["zone"] == "UTC"
    assert facts["columns"] == len(published.segment_overview.columns)
    workers = [p for n in (1, 2) for p in (cluster.folder / f"work-{n}").glob("app-*/*/stderr")]
    assert len(workers) == 2, "both workers ran an executor"


@pytest.mark.cluster
@pytest.mark.long
def test_a_job_ends_with_the_exit_code_of_the_command_line(cluster: Cluster, tmp_path: Path) -> None:
    done = cluster.submit(ROOT / "jobs" / "check.py", "--project", str(tmp_path))
    assert done.returncode == 2, done.stderr[-2000:]
    assert "Traceback" not in done.stderr


@pytest.mark.cluster
@pytest.mark.long
def test_a_run_on_the_cluster_publishes_what_a_local_run_publishes(cluster: Cluster, tmp_path: Path) -> None:
    key = {"STRATA_IDENTITY_KEY": "00" * 32}
    words = ["--project", str(ROOT / "conf" / "grocery"), "--as-of", AS_OF]
    local = [sys.executable, "-m", "strata", "run", *words, "--set", f"storage.root={tmp_path / 'local'}"]
    environment = {**os.environ, **key, "PYTHONPATH": str(ROOT / "lib"), "JAVA_HOME": str(find_java(os.environ))}
    done = subprocess.run(local, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 6}, done.stdout[-2000:] + done.stderr[-2000:]

    target = f"storage.root={tmp_path / 'cluster'}"
    submitted = cluster.submit(ROOT / "jobs" / "run.py", *words, "--set", target, environment=key)
    assert submitted.returncode == done.returncode, submitted.stderr[-4000:]
    here, there = (published_hashes(tmp_path / place, OF_THE_RUN) for place in ("local", "cluster"))
    assert here == there
    expected = {t.full_name() for t in published.GATED_TABLES}
    assert expected <= set(here)


def test_hashes_know_rows_but_not_their_order_or_files(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"d": date(2017, 1, n), "m": Decimal("1.10") * n, "x": n / 4, "s": None} for n in (1, 2, 3)
    ]
    schema = pyarrow.schema(
        [("d", pyarrow.date32()), ("m", pyarrow.decimal128(18, 2)), ("x", pyarrow.float64()), ("s", pyarrow.string())]
    )

    def written(name: str, *parts: list[dict[str, object]]) -> tuple[int, str]:
        for part in parts:
            write_deltalake(tmp_path / name / "publish" / "t", pyarrow.Table.from_pylist(part, schema), mode="append")
        return published_hashes(tmp_path / name)["publish.t"]

    one = written("one", rows)
    assert one[0] == 3
    assert written("split", rows[2:], rows[:2]) == one
    assert written("doubled", rows, rows[:1]) != one
    assert written("last bit", [{**rows[0], "x": 0.25 + 2**-54}, *rows[1:]]) != one
    assert written("blank", [{**rows[0], "s": ""}, *rows[1:]]) != one
    assert published_hashes(tmp_path / "one", ["s"]) == published_hashes(tmp_path / "blank", ["s"])


@pytest.mark.cluster
@pytest.mark.long
def test_an_executor_lost_during_a_fit_changes_no_centre_and_no_label(cluster: Cluster, tmp_path: Path) -> None:
    said = {}
    for what in ("keep", "lose"):
        done = cluster.submit(HERE / "fit_program.py", str(tmp_path / what), what)
        assert done.returncode == 0, done.stderr[-4000:]
        said[what] = json.loads((tmp_path / what).read_text())
    assert (said["keep"].pop("killed"), said["lose"].pop("killed")) == (0, 1)
    assert said["lose"] == said["keep"]
