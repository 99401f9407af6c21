"""The table of bad input in BAD_INPUT.md: every case is in it, and every test it names exists. No Spark."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
ROWS = re.findall(r"^\| (\d+) .*$", (HERE / "BAD_INPUT.md").read_text("utf-8"), re.MULTILINE)
LINES = [line for line in (HERE / "BAD_INPUT.md").read_text("utf-8").splitlines() if re.match(r"\| \d+ ", line)]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse(Path(file).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_case_of_the_reference_is_in_the_table_once() -> None:
    assert [int(number) for number in ROWS] == list(range(1, 44))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split()[1])
def test_the_tests_of_a_case_exist(line: str) -> None:
    named = TEST.findall(line)
    assert named
    assert line.count("::") == len(named)
    for file, test in named:
        assert test.startswith("test_"), test
        assert test in functions_of(file), test


def test_a_case_as_a_file_is_of_a_case_whose_tests_read_it() -> None:
    readers = {"refused": "test_a_delivery_is_refused_by_its_name_and_file", "taken": "test_a_file_is_taken_row_by_row"}
    for name, test in readers.items():
        for case in yaml.safe_load((HERE / "bad_files" / f"{name}.yml").read_text("utf-8")):
            assert test in LINES[case["case"] - 1], case["case"]
