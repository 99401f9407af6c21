import logging
import socket
import warnings
from dataclasses import replace
from datetime import date

import duckdb
import pytest
from pyspark.sql import functions as F
from tests.quality.rows import (
    FEATURES,
    MEMBERSHIP,
    SIDE_BY_SIDE,
    SUBJECT,
    check,
    customer,
    features,
    frame_of,
    memberships,
    plain,
)  # fmt: skip

from strata.contract.columns import extend
from strata.contract.lists import audience_membership
from strata.contract.published import GATED_TABLES, segment_overview
from strata.errors import GateClosed, ProjectError
from strata.quality.gate import Gate
from strata.quality.suites import Expected, suite
from strata.quality.verdicts import require_open
from strata.quality.vocabulary import ARGUMENTS


@pytest.fixture(scope="module")
def gate(spark) -> Gate:
    return Gate()


def _judged(gate, table, frame, *checks):
    return {v.check: v for v in gate.validate(table.full_name(), frame, suite(table, checks, SUBJECT))}


def _failed(verdicts):
    return {v.check: v.violations for v in verdicts.values() if not v.success}


@pytest.mark.parametrize("table", [*(t for t in GATED_TABLES if not t.full_name().startswith("members.customer_")),
                                   SIDE_BY_SIDE, FEATURES], ids=lambda t: t.__name__)  # fmt: skip
def test_a_table_that_keeps_its_contract_passes_every_check(spark, gate, table) -> None:
    rows = features() if table is FEATURES else plain(table)
    if table is SIDE_BY_SIDE:
        rows = [{**r, "frequency": "lost", "style": "style_2"} for r in rows]
    verdicts = _judged(gate, table, frame_of(spark, table, rows))
    assert _failed(verdicts) == {}
    assert {v.row_count for v in verdicts.values()} == {len(rows)}
    assert [*verdicts] == [e.name for e in suite(table, (), SUBJECT)], "in the order of the suite"
    require_open(verdicts.values())


def _doubled(f):
    return f.unionByName(f.where("customer_id < '" + customer(3) + "'"))


def _with(column, value, below):
    """`value` in the rows of customers under `below`; each has two."""

    def spoil(frame):
        new = value() if callable(value) else F.lit(value)
        return frame.withColumn(column, F.when(F.col("customer_id") < customer(below), new).otherwise(F.col(column)))

    return spoil


GONE = {"table.columns": 1, "table.types": 1, "version.not_null": None, "version.between": None}
SPOILED = {
    "dropped column": (lambda f: f.drop("version"), GONE),
    "additional column": (lambda f: f.withColumn("extra", F.lit(1)), {"table.columns": 1}),
    "swapped columns": (lambda f: f.select("customer_id", "as_of_date", *f.columns[2:]), {"table.columns": 1}),
    "doubled rows": (_doubled, {"table.key": 6}),
    "NULL in the key": (_with("customer_id", None, 2), {"table.key": 2, "customer_id.not_null": 4}),
    "unknown segment": (_with("segment", "loost", 2), {"segment.declared": 4}),
    "segment of another segmentation": (_with("segment", "lost", 3), {"segment.declared": 3}),
    "below its limit": (_with("version", 0, 5), {"version.between": 10}),
    "another as-of date": (_with("as_of_date", date(2017, 11, 30), 1), {"as_of_date.of_this_release": 2}),
    "another release": (_with("release_id", "0" * 32, 1), {"release_id.of_this_release": 2}),
    "id in upper case": (_with("customer_id", lambda: F.upper("customer_id"), 3), {"customer_id.format": 6}),
    "id with a line break": (
        _with("customer_id", lambda: F.concat("customer_id", F.lit("\n")), 1),
        {"customer_id.format": 2},
    ),
    "type changed": (lambda f: f.withColumn("version", F.col("version").cast("int")), {"table.types": 1}),
    "nothing left": (lambda f: f.limit(0), {"table.row_count": 1}),
    "not a number": (_with("score", float("nan"), 4), {"score.finite": 8}),
    "infinite": (_with("score", float("-inf"), 4), {"score.finite": 8}),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_defect_closes_the_gate_and_its_rows_are_counted(spark, gate, kind) -> None:
    spoil, violations = SPOILED[kind]
    frame = spoil(frame_of(spark, MEMBERSHIP, memberships(20)))
    verdicts = _judged(gate, MEMBERSHIP, frame)
    assert _failed(verdicts) == violations
    with pytest.raises(GateClosed) as closed:
        require_open(verdicts.values())
    count = {"doubled rows": 46, "nothing left": 0}.get(kind, 40)
    for name, number in violations.items():
        said = "violations not countable" if number is None else f"{number} violations"
        assert f"members.segment_membership: check {name} failed: {said} in {count} rows" in str(closed.value)


def test_a_missing_or_changed_column_is_named(spark, gate) -> None:
    frame = frame_of(spark, MEMBERSHIP, memberships(4))
    dropped = _judged(gate, MEMBERSHIP, frame.withColumnRenamed("score", "scores"))
    assert "column score is missing (there is scores)" in str(dropped["table.columns"].details)
    assert "column score is missing" in str(dropped["score.finite"].details)
    changed = _judged(gate, MEMBERSHIP, frame.withColumn("score", F.col("score").cast("decimal(18,3)")))
    assert changed["table.types"].details == "found: column score is decimal(18,3) instead of double"


def test_a_key_column_that_is_missing_is_a_failed_check_and_rows_are_counted_all_the_same(spark, gate) -> None:
    verdicts = _judged(gate, MEMBERSHIP, frame_of(spark, MEMBERSHIP, memberships(4)).drop("customer_id"))
    assert not verdicts["table.key"].success
    assert "column customer_id is missing" in str(verdicts["table.key"].details)
    assert {v.row_count for v in verdicts.values()} == {8}
    assert verdicts["segment.not_null"].success, "one broken check does not take others with it"


def test_checks_of_the_project_are_judged_with_what_was_found(spark, gate) -> None:
    verdicts = _judged(
        gate, FEATURES, frame_of(spark, FEATURES, features(20)),
        check("base_not_shrunken", "expect_table_row_count_to_be_between", min_value=21),
        check("spend_plausible", "expect_column_mean_to_be_between", column="spend_182d", min_value=100),
        check("spend_known", "expect_column_mean_to_be_between", column="spend_182d", min_value=9.75, max_value=9.75),
        check("ages_known", "expect_column_values_to_not_be_null", column="age_band", mostly=0.25),
        check("few_ages", "expect_column_values_to_not_be_null", severity="warn", column="age_band", mostly=0.26),
        check("share_low", "expect_column_values_to_be_between", column="own_brand_share", max_value=0.5),
    )  # fmt: skip
    assert _failed(verdicts) == {"base_not_shrunken": 1, "spend_plausible": 1, "few_ages": 15, "share_low": 9}
    assert "min_value 21; found 20" in str(verdicts["base_not_shrunken"].details)
    assert "min_value 100; found 9.75" in str(verdicts["spend_plausible"].details)
    assert "found 9 of 20 rows otherwise" in str(verdicts["share_low"].details)
    with pytest.raises(GateClosed) as closed:
        require_open(verdicts.values())
    assert "few_ages" not in str(closed.value)


def test_a_share_out_of_range_closes_the_gate(spark, gate) -> None:
    rows = features(20)
    rows[3]["own_brand_share"], rows[4]["own_brand_share"] = 1.0001, -0.1
    assert _failed(_judged(gate, FEATURES, frame_of(spark, FEATURES, rows))) == {"own_brand_share.between": 2}


def test_a_table_that_may_be_empty_passes_empty_even_where_there_is_nothing_to_measure(spark, gate) -> None:
    empty = frame_of(spark, audience_membership, [])
    score = check("score", "expect_column_mean_to_be_between", audience_membership, column="score", min_value=0.5)
    many = check("many", "expect_table_row_count_to_be_between", audience_membership, min_value=5)
    assert _failed(_judged(gate, audience_membership, empty, score)) == {}
    assert _failed(_judged(gate, audience_membership, empty, score, many)) == {"many": 1}


def test_values_of_persons_stay_out_of_the_details(spark, gate) -> None:
    rows = features(20)
    rows[7]["age_band"] = "Mrs Robinson"
    ages = {"column": "age_band", "value_set": ["25-34"]}
    expected = [
        Expected("ages", "expect_column_values_to_be_in_set", ages),
        Expected("text_as_number", "expect_column_values_to_be_in_set", {**ages, "value_set": [1, 2]}),
        Expected("shares", "expect_column_values_to_be_between", {"column": "own_brand_share", "max_value": 1}),
    ]
    verdicts = {v.check: v for v in gate.validate("t", frame_of(spark, FEATURES, rows), expected)}
    assert _failed(verdicts) == {"ages": 1, "text_as_number": None}, "one broken check does not take others with it"
    assert "Robinson" not in str(list(verdicts.values()))
    assert "[CAST_INVALID_INPUT]" in str(verdicts["text_as_number"].details)


def test_an_expectation_unknown_to_great_expectations_is_refused_not_dropped(spark, gate) -> None:
    typo = Expected("typo", "expect_colum_values_to_be_null", {"column": "gap"})
    misfit = Expected("misfit", "expect_column_values_to_be_between", {"column": "gap"})
    with pytest.raises(ProjectError) as refused:
        gate.validate("members.customer_features", frame_of(spark, FEATURES, features(2)), [typo, misfit])
    assert "check typo: unknown expectation expect_colum_values_to_be_null" in str(refused.value)
    assert "check misfit: expect_column_values_to_be_between does not take that" in str(refused.value)


def test_a_result_lost_on_the_way_is_an_error_not_a_pass(spark, gate) -> None:
    twin = Expected("twin", "expect_column_values_to_be_null", {"column": "gap"})
    with pytest.raises(RuntimeError, match="2 checks, but 1 results"):
        gate.validate("members.customer_features", frame_of(spark, FEATURES, features(2)), [twin, twin])


SAMPLES = {
    "column": "gap", "column_A": "gap", "column_B": "own_brand_share", "min_value": 0, "max_value": 1e9,
    "value_set": [3.5], "regex": "[0-9]+", "value": 3, "threshold": 9, "double_sided": True,
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 9]]}, "column_list": ["customer_id"],
    "column_set": [str(c) for c in FEATURES.columns], "rows": [[customer(n)] for n in range(20)],
    "value_pairs_set": [(3.5, n / 20) for n in range(20)], "types": {"gap": "double"},
    "ignore_row_if": "either_value_is_missing",
}  # fmt: skip
PER_TYPE = {
    "expect_column_values_to_be_null": {"column": "age_band", "mostly": 0.75},
    "expect_column_values_to_not_be_null": {"column": "customer_id"},
    "expect_column_values_to_not_be_in_set": {"column": "gap", "value_set": [1.0]},
    "expect_column_values_to_not_match_regex": {"column": "gap", "regex": "^x"},
    "expect_column_value_lengths_to_be_between": {"column": "age_band", "min_value": 5},
    "expect_column_value_lengths_to_equal": {"column": "age_band", "value": 5},
    "expect_column_pair_values_to_be_equal": {"column_A": "gap", "column_B": "gap"},
    "expect_column_pair_values_to_be_in_set": {
        "column_A": "gap", "column_B": "own_brand_share", "value_pairs_set": SAMPLES["value_pairs_set"],
        "ignore_row_if": "either_value_is_missing",
    },
    "expect_column_pair_values_a_to_be_greater_than_b": {
        "column_A": "gap", "column_B": "own_brand_share", "ignore_row_if": "either_value_is_missing",
    },
    "expect_table_columns_to_match_ordered_list": {"column_list": SAMPLES["column_set"]},
    "expect_table_column_count_to_equal": {"value": 7},
    "expect_table_row_count_to_equal": {"value": 20},
    "expect_column_value_z_scores_to_be_less_than": {"column": "own_brand_share", "threshold": 9, "double_sided": True},
}  # fmt: skip
OPTIONAL = {"mostly", "strict_min", "strict_max", "allow_relative_error", "ties_okay", "or_equal", "exact_match"}


def test_every_expectation_that_is_offered_works_on_spark(spark, gate) -> None:
    expected = [
        Expected(name, name, PER_TYPE.get(name, {a: SAMPLES[a] for a in arguments if a not in OPTIONAL}))
        for name, arguments in ARGUMENTS.items()
    ]
    verdicts = {v.check: v for v in gate.validate("t", frame_of(spark, FEATURES, features(20)), expected)}
    assert {name: v.details for name, v in verdicts.items() if not v.success} == {}
    assert all(type(v.success) is bool for v in verdicts.values()), "numpy's bool of the quantile expectation"


def test_clean_and_spoiled_tables_get_the_verdict_of_an_independent_engine(spark, gate) -> None:
    row = plain(segment_overview)[0]
    clean = [{**row, "segment": s, "share": share} for s, share in (("lost", 0.25), ("high", 0.75))]
    spoiled = [*clean, {**clean[0], "share": 1.5}, {**clean[1], "segment": "low", "label": None, "customers": -1}]
    questions = {
        "table.key": "count(*) - count(distinct (as_of_date, segmentation, segment))",
        "share.between": "count(*) filter (not share between 0 and 1)",
        "label.not_null": "count(*) filter (label is null)",
        "customers.between": "count(*) filter (customers < 0)",
        "segment.declared": "count(*) filter (segment not in ('lost', 'high'))",
        "table.row_count": "case when count(*) >= 1 then 0 else 1 end",
    }
    for data in (clean, spoiled):
        frame = frame_of(spark, segment_overview, data)
        verdicts = _judged(gate, segment_overview, frame)
        published = frame.toArrow()  # noqa: F841 - read by DuckDB
        answers = duckdb.sql(f"select {', '.join(questions.values())} from published").fetchall()[0]
        assert {name: verdicts[name].violations for name in questions} == dict(zip(questions, answers, strict=True))
    assert sum(answers) == 5, "the spoiled table was spoiled"


def test_the_gate_is_silent_sends_nothing_caches_nothing_and_writes_no_file(
    spark, gate, capfd, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reached = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: (reached.append(to), connect(self, to))[1])
    fresh = Gate()
    frame = frame_of(spark, FEATURES, features(5))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        fresh.validate("members.customer_features", frame.drop("gap"), suite(FEATURES, (), SUBJECT))
    assert capfd.readouterr() == ("", "")
    assert [str(w.message) for w in warned if "great_expectations" in str(w.filename)] == []
    assert {host for host, *_ in (to for to in reached if isinstance(to, tuple))} <= {"127.0.0.1", "localhost"}
    assert list(tmp_path.iterdir()) == []
    assert not frame.is_cached
    assert spark.catalog.listTables() == []
    assert logging.getLogger("great_expectations").level == logging.CRITICAL
    assert warnings.showwarning.__module__ != "logging", "importing it would capture the warnings of the process"


def test_a_table_takes_two_aggregates_and_a_failed_check_one_more(spark, gate) -> None:
    def jobs(name, frame) -> int:
        spark.sparkContext.setJobGroup(name, name)
        try:
            gate.validate("t", frame, suite(MEMBERSHIP, (), SUBJECT))
            return len(spark.sparkContext.statusTracker().getJobIdsForGroup(name))
        finally:
            spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)

    clean = frame_of(spark, MEMBERSHIP, memberships(20))
    counted = jobs("clean", clean)
    assert counted <= 5, "Great Expectations' own uniqueness and pairs take 17"
    assert counted < jobs("spoiled", clean.withColumn("version", F.lit(0).cast("bigint"))) <= counted + 3


def test_severity_comes_from_the_check(spark, gate) -> None:
    expected = [replace(e, severity="info") for e in suite(MEMBERSHIP, (), SUBJECT)]
    verdicts = gate.validate("t", frame_of(spark, MEMBERSHIP, []), expected)
    assert {v.severity for v in verdicts} == {"info"}
    require_open(verdicts)


def test_extension_columns_are_part_of_the_contract(spark, gate) -> None:
    wider = extend(FEATURES, ())
    assert _failed(_judged(gate, wider, frame_of(spark, FEATURES, features(3)).drop("gap")))["table.columns"] == 1
