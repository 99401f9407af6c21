"""Imports go one way, and heavy or powerful packages are imported in one place only."""

import subprocess
import sys

import pytest
from tests.architecture.source import ROOT, Module, jobs, modules, within

# A module may import from its own package and from lower rows; packages of one row know nothing of each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("strata.errors",),
    ("strata.dates",),
    ("strata.contract",),
    ("strata.expression",),
    ("strata.project",),
    (
        "strata.ingest",
        "strata.features",
        "strata.segments",
        "strata.audiences",
        "strata.forecasts",
        "strata.publish",
        "strata.quality",
        "strata.generate",
    ),
    ("strata.storage",),
    ("strata.console",),
    ("strata.pipeline", "strata.preview"),
    ("strata.export",),
    ("strata.cli",),
    ("strata.__main__",),
)
ONLY_IN = {
    "great_expectations": ("strata.quality.gate",),
    "delta": ("strata.storage",),
    "deltalake": ("strata.storage",),
}
WITHOUT_SPARK = (
    "strata.errors", "strata.dates", "strata.contract", "strata.expression", "strata.project", "strata.preview",
    "strata.segments.duckdb", "strata.segments.duckdb_columns", "strata.segments.literals", "strata.segments.model",
    "strata.segments.preparation", "strata.segments.preparing", "strata.segments.ranks",
    "strata.ingest.pseudonyms", "strata.quality.history", "strata.storage.local", "strata.storage.appending",
    "strata.export",
)  # fmt: skip
EXCEPT = ("strata.contract.spark", "strata.expression.spark")
NO_NAME_AT_ALL = {"utils", "util", "common", "helpers", "misc"}

every_module = pytest.mark.parametrize("module", modules(), ids=lambda m: m.name)


def place(name: str) -> tuple[int, str] | None:
    """Row and package of a dotted name; None for what is outside of strata or the package itself."""
    for row, packages in enumerate(LAYERS):
        for package in packages:
            if within(name, package):
                return row, package
    return None


def upward(importer: str, imported: str) -> bool:
    """Whether `importer` may not import `imported`."""
    here, there = place(importer), place(imported)
    if here is None or there is None or here[1] == there[1]:
        return False
    return there[0] >= here[0]


def test_the_rule_itself_knows_up_from_down() -> None:
    assert not upward("strata.features.tiles", "strata.contract.columns.Column")
    assert upward("strata.contract.columns", "strata.features.tiles")
    assert upward("strata.features.tiles", "strata.storage.tables.Lakehouse")
    assert upward("strata.features.tiles", "strata.segments.rules")
    assert not upward("strata.features.tiles", "strata.features.windows")


@every_module
def test_imports_go_down(module: Module) -> None:
    if module.name != "strata":
        assert place(module.name) is not None, f"{module.name} has no place in LAYERS"
    wrong = [f"line {line}: {name}" for name, line in module.imports() if upward(module.name, name)]
    assert wrong == [], f"{module.path.relative_to(ROOT)} imports from above or beside it"


@every_module
def test_a_package_with_an_owner_is_imported_by_it_only(module: Module) -> None:
    wrong = [
        f"line {line}: {name}"
        for name, line in module.imports()
        for package, owners in ONLY_IN.items()
        if within(name, package) and not any(within(module.name, owner) for owner in owners)
    ]
    assert wrong == []


def without_spark() -> list[Module]:
    low = [m for m in modules() if any(within(m.name, package) for package in WITHOUT_SPARK)]
    return [m for m in low if m.name not in EXCEPT]


@pytest.mark.parametrize("module", without_spark(), ids=lambda m: m.name)
def test_what_check_and_the_looks_need_imports_no_spark(module: Module) -> None:
    forbidden = ("pyspark", "delta", *EXCEPT)
    wrong = [f"line {line}: {name}" for name, line in module.imports() if any(within(name, p) for p in forbidden)]
    assert wrong == []


def test_checking_a_project_starts_without_spark_pandas_or_great_expectations() -> None:
    heavy = ("pyspark", "pandas", "great_expectations", "sklearn", "pyarrow")
    program = f"import sys, strata.project.load; print(*(set({heavy!r}) & set(sys.modules)))"
    environment = {"PYTHONPATH": str(ROOT / "lib"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_every_module_can_be_imported() -> None:
    # A process of its own: an import that works only after another one is found.
    names = [m.name for m in modules() if m.name != "strata.__main__"]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    environment = {"PYTHONPATH": str(ROOT / "lib"), "PATH": ""}
    command = [sys.executable, "-W", "ignore", "-c", program, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@every_module
def test_a_module_is_named_after_what_it_is_about(module: Module) -> None:
    assert not NO_NAME_AT_ALL & set(module.name.split("."))


@pytest.mark.parametrize("job", jobs(), ids=lambda m: m.name)
def test_a_job_imports_the_command_line_and_nothing_else(job: Module) -> None:
    assert {name for name, _ in job.imports()} == {"sys", "strata.cli.main"}


def test_there_are_jobs() -> None:
    assert {job.name for job in jobs()} >= {"jobs.run", "jobs.check", "jobs.ingest", "jobs.publish"}
