"""The JARs beside Spark: which are kept, and what a person reads when they cannot be had."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from strata.errors import ProjectError
from strata.storage import jars
from strata.storage.jars import beside_spark, delta_coordinates, folder_of_test_jars, jar_folder, local_jars, spark_home

ROOT = Path(__file__).parents[2]
LIB = str(ROOT / "lib")


def jar(path: Path, *classes: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in classes:
            archive.writestr(name, b"")
    return path


def test_coordinates_follow_the_installed_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert delta_coordinates() == "io.delta:delta-spark_4.2_2.13:4.4.0"
    monkeypatch.setattr(jars, "version", {"pyspark": "5.1.3", "delta-spark": "6.0.1"}.__getitem__)
    assert delta_coordinates() == "io.delta:delta-spark_5.1_2.13:6.0.1"


def test_a_jar_that_shares_a_class_with_spark_is_left_out_whatever_its_name(tmp_path: Path) -> None:
    spark = [jar(tmp_path / "RoaringBitmap-1.6.10.jar", "org/roaringbitmap/ArraysShim.class", "module-info.class")]
    delta = jar(tmp_path / "io.delta_delta-spark-4.4.0.jar", "io/delta/Delta.class", "module-info.class")
    shim = jar(tmp_path / "org.roaringbitmap_shims-0.9.25.jar", "org/roaringbitmap/ArraysShim.class")
    assert beside_spark([shim, delta], spark) == [delta]


def test_the_kept_jars_hold_delta_and_clash_with_nothing_in_spark() -> None:
    kept = local_jars()
    group_and_artifact = {p.name.split("-")[0] for p in kept}
    assert {"io.delta_delta", "io.unitycatalog_unitycatalog"} <= group_and_artifact
    assert beside_spark(kept, (spark_home() / "jars").glob("*.jar")) == kept


def test_the_test_jars_are_kept_apart() -> None:
    assert [p.name.split("-")[0] for p in folder_of_test_jars().glob("*.jar")] == ["org.xerial_sqlite"]
    assert not list(jar_folder().glob("*sqlite*"))


def test_no_jars_is_one_line_that_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jars, "SHARE", tmp_path)
    with pytest.raises(ProjectError, match=r"no Delta JARs in .*: run `.* -m strata\.storage\.jars`$"):
        local_jars()


def test_without_a_network_and_a_cache_resolving_ends_with_one_line(tmp_path: Path) -> None:
    # An empty cache, and a proxy that nobody answers for: what a machine without a network sees.
    program = (
        "import pathlib, sys; from strata.storage import jars;"
        f"jars.SHARE = pathlib.Path({str(tmp_path / 'share')!r}); sys.exit(jars.main([]))"
    )
    nobody = [f"-D{scheme}.proxy{part}" for scheme in ("http", "https") for part in ("Host=127.0.0.1", "Port=1")]
    options = " ".join([*nobody, f"-Duser.home={tmp_path}"])
    environment = {**os.environ, "PYTHONPATH": LIB, "JAVA_TOOL_OPTIONS": options}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr == (
        "strata: could not fetch io.delta:delta-spark_4.2_2.13:4.4.0: the first set-up needs a network"
        " (behind a mirror, set DEFAULT_ARTIFACT_REPOSITORY to its address)\n"
    )
    assert done.stdout == ""
