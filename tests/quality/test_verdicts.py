from datetime import date

import pytest

from strata.contract.operations import quality_results
from strata.errors import GateClosed
from strata.quality.suites import Expected
from strata.quality.verdicts import Verdict, difference, in_words, require_open, result_rows, warnings

GOOD = Verdict("members.m", "table.key", "fail", True, 2463, 0)
BAD = Verdict("members.m", "segment.declared", "fail", False, 2463, 3, "found 3 of 2463 rows otherwise")
ALSO = Verdict("publish.p", "table.columns", "fail", False, 7, 1, "column share is missing")
UNCOUNTED = Verdict("publish.p", "share.between", "fail", False, 7, None, "column share is missing")
WARNED = Verdict("publish.p", "known", "warn", False, 7, 5, "found 5 of 7 rows otherwise")
NOTED = Verdict("publish.p", "nice", "info", False, 7, 5, "found 5 of 7 rows otherwise")


def test_the_gate_closes_naming_table_check_rows_and_violations_of_every_failure() -> None:
    with pytest.raises(GateClosed) as closed:
        require_open([GOOD, BAD, ALSO, UNCOUNTED, WARNED, NOTED])
    text = str(closed.value)
    assert "the gate closed on 3 of the checks, nothing was released" in text
    assert "members.m: check segment.declared failed: 3 violations in 2463 rows: found 3 of 2463 rows otherwise" in text
    assert "publish.p: check table.columns failed: 1 violations in 7 rows: column share is missing" in text
    assert "publish.p: check share.between failed: violations not countable in 7 rows" in text
    assert "known" not in text
    assert closed.value.exit_code == 4


def test_warnings_and_notes_do_not_close_it() -> None:
    require_open([GOOD, WARNED, NOTED])
    assert warnings([GOOD, BAD, WARNED, NOTED]) == (str(WARNED),)


def test_results_are_rows_of_the_contract() -> None:
    rows = result_rows([GOOD, UNCOUNTED], "run", "0" * 32, date(2017, 12, 31))
    assert [list(r) for r in rows] == [[str(c) for c in quality_results.columns]] * 2
    assert (rows[0]["success"], rows[0]["violations"], rows[1]["violations"]) == (True, 0, None)


def test_long_lists_are_cut_short_in_words() -> None:
    kwargs = {"column": "kind", "value_set": [str(n) for n in range(20)]}
    said = in_words(Expected("c", "expect_column_values_to_be_in_set", kwargs))
    assert said.startswith("expected kind values to be in set, value_set [0, 1, 2")
    assert said.endswith("11 and 8 more]")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": "bigint"}, "column bb is missing"),
        ({"a": "bigint", "bbb": "string"}, "column bb is missing (there is bbb); column bbb is not in the contract"),
        ({"a": "string", "bb": "string"}, "column a is string instead of bigint"),
        ({"bb": "string", "a": "bigint"}, "the order is bb, a instead of a, bb"),
        ({"a": "bigint", "bb": "string"}, ""),
    ],
)
def test_a_difference_of_columns_is_told(found, said) -> None:
    assert difference(found, {"a": "bigint", "bb": "string"}) == said
