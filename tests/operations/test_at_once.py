"""Eight command lines at once: one release, and whoever came second is told so or waits."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from tests.operations import run_at_once
from tests.operations.tiny import CUSTOMERS, FIRST, SECOND, Tiny, tiny_shop

pytestmark = [pytest.mark.long, pytest.mark.soak]
AT_ONCE = 8


def at_once(shop: Tiny, spark, commands, go: Path) -> list[tuple[int, str, str]]:
    """How commands end that begin together; each is a process of its own with a run of its own."""
    java = spark.sparkContext._gateway.gateway_parameters
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_GATEWAY_PORT": str(java.port),
        "PYSPARK_GATEWAY_SECRET": java.auth_token,
    }
    settings = [word for setting in shop.told() for word in ("--set", setting)]
    started = [
        subprocess.Popen(
            [sys.executable, run_at_once.__file__, str(go), *words, "--project", str(shop.folder), *settings],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for words in commands
    ]  # fmt: skip
    while len(list(go.parent.glob(f"{go.name}.*"))) < len(started):
        assert [p.returncode for p in started if p.poll() is not None] == [], "one ended before it began"
        time.sleep(0.1)
    go.touch()
    said = [(p, *p.communicate(timeout=500)) for p in started]
    return [(p.returncode, out, err) for p, out, err in said]


def test_eight_runs_of_a_date_make_one_release_and_the_others_exit_5(spark, tmp_path):
    shop = tiny_shop(tmp_path / "tiny", days=2)
    ended = at_once(shop, spark, [["run", "--as-of", str(SECOND)]] * AT_ONCE, tmp_path / "go")
    assert {code for code, _, _ in ended} == {0, 5}, ended
    released = [out for code, out, _ in ended if code == 0]
    assert len([out for out in released if "is there already" not in out]) == 1
    assert sum(code == 5 for code, _, _ in ended) >= AT_ONCE // 2
    for code, _, err in ended:
        assert code == 0 or "start again when it is done" in err
    book = shop.releases()
    assert (book["sequence"].max(), book["is_current"].all()) == (1, True)
    assert len(shop.read("silver/events")) == 2 * CUSTOMERS

    words = [["--as-of", str(FIRST)], ["--as-of", str(SECOND), "--force"]]
    waited = at_once(shop, spark, [["run", *those, "--wait", "5"] for those in words], tmp_path / "wait")
    assert [code for code, _, _ in waited] == [0, 0], waited
    told = r"waiting for at most 5 minutes: (run \S+ \(process|another run took the lease warehouse just now)"
    assert sum(re.search(told, out) is not None for _, out, _ in waited) == 1
    book = shop.releases()
    assert set(book.filter(pl.col("as_of_date") == FIRST)["kind"]) == {"backfill"}
    assert set(book.filter("is_current")["as_of_date"]) == {SECOND}
