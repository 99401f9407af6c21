"""Java 17 or 21 is found where it is; anything else is one line that says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest

from strata.errors import ProjectError
from strata.storage.java import find_java, java_version

ROOT = Path(__file__).parents[2]


def java(home: Path, version: str) -> Path:
    """A stand-in that answers `-version` as a JDK does, and does nothing else."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize(
    ("version", "major"), [("17.0.15", 17), ("21", 21), ("21.0.2", 21), ("1.8.0_402", 1), ("25-ea", 25)]
)
def test_the_major_version_is_read(tmp_path: Path, version: str, major: int) -> None:
    assert java_version(java(tmp_path / "jdk", version)) == major


def test_java_home_comes_before_the_path_before_the_installed_ones(tmp_path: Path) -> None:
    homes = {name: java(tmp_path / name, "17.0.1") for name in ("home", "path", "installed/a")}
    environment = {"JAVA_HOME": str(homes["home"]), "PATH": f"{homes['path']}/bin:/usr/bin:/bin"}
    assert find_java(environment, tmp_path / "installed") == homes["home"]
    del environment["JAVA_HOME"]
    assert find_java(environment, tmp_path / "installed") == homes["path"]
    assert find_java({"PATH": "/nowhere"}, tmp_path / "installed") == homes["installed/a"]


def test_an_unusable_java_is_passed_over(tmp_path: Path) -> None:
    old, new = java(tmp_path / "old", "11.0.2"), java(tmp_path / "installed" / "b", "21.0.2")
    java(tmp_path / "installed" / "a", "25.0.1")
    assert find_java({"JAVA_HOME": str(old), "PATH": "/nowhere"}, tmp_path / "installed") == new


def test_no_usable_java_names_what_was_found_and_what_to_install(tmp_path: Path) -> None:
    old = java(tmp_path / "old", "11.0.2")
    with pytest.raises(ProjectError) as refused:
        find_java({"JAVA_HOME": str(old), "PATH": f"{tmp_path}/broken"}, tmp_path / "none")
    assert str(refused.value) == (
        f"Spark needs Java 17 or 21, found {old} (Java 11): install Java 17 or 21"
        " (Debian and Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one"
    )
    with pytest.raises(ProjectError, match="found none: install Java 17 or 21"):
        find_java({"PATH": ""}, tmp_path / "none")


def test_a_session_without_java_is_refused_in_one_line(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from functools import partial\n"
        "from strata.storage import session, java\n"
        f"session.find_java = partial(java.find_java, installed=Path({str(tmp_path)!r}))\n"
        "from strata.errors import ProjectError\n"
        "try: session.open_session()\n"
        "except ProjectError as problem: print(problem)"
    )
    environment = {"PYTHONPATH": str(ROOT / "lib"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("Spark needs Java 17 or 21, found none: install Java 17 or 21")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
