"""A session is quiet: what the JVM says goes to a file, unless it is asked for."""

import os
import re
import subprocess
import sys
from pathlib import Path

from strata.storage.session import java_options

ROOT = Path(__file__).parents[2]
QUICK = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}  # half the CPU of a short-lived JVM
SETTINGS = {"spark.master": "local[1]", "spark.driver.memory": "1g"}


def run(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`program` in a process of its own whose temporary files go to `folder`."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "TMPDIR": str(folder), **QUICK, **environment}
    command = [
        sys.executable,
        "-c",
        f"from strata.storage.session import open_session\nSETTINGS = {SETTINGS!r}\n{program}",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


def test_delta_works_and_nothing_is_said_and_no_log_stays(tmp_path: Path) -> None:
    program = """
first = open_session(SETTINGS)
first.range(3).write.format("delta").save("TABLE")
first.stop()
second = open_session(SETTINGS)
print(second.read.format("delta").load("TABLE").count(), second.conf.get("spark.sql.session.timeZone"))
""".replace("TABLE", str(tmp_path / "table"))
    done = run(program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 UTC\n", "")
    assert [log.read_text() for log in tmp_path.glob("strata-spark-*.log")] == []


def test_verbose_shows_what_the_jvm_says_and_settings_it_refuses_are_one_line_with_the_log(tmp_path: Path) -> None:
    refused = """
from strata.errors import ProjectError
try: open_session({**SETTINGS, "spark.driver.memory": "many"})
except ProjectError as problem: print(problem)
"""
    quiet = run(refused, tmp_path)
    assert quiet.stderr == ""
    assert quiet.stdout.startswith("Spark did not start: ")
    assert len(quiet.stdout.splitlines()) == 1
    log = Path(quiet.stdout.rpartition("(the whole log: ")[2].rstrip(")\n"))
    assert log.parent == tmp_path
    said = log.read_text().strip()
    assert said
    assert said.splitlines()[-1].strip() in run(refused, tmp_path, STRATA_VERBOSE="1").stderr


def test_what_spark_logs_of_data_cannot_steer_a_terminal(tmp_path: Path) -> None:
    program = """
from strata.console import obeyed_shown
obeyed = [c for c in map(chr, range(0xD800)) if obeyed_shown(c) != c]
log = open_session(SETTINGS)._jvm.org.apache.logging.log4j.LogManager.getLogger("of.Data")
log.warn("\\x1b[31mred\\u202e and plain: \\u0416")
log.warn(f"{len(obeyed)} more: {''.join(obeyed)}.")
log.info("more")
"""
    for level, more in (("warn", 0), ("info", 1)):
        said = run(program, tmp_path, STRATA_VERBOSE="1", STRATA_SPARK_LOG=level).stderr
        assert "WARN Data: ?[31mred? and plain: Ж\n" in said
        (number,) = re.findall(r"WARN Data: (\d+) more: \?+\.\n", said)
        assert f"WARN Data: {number} more: {'?' * int(number)}.\n" in said, "as the console has it"
        assert said.count("INFO Data: more\n") == more


def test_whoever_has_settings_of_the_log_keeps_them(tmp_path: Path) -> None:
    assert "-Dlog4j2.configurationFile=" in java_options({})
    assert "-Dlog4j2.configurationFile=" in java_options({"SPARK_CONF_DIR": str(tmp_path)})
    (tmp_path / "conf").mkdir()
    for folder in (tmp_path, tmp_path / "conf"):
        (folder / "log4j2.properties").touch()
    for words in ({"SPARK_CONF_DIR": str(tmp_path)}, {"SPARK_HOME": str(tmp_path)}, {"JDK_JAVA_OPTIONS": "-Dlog4j=x"}):
        assert "-Dlog4j2.configurationFile=" not in java_options(words)
