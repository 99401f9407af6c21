"""Which Java starts Spark: 17 or 21, from JAVA_HOME, from the path, or from where Linux packages put it.

Set-up asks `python -m strata.storage.java`: exit 0 and the home of a usable Java, or exit 1 and what was found.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from strata.errors import ProjectError

USABLE = (17, 21)
ADVICE = "install Java 17 or 21 (Debian and Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one"


def find_java(environ: Mapping[str, str], installed: Path = Path("/usr/lib/jvm")) -> Path:
    """The home of the first usable Java.

    Args:
        environ: the process's environment; JAVA_HOME and PATH are looked at, in this order.
        installed: folder of installed Java homes, looked at last.

    Raises:
        ProjectError: there is none; names the versions that were found.
    """
    unusable = []
    for home in _homes(environ, installed):
        version = java_version(home)
        if version in USABLE:
            return home
        unusable.append(f"{home} (Java {version})" if version else f"{home} (does not run)")
    found = ", ".join(dict.fromkeys(unusable)) or "none"
    raise ProjectError(f"Spark needs Java 17 or 21, found {found}: {ADVICE}")


def java_version(home: Path) -> int | None:
    """Major version of the Java at `home`; None when it does not run."""
    command = [str(home / "bin" / "java"), "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    said = re.search(r'version "(\d+)', answer.stderr)
    return int(said.group(1)) if said else None


def _homes(environ: Mapping[str, str], installed: Path) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    yield from sorted(java.parent.parent for java in installed.glob("*/bin/java"))


def main(environ: Mapping[str, str]) -> int:
    """Write the home of a usable Java to standard output, or what is wrong to standard error."""
    try:
        sys.stdout.write(f"{find_java(environ)}\n")
    except ProjectError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    import os

    sys.exit(main(os.environ))
