"""The dictionary in the tree says what the contracts say."""

import inspect
from pathlib import Path

import pytest

from strata.contract import columns as contract_columns
from strata.contract.columns import COUNT, OneOf, Personal, Table, Type, column
from strata.contract.dictionary import SCHEMAS, core_tables, render
from strata.pipeline.dictionary import render_dictionary

ROOT = Path(__file__).parents[2]


def subclasses(table: type) -> set[type]:
    return {table}.union(*(subclasses(c) for c in table.__subclasses__()))


def test_the_dictionary_in_the_tree_is_current() -> None:
    fresh = render_dictionary(ROOT / "conf" / "grocery")
    kept = (ROOT / "conf" / "DATA_DICTIONARY.md").read_text(encoding="utf-8")
    assert kept == fresh, "conf/DATA_DICTIONARY.md is stale: run `make dictionary`"


def test_every_table_declared_in_the_contracts_is_in_it() -> None:
    declared = {
        t.full_name()
        for t in subclasses(Table) - {Table}
        if t.__module__.startswith("strata.contract.") and inspect.getmodule(t) is not contract_columns
    }
    assert {t.full_name() for t in core_tables()} == declared
    assert {t.schema for t in core_tables()} == set(SCHEMAS)


@pytest.mark.parametrize("table", core_tables(), ids=lambda t: t.full_name())
def test_every_table_says_its_grain_and_every_column_its_meaning(table: type[Table]) -> None:
    assert (table.__doc__ or "").strip().endswith(".")
    assert set(table.grain) <= set(table.columns)
    assert table.slice_by is None or table.slice_by in table.columns
    assert [str(c) for c in table.columns if not c.description] == []
    assert not [str(c) for c in table.columns if c in table.grain and c.nullable]


@pytest.mark.parametrize("table", core_tables(), ids=lambda t: t.full_name())
def test_customer_ids_are_pseudonyms_and_raw_identifiers_stay_in_restricted(table: type[Table]) -> None:
    for c in table.columns:
        if c == "customer_id":
            assert c.personal is Personal.PSEUDONYM
        if c.personal is Personal.RAW:
            assert table.schema == "restricted"


def test_a_column_is_rendered_with_all_that_its_declaration_says() -> None:
    added = column(
        Type.MONEY, "Paid | refunded", COUNT, OneOf(("1", "2")), unit="UAH", nullable=True,
        personal=Personal.BEHAVIOUR, name="paid",
    )  # fmt: skip
    text = render("toy", {"silver.events": [added]})
    line = (
        "| `paid` | decimal(18,2) | UAH | yes | Paid \\| refunded | at least 0; one of 1, 2 | behaviour of a person |"
    )
    _, _, after = text.partition("### silver.events\n")
    assert line in after.split("###")[0].partition("Added by toy:")[2]


def test_an_extension_of_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"silver\.event\b"):
        render("toy", {"silver.event": []})
