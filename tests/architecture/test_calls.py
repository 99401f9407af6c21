"""What strata never does: leave the DataFrame API, ask a clock or a die, print."""

import ast
from collections.abc import Mapping

import pytest
from tests.architecture.source import Module, jobs, modules, within, written_calls

# last part of what is written -> why not; on anything: `x.rdd` and `rdd(x)` alike
NEVER = {
    "rdd": "DataFrame API only",
    "_jdf": "DataFrame API only",
    "_jvm": "DataFrame API only",
    "_jsparkSession": "DataFrame API only",
    "sparkContext": "DataFrame API only",
    "udf": "executors need nothing but the JVM",
    "pandas_udf": "executors need nothing but the JVM",
    "mapInPandas": "executors need nothing but the JVM",
    "applyInPandas": "executors need nothing but the JVM",
    "mapInArrow": "executors need nothing but the JVM",
    "toPandas": "toArrow keeps types",
    "current_date": "the as-of date is an argument",
    "current_timestamp": "known_at is an argument",
    "localtimestamp": "known_at is an argument",
    "rand": "samples are taken by hash of the id",
    "randn": "samples are taken by hash of the id",
    "sampleBy": "samples are taken by hash of the id",
    "monotonically_increasing_id": "it depends on the partitioning",
    "spark_partition_id": "it depends on the partitioning",
    "uuid": "ids are hashes of what they identify",
    "uuid4": "ids are hashes of what they identify",
    "show": "no printing",
    "printSchema": "no printing",
}
KEPT = {"cache": "between stages stands a table", "persist": "between stages stands a table"}
EXCEPT = {
    "strata.ingest.numbering": {"monotonically_increasing_id", "spark_partition_id"},  # counts records of a file block
}
OPENERS = ("strata.ingest.readers", "strata.ingest.files")  # what is delivered is no table of ours yet
CLOCK = {"now", "utcnow", "today", "time.time", "time.time_ns"}
DICE = ("random", "uuid")
STAGES = ("ingest", "features", "segments", "audiences", "forecasts", "publish", "quality", "generate")
MAY_PRINT = ("strata.cli", "strata.console")
every_module = pytest.mark.parametrize("module", [*modules(), *jobs()], ids=lambda m: m.name)


def found_in(tree: ast.AST, forbidden: Mapping[str, str]) -> list[str]:
    """The forbidden calls in `tree`."""
    return [
        f"line {line}: {written}: {forbidden[last]}"
        for written, line in written_calls(tree)
        if (last := written.rpartition(".")[2]) in forbidden and written != "functools.cache"
    ]


def clocks(tree: ast.AST) -> list[str]:
    """The looks at a clock in `tree`."""
    return [
        f"line {line}: {w}" for w, line in written_calls(tree) if w in CLOCK or ("." in w and w.split(".")[-1] in CLOCK)
    ]


def test_the_rules_see_what_they_forbid() -> None:
    forbidden = "frame.rdd\nF.rand()\nudf(x)\nf.agg(x).cache()\n"
    tree = ast.parse(forbidden + "functools.cache\nx.random_state\ndatetime.now(UTC)\ndate.today()")
    assert sorted(found.split(":")[0] for found in found_in(tree, NEVER)) == ["line 1", "line 2", "line 3"]
    assert [found.split(":")[0] for found in found_in(tree, KEPT)] == ["line 4"]
    assert sorted(found.split(":")[0] for found in clocks(tree)) == ["line 7", "line 8"]


@every_module
def test_dataframe_api_only_and_the_same_whatever_the_partitioning(module: Module) -> None:
    allowed = EXCEPT.get(module.name, set())
    forbidden = {name: why for name, why in NEVER.items() if name not in allowed}
    assert found_in(module.tree, forbidden) == []


@every_module
def test_frames_are_held_by_the_pipeline_only_and_let_go_again(module: Module) -> None:
    held = found_in(module.tree, KEPT)
    if within(module.name, "strata.pipeline"):
        released = [w for w, _ in written_calls(module.tree) if w.endswith(".unpersist")]
        assert not held or released
    else:
        assert held == []


@every_module
def test_only_the_command_line_knows_the_clock(module: Module) -> None:
    if not within(module.name, "strata.cli"):
        assert clocks(module.tree) == []


@every_module
def test_nothing_is_random(module: Module) -> None:
    assert [name for name, _ in module.imports() if any(within(name, d) for d in DICE)] == []
    unseeded = [n for n in ast.walk(module.tree) if isinstance(n, ast.Call) and not n.args and not n.keywords]
    assert not [n.lineno for n in unseeded if ast.unparse(n.func).endswith(("default_rng", "RandomState"))]


@every_module
def test_only_the_command_line_prints(module: Module) -> None:
    if not any(within(module.name, printer) for printer in MAY_PRINT):
        assert [line for written, line in written_calls(module.tree) if written == "print"] == []


@every_module
def test_only_storage_builds_a_session(module: Module) -> None:
    if not within(module.name, "strata.storage"):
        built = ("SparkSession.builder", "SparkSession.getActiveSession", "SparkSession.active")
        assert [line for written, line in written_calls(module.tree) if written in built] == []


@pytest.mark.parametrize("module", [m for m in modules() if m.name.split(".")[1:2] and m.name.split(".")[1] in STAGES],
                         ids=lambda m: m.name)  # fmt: skip
def test_a_stage_turns_frames_into_frames_and_neither_reads_nor_writes(module: Module) -> None:
    touching = ("write", "writeTo", "writeStream", "saveAsTable", "insertInto", "readStream")
    reads = ("spark.read", "sparkSession.read", "session.read", "spark.table", "spark.sql", "sparkSession.sql")
    forbidden = (*touching, *(() if module.name in OPENERS else reads))
    found = [
        f"line {line}: {written}"
        for written, line in written_calls(module.tree)
        if any(written == name or written.endswith("." + name) for name in forbidden)
    ]
    assert found == []
