"""Lists of ids as files say them: every way in which one cannot be used has its message, and none shows an id."""

import io
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from strata.audiences.listed import Listed, read_ids, take_ids
from strata.errors import InputError, Location
from strata.project.audiences import ListFile

HERE = Location("audiences/vip.yml", 5, 7)
SECRET = "380501234567"


def listed(path: str = "vip.csv", column: str = "msisdn") -> ListFile:
    return ListFile(path, column, "msisdn", HERE)


def parquet_of(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def refusal(content: bytes, path: str = "vip.csv", column: str = "msisdn") -> str:
    with pytest.raises(InputError) as raised:
        read_ids(listed(path, column), content)
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None, "a traceback would show rows"
    assert raised.value.exit_code == 3
    assert str(raised.value).startswith(f"audiences/vip.yml:5:7: list {path}: ")
    return raised.value.problems[0].what


def test_ids_are_read_as_they_are_written_and_blank_ones_left_out() -> None:
    content = b'\xef\xbb\xbfname,msisdn\r\nOlena,0501234567\r\n"A, B"," +380 50"\r\nnobody,\r\nc,  \r\n'
    assert read_ids(listed(), content) == ("0501234567", " +380 50")


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([5, None, 17]),
        pa.array(["5", None, "17"]),
        pa.array(["5", None, "17"], pa.large_string()),
        pa.array(["5", None, "17"]).dictionary_encode(),
    ],
    ids=["whole numbers", "text", "large text", "dictionary"],
)
def test_parquet_holds_text_or_whole_numbers(ids: pa.Array) -> None:
    content = parquet_of(name=pa.array(["a", "b", "c"]), msisdn=ids)
    assert read_ids(listed("vip.parquet"), content) == ("5", "17")


def test_a_file_without_the_column_says_which_it_has() -> None:
    csv = f"phone,name\n{SECRET},x\n".encode()
    assert refusal(csv) == "list vip.csv: expected one column `msisdn`, found: phone, name"
    content = parquet_of(phone=pa.array([SECRET]))
    assert refusal(content, "vip.parquet") == "list vip.parquet: expected one column `msisdn`, found: phone"
    assert refusal(f"msisdn,msisdn\n{SECRET},1\n".encode()).endswith("found: msisdn, msisdn")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "vip.csv"),
        (f"msisdn,name\n{SECRET},x,y\n".encode(), "vip.csv"),
        (f"msisdn\n{SECRET}".encode() + b"\xff\xfe\n", "vip.csv"),
        (f"msisdn\n{SECRET}\n".encode(), "vip.parquet"),
        (b"", "vip.parquet"),
    ],
    ids=["empty", "more cells than columns", "no UTF-8", "no Parquet", "empty Parquet"],
)
def test_what_cannot_be_read_is_refused_without_a_row_in_the_message(content: bytes, path: str) -> None:
    assert f"list {path}: cannot be read as " in refusal(content, path)


def test_a_decimal_number_is_no_id() -> None:
    assert refusal(parquet_of(msisdn=pa.array([3.8e11])), "vip.parquet") == (
        "list vip.parquet: column `msisdn` holds double"
    )


def digits(written: str) -> tuple[str, ...]:
    text = written.strip().removeprefix("+")
    return (text,) if text.isdigit() else ()


def test_spellings_of_one_id_are_one_and_what_is_no_id_is_unknown() -> None:
    found = take_ids(["+5", "5 ", "17", "none", "none", "5"], digits)
    assert found == Listed(6, 3, ("5", "17"))
    assert found.notes(2) == (
        "3 of 6 ids of the list stand there again",
        "1 of 6 ids of the list are no customer",
    )


def test_a_list_that_nobody_is_in_is_withheld() -> None:
    assert take_ids([], digits).against(0) == ("the list is empty",)
    assert take_ids(["5", "17"], digits).against(0) == ("none of the 2 ids of the list is a customer",)
    assert take_ids(["5", "17"], digits).against(1) == ()
    assert take_ids(["5", "17"], digits).notes(2) == ()


@given(st.lists(st.sampled_from(["1", "+1", "2", "x", "y ", " y"])))
def test_every_id_is_new_or_again_and_known_or_unknown(written: Sequence[str]) -> None:
    found = take_ids(written, digits)
    assert found.rows == len(written)
    assert len(found.forms) <= found.distinct <= found.rows
    assert set(found.forms) == {form for text in written for form in digits(text)}
