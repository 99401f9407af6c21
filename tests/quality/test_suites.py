import re

import pytest
from tests.quality.rows import AS_OF, FEATURES, MEMBERSHIP, RELEASE, SIDE_BY_SIDE, SUBJECT, check

from strata.contract.clusterings import cluster_lineage
from strata.contract.columns import Between, Table, Type, column, extend
from strata.contract.published import (
    GATED_TABLES,
    customer_features,
    segment_catalog,
    segment_migration,
    segment_overview,
    unit_segments,
)
from strata.errors import ProjectError
from strata.quality.suites import suite
from strata.quality.vocabulary import AMONG, UNIQUE, check_problems


def _named(table: type[Table], *checks, subject=SUBJECT):
    return {e.name: e for e in suite(table, checks, subject)}


@pytest.mark.parametrize("table", GATED_TABLES, ids=lambda t: t.__name__)
def test_every_gated_table_has_columns_types_key_and_row_count_checked(table: type[Table]) -> None:
    expected = suite(table, (), SUBJECT)
    assert len({e.name for e in expected}) == len(expected)
    by_name = {e.name: e for e in expected}
    assert by_name["table.columns"].kwargs == {"column_list": [str(c) for c in table.columns]}
    assert by_name["table.types"].kwargs == {"types": {str(c): c.type.value for c in table.columns}}
    assert by_name["table.key"].kwargs == {"column_list": list(table.grain)}
    assert by_name["table.row_count"].kwargs == {"min_value": 0 if table.may_be_empty else 1}
    assert {n for n in by_name if n.endswith(".not_null")} == {f"{c}.not_null" for c in table.columns if not c.nullable}
    assert all(e.severity == "fail" for e in expected)


def test_constraints_become_checks() -> None:
    named = _named(segment_catalog)
    assert named["kind.one_of"].kwargs["value_set"] == ["rules", "scores", "attribute", "clusters"]
    assert named["version.between"].kwargs == {"column": "version", "min_value": 1}
    assert named["release_id.of_this_release"].kwargs["value_set"] == [RELEASE]
    assert "as_of_date.of_this_release" not in named
    assert _named(MEMBERSHIP)["as_of_date.of_this_release"].kwargs["value_set"] == [AS_OF.isoformat()]


def test_a_pattern_holds_for_the_whole_value() -> None:
    regex = str(_named(segment_catalog)["release_id.format"].kwargs["regex"])
    java = re.compile(regex.replace(r"\z", r"\Z"))  # the same end of text, in Python's spelling
    assert java.search("0" * 32)
    assert not any(java.search(bad) for bad in ("0" * 32 + "\n", "0" * 33, " " + "0" * 32, "0" * 31 + "G"))


def test_doubles_are_finite_whatever_ends_their_limits_leave_open() -> None:
    class measures(Table):  # noqa: N801
        schema, grain = "publish", ("a",)
        a = column(Type.DOUBLE, "Any")
        b = column(Type.DOUBLE, "Not negative", Between(0, None))
        c = column(Type.BIGINT, "A count", Between(0, None))

    named = _named(measures, subject=None)
    assert named["a.finite"].kwargs == {
        "column": "a",
        "min_value": -1.7976931348623157e308,
        "max_value": 1.7976931348623157e308,
    }
    assert named["b.between"].kwargs == {"column": "b", "min_value": 0, "max_value": 1.7976931348623157e308}
    assert named["c.between"].kwargs == {"column": "c", "min_value": 0}
    assert "b.finite" not in named


def test_segments_are_the_declared_ones() -> None:
    pairs = [["frequency", "lost"], ["frequency", "high"], ["style", "style_1"], ["style", "style_2"]]
    for table in (MEMBERSHIP, unit_segments, segment_overview):
        declared = _named(table)["segment.declared"]
        assert (declared.type, declared.kwargs["rows"]) == (AMONG, pairs)
    moved = _named(segment_migration)["to_segment.declared"].kwargs["rows"]
    assert ["frequency", "(not in base)"] in moved
    assert ["frequency", "lost"] in moved
    side = _named(SIDE_BY_SIDE)
    assert side["frequency.declared"].kwargs == {"column": "frequency", "value_set": ["lost", "high"]}
    assert "retired_one.declared" not in side
    features = extend(customer_features, (column(Type.STRING, "A feature", nullable=True, name="frequency"),))
    assert "frequency.declared" not in _named(features), "only in the table of segments side by side"
    for keeping in (segment_catalog, cluster_lineage):
        assert not any(n.endswith(".declared") for n in _named(keeping)), "it tells of retired segments"


def test_checks_of_the_project_follow_on_their_own_table_only() -> None:
    mine = check("enough", "expect_table_row_count_to_be_between", min_value=5, severity="warn")
    assert _named(FEATURES, mine)["enough"].severity == "warn"
    assert "enough" not in _named(SIDE_BY_SIDE, mine)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (check("c", "expect_column_values_to_be_nul", column="gap"), "did you mean expect_column_values_to_be_null?"),
        (check("c", "expect_column_values_to_be_between", column="gapp", min_value=0), "did you mean gap?"),
        (check("c", "expect_column_values_to_be_between", column="gap", minvalue=0), "did you mean min_value?"),
        (check("c", "unexpected_rows_expectation", unexpected_rows_query="select 1"), "unknown expectation"),
        (check("c", "expect_column_values_to_be_between", column="gap", min_value=0, row_condition="reflect()"),
         "unknown argument row_condition"),
        (check("c", UNIQUE, column_list=["customer_id", "as_of"]), "did you mean as_of_date?"),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_is_refused_with_place_and_nearest_right_name(wrong, said) -> None:
    with pytest.raises(ProjectError) as refused:
        suite(FEATURES, [wrong], SUBJECT)
    assert "quality.yml:3:5: check c: unknown" in str(refused.value)
    assert said in str(refused.value)


def test_all_problems_of_all_checks_are_told_at_once_without_data() -> None:
    checks = [
        check("a", "expect_nothing"),
        check("b", "expect_column_mean_to_be_between", column="nope", min_vale=1),
        check("c", "expect_column_to_exist", table=MEMBERSHIP, column="segment"),
        check("d", "expect_table_row_count_to_equal", value=1),
        check("d", "expect_table_row_count_to_equal", value=2),
    ]
    found = [p.what for p in check_problems(checks, [FEATURES])]
    assert len(found) == 5
    assert "check c: unknown table members.segment_membership" in found
    assert any(p.startswith("check d: a second check") for p in found)


def test_a_check_named_like_one_of_the_contract_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"more than one check is called table\.key"):
        suite(FEATURES, [check("table.key", "expect_table_row_count_to_equal", value=1)], SUBJECT)
