"""Formats of moments and values of maps: what the check takes, Spark takes too."""

from pathlib import Path

import pytest

from .grocery import change, copy_of_grocery, problems_of


def said(folder: Path, extra: str) -> list[str]:
    """What is wrong with an extra column of the transactions."""
    change(folder / "sources/transactions.yml", "extra:\n", f"extra:\n  more: {{{extra}, description: x}}\n")
    return [problem.what for problem in problems_of(folder)]


@pytest.mark.parametrize(
    ("moment", "pattern", "problems"),
    [
        ("date", "dd.MM.yyyy", []),
        ("date", "d MMM yy", []),
        ("instant", "yyyy-MM-dd''''HH:mm:ssXXX", []),
        ("instant", "yyyy-MM-dd'T'hh:mm a", []),
        ("local, zone: Europe/Kyiv", "dd.LL.yyyy'w'HH:mm", []),
        ("date", "yyyy-MM-dd '", ["`format` opens a quote that it does not close"]),
        ("date", "dd.mm.yyyy", ["`format` has no month"]),
        ("local, zone: Europe/Kyiv", "HH:mm", ["`format` has no year and no month and no day"]),
        ("date", "dd.MM.YYYY", ["`format` has `Y`, by which no day is read", "`format` has no year"]),
        ("date", "uuuu-MM-dd", ["`format` has `u`, by which no day is read", "`format` has no year"]),
        (
            "date",
            "yyyy-'W'ww-e",
            ["`format` has `e`, `w`, by which no day is read", "`format` has no month and no day"],
        ),
        ("date", "yyyy-DDD", ["`format` has `D`, by which no day is read", "`format` has no month and no day"]),
        ("date", "W dd.MM.yyyy", ["`format` has `W`, by which no day is read"]),
        ("instant", "dd.MM.yyyy hh:mm", ["`format` has hours up to 12 without `a` (AM or PM)"]),
        ("date", "yyyy-MM-dd XXX", ["`format` names a zone, but a date moment has none"]),
        ("local, zone: Europe/Kyiv", "yyyy-MM-dd HH:mm VV", ["`format` names a zone, but a local moment has none"]),
    ],
)
def test_a_format_reads_a_whole_day(tmp_path: Path, moment: str, pattern: str, problems: list[str]) -> None:
    folder = copy_of_grocery(tmp_path)
    change(folder / "sources/transactions.yml", "  week: BIGINT\n", "  week: BIGINT\n  at: STRING\n")
    assert said(folder, f'from: at, type: {moment}, format: "{pattern}"') == problems


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("bigint", "-12", True),
        ("bigint", "9223372036854775807", True),
        ("bigint", "9223372036854775808", False),
        ("bigint", "1_000", False),
        ("bigint", "٣", False),
        ("double", "1.5e3", True),
        ("double", "1e400", False),
        ("double", "nan", False),
        ("double", "infinity", False),
        ("double", "1_0.5", False),
        ("money", "12.50", True),
        ("money", "12.505", False),
        ("money", "1e2", False),
        ("money", "12345678901234567", False),
        ("boolean", "true", True),
        ("boolean", "True", False),
        ("string", "any thing", True),
    ],
)
def test_a_value_of_a_map_is_one_that_spark_casts(tmp_path: Path, kind: str, value: str, fits: bool) -> None:
    found = said(copy_of_grocery(tmp_path), f'from: week, type: {kind}, map: {{"1": "{value}"}}')
    assert found == ([] if fits else [f"found `{value}`, expected {kind.upper()}"])


@pytest.mark.parametrize(("value", "fits"), [("2024-01-31", True), ("2024-02-30", False), ("20240101", False)])
def test_a_day_of_a_map_is_written_with_hyphens(tmp_path: Path, value: str, fits: bool) -> None:
    found = said(copy_of_grocery(tmp_path), f'from: week, type: date, map: {{"1": "{value}"}}')
    assert found == ([] if fits else [f"found `{value}`, expected DATE"])
