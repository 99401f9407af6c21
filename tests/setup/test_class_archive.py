"""The archive of classes that set-up leaves: local sessions start from it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strata.storage import jars
from strata.storage.jars import class_archive
from strata.storage.session import java_options

LIB = str(Path(__file__).parents[2] / "lib")
PROGRAM = """
import os, sys
from strata.storage.session import java_options, open_session
options = f"{java_options(os.environ)} -Xlog:class+load:file={sys.argv[1]}"
open_session({"spark.driver.extraJavaOptions": options}).range(1).count()
"""


def test_a_session_takes_its_classes_from_the_archive(tmp_path: Path) -> None:
    assert class_archive().exists(), f"no {class_archive()}: run `make setup`"
    log = tmp_path / "classes.log"
    environment = {**os.environ, "PYTHONPATH": LIB}
    subprocess.run([sys.executable, "-c", PROGRAM, str(log)], check=True, timeout=300, env=environment)
    loaded = [line for line in log.read_text().splitlines() if "] org.apache.spark." in line and "Lambda" not in line]
    sources = [line.split("source: ")[-1] for line in loaded]
    shared = sum(source.startswith("shared objects file") for source in sources)
    assert shared > 0.9 * len(sources) > 900


def test_without_an_archive_a_session_starts_as_java_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # In quotes: a folder's name may hold a space, at which Spark would cut the options.
    assert f'"-XX:SharedArchiveFile={class_archive()}"' in java_options({})
    monkeypatch.setattr(jars, "SHARE", tmp_path)
    assert "SharedArchiveFile" not in java_options({})
