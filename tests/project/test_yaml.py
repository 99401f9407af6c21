"""The strict reader: bounded, nothing expanded, nothing guessed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.steps import counted_calls

from strata.errors import ProjectError
from strata.project import scalars
from strata.project.notes import Notes, Unreadable
from strata.project.reading import Reader
from strata.project.yaml import MAX_BYTES, Entries, Items, Scalar, read_yaml

BOMB = "a: &a [x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def read(tmp_path: Path, text: str | bytes) -> tuple[object, Notes]:
    path = tmp_path / "some.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    notes = Notes()
    try:
        return read_yaml(path, notes), notes
    except Unreadable:
        return None, notes


def value(tmp_path: Path, reader: Reader[object], written: str) -> object:
    node, notes = read(tmp_path, f"key: {written}\n")
    assert isinstance(node, Entries)
    result = reader(node.by_key["key"][1], notes)
    notes.raise_if_any()
    return result


def test_an_alias_bomb_is_refused_quickly_and_never_expanded(tmp_path: Path) -> None:
    (_, notes), calls = counted_calls(lambda: read(tmp_path, BOMB))

    assert calls < 100 * len(BOMB), "as much work as is written, not as it would expand to"
    assert sum("alias" in p.what for p in notes.problems) == 81


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    node, notes = read(tmp_path, "a: b\n#" + "x" * MAX_BYTES)

    assert node is None
    assert [p.what for p in notes.problems] == ["found 1,000,006 bytes, expected at most 1,000,000"]


def test_deep_nesting_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    node, notes = read(tmp_path, "[" * 100_000)

    assert node is None
    assert "nested deeper" in notes.problems[0].what


def test_bytes_that_are_not_utf8_are_said_with_their_line(tmp_path: Path) -> None:
    _, notes = read(tmp_path, b"a: b\nc: \xff\n")

    assert str(notes.problems[0]).split("some.yml:")[1].startswith("2:1: found bytes that are not UTF-8")


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    node, notes = read(tmp_path, b"\xef\xbb\xbfa: b\n")

    assert isinstance(node, Entries)
    assert list(node.by_key) == ["a"]
    assert notes.problems == []


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("key: words", 1, 6),
        ("key: 'words'", 1, 7),
        ('é: "words"', 1, 5),
        ("key: |\n  words\n  more", 2, 3),
        ("key: >-\n\n    words", 3, 5),
        ("key:\n  words", 2, 3),
    ],
)
def test_words_begin_behind_quotes_and_block_signs(tmp_path: Path, text: str, line: int, column: int) -> None:
    node, _ = read(tmp_path, text)
    assert isinstance(node, Entries)
    (_, words), *_ = node.by_key.values()

    assert isinstance(words, Scalar)
    assert (words.content.line, words.content.column) == (line, column)


@pytest.mark.parametrize(
    ("reader", "written", "expected"),
    [
        (scalars.phrase, "no", "no"),
        (scalars.phrase, "on", "on"),
        (scalars.phrase, "1_000", "1_000"),
        (scalars.phrase, "12:30", "12:30"),
        (scalars.phrase, "2017-01-01", "2017-01-01"),
        (scalars.phrase, "'null'", "null"),
        (scalars.boolean, "true", True),
        (scalars.whole(0), "12", 12),
        (scalars.number(), "1.5e3", 1500.0),
        (
            scalars.anything,
            "[1, 1.5, true, null, x, 'yes', 2017-01-01]",
            [1, 1.5, True, None, "x", "yes", "2017-01-01"],
        ),
        (scalars.anything, "{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_a_value_is_read_as_what_is_expected(
    tmp_path: Path, reader: Reader[object], written: str, expected: object
) -> None:
    assert value(tmp_path, reader, written) == expected


@pytest.mark.parametrize(
    ("reader", "written"),
    [
        (scalars.boolean, "yes"),
        (scalars.boolean, "'true'"),
        (scalars.boolean, "True"),
        (scalars.whole(0), "1_000"),
        (scalars.whole(0), "0x10"),
        (scalars.whole(0), "010"),
        (scalars.whole(0), "1:30"),
        (scalars.whole(0), "1.0"),
        (scalars.whole(0), "-1"),
        (scalars.whole(0), "'1'"),
        (scalars.number(), ".inf"),
        (scalars.number(), "1,5"),
        (scalars.phrase, "~"),
        (scalars.phrase, "''"),
        (scalars.phrase, ""),
        (scalars.day, "2017-1-1"),
        (scalars.day, "20170101"),
        (scalars.name, "Größe"),
        (scalars.name, "x" * 64),
        (scalars.identifier, "select"),
        (scalars.anything, "off"),
        (scalars.anything, "0o17"),
        (scalars.anything, "1_000"),
        (scalars.anything, "190:20:30"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path: Path, reader: Reader[object], written: str) -> None:
    with pytest.raises((ProjectError, Unreadable)):
        value(tmp_path, reader, written)


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@#,?\n \t\\é\x00\x7f"), max_size=60))
def test_any_text_gives_nodes_or_noted_problems(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    node, notes = read(tmp_path_factory.mktemp("any"), text)

    assert isinstance(node, Scalar | Items | Entries) or notes.problems
