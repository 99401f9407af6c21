"""The JARs that Spark needs beside its own: resolved once by set-up, found again without a network.

`python -m strata.storage.jars` asks Spark's own resolver (Ivy) for Delta and leaves, inside the environment,

    share/strata/jars        what pyspark does not bring itself: the class path of a local session
    share/strata/test-jars   JARs that only tests need
    share/strata/ivy         the resolver's cache: with it as spark.jars.ivy, spark-submit --packages works offline
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

from strata.errors import ProjectError, StrataError
from strata.storage.java import find_java

SCALA = "2.13"
SHARE = Path(sys.prefix) / "share" / "strata"


def jar_folder() -> Path:
    """Where set-up leaves the Delta JARs: inside the environment that strata runs in."""
    return SHARE / "jars"


def folder_of_test_jars() -> Path:
    """Where set-up leaves the JARs that only tests need."""
    return SHARE / "test-jars"


def ivy_folder() -> Path:
    """The resolver's cache: give it to `spark-submit --packages` as `spark.jars.ivy` to submit without a network."""
    return SHARE / "ivy"


def class_archive() -> Path:
    """What set-up leaves of the classes that a JVM has loaded (`class_archive.py`); a local session starts from it."""
    return SHARE / "classes.jsa"


def local_jars() -> list[Path]:
    """The Delta JARs for a local session.

    Raises:
        ProjectError: set-up has not resolved them.
    """
    jars = sorted(jar_folder().glob("*.jar"))
    if not jars:
        raise ProjectError(f"no Delta JARs in {jar_folder()}: run `{Path(sys.executable).name} -m strata.storage.jars`")
    return jars


def delta_coordinates() -> str:
    """group:artifact:version of the Delta JAR that fits the installed delta-spark and pyspark."""
    spark = ".".join(version("pyspark").split(".")[:2])
    return f"io.delta:delta-spark_{spark}_{SCALA}:{version('delta-spark')}"


def beside_spark(resolved: Iterable[Path], spark: Iterable[Path]) -> list[Path]:
    """Of the `resolved` JARs those that share no class with Spark's own.

    Delta's dependencies name older versions of what Spark brings, and stand-ins for it under other names
    (commons-logging for jcl-over-slf4j, shims that RoaringBitmap has absorbed): on one class path they would clash.
    """
    own = frozenset().union(*map(_classes, spark))
    return sorted(jar for jar in resolved if not _classes(jar) & own)


def _classes(jar: Path) -> frozenset[str]:
    with ZipFile(jar) as archive:
        names = archive.namelist()
    return frozenset(n for n in names if n.endswith(".class") and not n.endswith("module-info.class"))


def resolve(test_jars: Sequence[str] = ()) -> None:
    """Fill the three folders; the network is used for what the cache does not hold.

    Args:
        test_jars: coordinates of JARs that only tests need.

    Raises:
        ProjectError: Java is missing, or the JARs could not be resolved.
    """
    _ask_ivy([delta_coordinates(), *test_jars])
    retrieved = ivy_folder() / "jars"
    for_tests = {retrieved / _file_name(c) for c in test_jars}
    _fill(folder_of_test_jars(), sorted(for_tests))
    _fill(jar_folder(), beside_spark(set(retrieved.glob("*.jar")) - for_tests, (spark_home() / "jars").glob("*.jar")))
    shutil.rmtree(retrieved)


def spark_home() -> Path:
    """The installed pyspark package: a whole Spark, with its `bin` and `jars`."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ProjectError("pyspark is not installed: run `make setup`")
    return Path(spec.origin).parent


def spark_environment(home: Path) -> dict[str, str]:
    """This process's environment with this Python, this Spark and the Java at `home`, for Spark's own scripts."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    return {**kept, "SPARK_HOME": str(spark_home()), "PYSPARK_PYTHON": sys.executable, "JAVA_HOME": str(home)}


def _ask_ivy(coordinates: Sequence[str]) -> None:
    environment = spark_environment(find_java(os.environ))
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "nothing.py"
        program.write_text("")
        command = [
            str(spark_home() / "bin" / "spark-submit"),
            *("--master", "local[1]", "--packages", ",".join(coordinates)),
            *("--conf", f"spark.jars.ivy={ivy_folder()}", str(program)),
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        raise ProjectError(_why(coordinates, done.stderr))


def _why(coordinates: Sequence[str], log: str) -> str:
    missing = [c for c in coordinates if f"{c.replace(':', '#', 1).replace(':', ';')}: not found" in log]
    if missing:
        return (
            f"could not fetch {', '.join(missing)}: the first set-up needs a network"
            " (behind a mirror, set DEFAULT_ARTIFACT_REPOSITORY to its address)"
        )
    causes = re.findall(r"^(?:Exception in thread \S+ |Caused by: )(.+)$", log, re.MULTILINE) or ["it does not say why"]
    return f"Spark could not resolve {', '.join(coordinates)}: {causes[-1].strip()}"


def _file_name(coordinates: str) -> str:
    group, artifact, number = coordinates.split(":")
    return f"{group}_{artifact}-{number}.jar"


def _fill(folder: Path, jars: Sequence[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for jar in jars:
        shutil.copy(jar, folder)


def main(arguments: Sequence[str]) -> int:
    """Resolve the JARs; with `--tests-of pyproject.toml` also those of its `tool.strata.test-jars`."""
    parser = argparse.ArgumentParser(prog="python -m strata.storage.jars", description="Resolve the Delta JARs once.")
    parser.add_argument("--tests-of", type=Path, help="a pyproject.toml that lists tool.strata.test-jars")
    tests_of = parser.parse_args(arguments).tests_of
    wanted = tomllib.loads(tests_of.read_text())["tool"]["strata"]["test-jars"] if tests_of else ()
    try:
        resolve(wanted)
    except StrataError as problem:
        sys.stderr.write(f"strata: {problem}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
