import codecs

import pytest

from strata.ingest.headers import csv_problem, json_problem

COLUMNS = ["id", "name", "sum"]
SEMICOLON = {"delimiter": ";", "encoding": "windows-1251"}


@pytest.mark.parametrize(
    ("head", "options", "said"),
    [
        (b"id,sum,name\n1,2,3\n", {}, "columns in another order: found id, sum, name, expected id, name, sum"),
        (b"id,name\n", {}, "missing sum: found id, name, expected id, name, sum"),
        (b"id,name,sum,vat\n", {}, "unexpected vat"),
        (b"id,title,sum\n", {}, "missing name; unexpected title"),
        (b"id,name,sum,name\n", {}, "twice name"),
        (b"ID,name,sum\n", {}, "missing id; unexpected ID"),
        (b"id;name;sum\n", {}, "missing id, name, sum; unexpected id;name;sum"),
        (b"", {}, "is empty, expected the header id,name,sum"),
        (b"\n\n", {}, "is empty"),
        ("id,name,sum\n".encode("utf-16"), {}, "is utf-16, expected utf-8"),
        ("id,name,sum\n".encode("utf-16-le"), {}, "is utf-16, expected utf-8"),
        (codecs.BOM_UTF8 + b"id;name;sum\n", SEMICOLON, "is utf-8, expected windows-1251"),
        ("id,name,sum\n1,Київ,2\n".encode("cp1251"), {}, "byte 14 is not utf-8"),
    ],
)
def test_a_csv_file_that_cannot_be_read_as_declared_is_named_with_the_reason(
    head: bytes, options: dict[str, str], said: str
) -> None:
    assert said in (csv_problem(head, options, COLUMNS) or "nothing")


@pytest.mark.parametrize(
    ("head", "options"),
    [
        (b"id,name,sum\n1,a,2\n", {}),
        (b"id,name,sum", {}),
        (codecs.BOM_UTF8 + b"id,name,sum\n", {}),
        (b'\n"id","name","sum"\n', {}),
        (b"id , name, sum\n", {}),
        (b"# made by billing\nid,name,sum\n", {"comment": "#"}),
        (b"id\tname\tsum\n", {"sep": "\\t"}),
        ("id;name;sum\n1;Київ;2\n".encode("cp1251"), SEMICOLON),
        ("id,name,sum\n".encode("utf-16"), {"encoding": "UTF-16"}),
        (b"1,a,2\n", {"header": "false"}),
        ("id,name,sum\n1,ї".encode()[:-1], {}),
    ],
)
def test_a_csv_file_as_declared_is_taken(head: bytes, options: dict[str, str]) -> None:
    assert csv_problem(head, options, COLUMNS) is None


def test_json_fields_that_nobody_declared_are_refused_and_absent_ones_are_not() -> None:
    head = b'{"id": 1}\n\n{"id": 2, "name": "a", "vat": 3}\n{"id": 3, "na'
    assert json_problem(head, {}, COLUMNS) == "unexpected vat: found id, name, vat, expected id, name, sum"
    assert json_problem(b'{"id": 1, "sum": 2}', {}, COLUMNS) is None
    assert json_problem(b"not json\n", {}, COLUMNS) is None
    assert "utf-16" in (json_problem('{"id": 1}'.encode("utf-16"), {}, COLUMNS) or "")
