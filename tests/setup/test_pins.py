"""Every version is pinned, in pyproject.toml and nowhere else, and no file says where to download from."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SAID = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = SAID["project"]["optional-dependencies"]
DIRECT = [*SAID["build-system"]["requires"], *SAID["project"]["dependencies"], *(p for e in EXTRAS.values() for p in e)]
CONSTRAINTS = SAID["tool"]["strata"]["constraints"]


def required_by(names: set[str]) -> set[str]:
    """Everything that the installed packages `names` bring along, themselves included."""
    seen: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            wanted = [Requirement(line) for line in distribution(name).requires or []]
        except PackageNotFoundError:
            continue
        waiting |= {canonicalize_name(r.name) for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})}
    return seen


@pytest.mark.parametrize("pin", [*DIRECT, *CONSTRAINTS])
def test_a_pin_is_one_version_and_the_one_that_is_installed(pin: str) -> None:
    name, exactly, number = pin.partition("==")
    assert exactly
    assert re.fullmatch(r"[0-9][0-9a-z.]*", number)
    if name != "setuptools":  # strata itself does without
        assert version(name) == number


def test_what_the_pinned_packages_bring_along_is_pinned_too() -> None:
    pinned = {canonicalize_name(Requirement(pin).name) for pin in [*DIRECT, *CONSTRAINTS]}
    direct = {canonicalize_name(Requirement(pin).name) for pin in DIRECT}
    installed = {name for name in required_by(direct) if _is_installed(name)}
    assert installed - pinned == set()


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def host_of(address: str) -> str:
    """The host; of what is no address, as some texts of tests/injection are not, all of it."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def test_no_lock_file_and_no_address_of_a_package_registry() -> None:
    names = {p.name for p in tracked_files()}
    assert not names & {"requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"}
    registry = re.compile(r"\b(pypi|pythonhosted|maven|sonatype|debian|ubuntu|npmjs|spark-packages)\b")
    for path in tracked_files():
        addresses = re.findall(r"https?://[^\s\"'<>)]+", path.read_text(encoding="utf-8", errors="ignore"))
        hosts = [host_of(address) for address in addresses]
        assert [host for host in hosts if registry.search(host)] == [], path
