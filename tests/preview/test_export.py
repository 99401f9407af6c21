"""`strata export` as an attacker and a privacy officer look at it: who gets what, and what is said of it."""

import csv
import hashlib
import io
import stat
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.preview.delivered import WINE, changed, deliver, listed, member, put_vault
from tests.preview.kit import AS_OF, CURRENT, Stored
from tests.preview.test_bases import OBJECTIONS, said_row
from tests.segments.definitions import customer

from strata.contract.exports import audience_exports
from strata.contract.silver import consents
from strata.export.cells import STARTS_OF_FORMULAS, write_csv
from strata.export.recipients import file_name

LOG = Path("restricted") / "audience_exports"
NAME = f"{WINE}_2017-12-31_{'a' * 12}_members.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def logged(shop: Stored) -> list[dict[str, object]]:
    if not (shop.root / LOG).exists():
        return []
    return list(DeltaTable(str(shop.root / LOG)).to_pyarrow_table().to_pylist())


def files_of(shop: Stored) -> list[Path]:
    return sorted(
        p for p in shop.root.parent.rglob("*") if p.is_file() and ("_members" in p.name or "_changes" in p.name)
    )


def objecting(shop: Stored, *places: int, purpose: str = "direct_mail") -> None:
    (shop.folder / "sources" / "objections.yml").write_text(OBJECTIONS)
    shop.put(consents, [said_row(n, purpose, "objection", True, 2, 0) for n in places])


def test_members_without_the_held_out_are_a_file_of_its_owner_only_and_a_row_of_the_log(shop: Stored) -> None:
    deliver(shop, [member(2), member(0, score=0.75), member(1, holdout=True)])
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code == 0, said.err
    assert f"{WINE} for analysts: 2 members of release {'a' * 12} as of 2017-12-31" in said.out
    assert "left out: 1 held out for comparison" in said.out
    path = shop.root / "exports" / "analysts" / NAME
    assert str(path) in said.out
    assert (
        path.read_bytes()
        == (
            "customer_id,as_of_date,audience,audience_rank,score,entered_on,expires_on\r\n"
            f"{customer(0)},2017-12-31,{WINE},1,0.75,2017-12-31,\r\n"
            f"{customer(2)},2017-12-31,{WINE},3,0.5,2017-12-31,\r\n"
        ).encode()
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (row,) = logged(shop)
    assert {k: row[k] for k in ("audience", "recipient", "as_of_date", "release_id", "export_kind", "id_kind")} == {
        "audience": WINE, "recipient": "analysts", "as_of_date": AS_OF, "release_id": "a" * 32,
        "export_kind": "members", "id_kind": "pseudonym",
    }  # fmt: skip
    assert (row["row_count"], row["file_name"]) == (2, NAME)
    assert row["content_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row["exported_by"]


def test_the_log_is_a_table_as_spark_would_make_it(shop: Stored) -> None:
    deliver(shop, [member(0)])
    for _ in range(2):
        assert shop.strata("export", WINE, "--for", "analysts").code == 0
    log = DeltaTable(str(shop.root / LOG))
    assert len(logged(shop)) == 2
    assert (log.protocol().min_reader_version, log.protocol().min_writer_version) == (1, 2)
    types = {f.name: (f.type.type, f.nullable) for f in log.schema().fields}
    known = {"bigint": "long"}
    assert types == {str(c): (known.get(c.type.value, c.type.value), c.nullable) for c in audience_exports.columns}
    assert all(f.metadata["comment"] for f in log.schema().fields)


def test_source_ids_are_restored_for_whom_they_are_allowed_and_who_has_none_is_counted(shop: Stored) -> None:
    deliver(shop, [member(0), member(1), member(2)])
    put_vault(shop, {0: "A-17", 2: "=cmd|' /C calc'!A0", 7: "other"})
    said = shop.strata("export", WINE, "--for", "crm")
    assert said.code == 0, said.err
    found = rows_of(shop.root / "exports" / "crm" / NAME)
    assert [row["source_id"] for row in found] == ["A-17", "'=cmd|' /C calc'!A0"]
    assert "customer_id" not in found[0]
    assert "left out: 1 without a source id in restricted.identity_vault" in said.out
    assert "note: 1 texts begin as a formula would and have got an apostrophe" in said.out
    said = shop.strata("export", WINE, "--for", "analysts")
    assert "A-17" not in (shop.root / "exports" / "analysts" / NAME).read_text()


def test_parquet_keeps_types_and_ids_as_they_are(shop: Stored, tmp_path: Path) -> None:
    deliver(shop, [member(0)])
    put_vault(shop, {0: "-5"})
    said = shop.strata("export", WINE, "--for", "crm", "--format", "parquet", "--to", str(tmp_path))
    assert said.code == 0, said.err
    path = tmp_path / NAME.replace(".csv", ".parquet")
    table = pq.read_table(path)
    assert table.to_pylist() == [
        {"source_id": "-5", "as_of_date": AS_OF, "audience": WINE, "audience_rank": 1, "score": 0.5,
         "entered_on": AS_OF, "expires_on": None}
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert logged(shop)[0]["content_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_who_has_objected_since_or_has_expired_does_not_leave(shop: Stored) -> None:
    past = AS_OF + timedelta(days=1)
    deliver(shop, [member(0), member(1), member(2, expires_on=past), member(3, expires_on=date(2999, 1, 1))])
    objecting(shop, 1)
    said = shop.strata("export", WINE, "--for", "analysts")
    assert [r["customer_id"] for r in rows_of(shop.root / "exports" / "analysts" / NAME)] == [customer(0), customer(3)]
    assert "left out: 1 not eligible any more" in said.out
    assert "left out: 1 expired since" in said.out
    objecting(shop, 1, purpose="profiling")
    assert "2 members" in shop.strata("export", WINE, "--for", "analysts").out


def test_when_nobody_is_left_there_is_no_file_and_no_row(shop: Stored) -> None:
    deliver(shop, [member(0), member(1, holdout=True)])
    objecting(shop, 0)
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code == 3
    assert "nobody is left to export: 1 held out for comparison; 1 not eligible any more" in said.err
    assert (files_of(shop), logged(shop)) == ([], [])


def test_stale_members_are_said_to_be(shop: Stored) -> None:
    withheld = listed(shop, status="withheld", status_reason="the seed has 20 customers, expected at least 100")
    deliver(shop, [member(0, stale=True)], catalog=[withheld])
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code == 0
    assert "note: stale: withheld (the seed has 20 customers, expected at least 100)" in said.out
    deliver(shop, [], catalog=[withheld])
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code == 3
    assert "withheld (the seed has 20 customers, expected at least 100)" in said.err
    assert "nothing to export" in said.err


def test_differences_and_what_has_become_of_members_since(shop: Stored) -> None:
    before = date(2017, 11, 30)
    earlier = {"as_of_date": before, "release_id": "b" * 32}
    last = [member(0, **earlier), member(1, **earlier), member(5, **earlier), member(6, holdout=True, **earlier),
            member(8, **earlier), member(9, holdout=True, **earlier)]  # fmt: skip
    # 2 comes in, 3 comes in and objects since, 4 comes in held out, 5 goes, 6 goes who was held out, 0 stays,
    # 1 objects since, 8 is held out only now, 9 no more
    now = [member(0), member(1), member(2), member(3), member(4, holdout=True), member(8, holdout=True), member(9)]
    differences = [changed(n, "added") for n in (2, 3, 4)] + [changed(n, "removed") for n in (5, 6)]
    deliver(shop, [*now, *last], differences, before=before)
    objecting(shop, 1, 3)
    said = shop.strata("export", WINE, "--for", "analysts", "--changes")
    assert said.code == 0, said.err
    found = rows_of(shop.root / "exports" / "analysts" / NAME.replace("members", "changes"))
    assert {row["customer_id"]: row["change"] for row in found} == {
        customer(2): "added", customer(9): "added", customer(5): "removed", customer(1): "removed",
        customer(8): "removed",
    }  # fmt: skip
    assert "reason" not in found[0]
    assert "5 differences" in said.out
    assert "of them 3 that members.audience_changes does not have" in said.out
    assert "left out: 2 held out for comparison" in said.out  # 4 and 6
    assert "left out: 1 not eligible any more" in said.out  # 3
    # whoever was given the last members and applies the differences has what a file of members says now
    given = {customer(n) for n in (0, 1, 5, 8)}
    for row in found:
        (given.add if row["change"] == "added" else given.discard)(row["customer_id"])
    assert shop.strata("export", WINE, "--for", "analysts").code == 0
    assert given == {row["customer_id"] for row in rows_of(shop.root / "exports" / "analysts" / NAME)}


def test_no_differences_are_an_empty_file(shop: Stored) -> None:
    deliver(shop, [member(0)])
    assert "0 differences" in shop.strata("export", WINE, "--for", "analysts", "--changes").out
    assert logged(shop)[0]["row_count"] == 0


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ((WINE, "--for", "crn"), 2, "privacy.yml: there is no recipient `crn`; did you mean `crm`?"),
        ((WINE, "--for", "../crm"), 2, "there is no recipient `../crm`"),
        (("../../etc/passwd", "--for", "crm"), 2, "export: there is no audience `../../etc/passwd`"),
        (("next_wine_buyer", "--for", "crm"), 2, f"did you mean `{WINE}`?"),
        ((WINE, "--for", "partner"), 2, f"recipient `partner` may not have audience `{WINE}`, only own_*"),
        ((WINE, "--for", "lab"), 2, f"audience `{WINE}` is for direct_mail, and recipient `lab` addresses nobody for"),
        ((WINE, "--for", "crm", "--to", "nowhere/at/all"), 2, "--to nowhere/at/all: there is no such folder"),
        ((WINE, "--for", "crm", "--as-of", "2017-11-30"), 3, "nothing is released as of 2017-11-30 to export"),
        ((WINE, "--for", "crm", "--as-of", "2017-11-30,2017-12-31"), 2, "export looks at one date"),
    ],
)  # fmt: skip
def test_what_may_not_leave_is_refused_and_nothing_is_written(
    shop: Stored, words: tuple[str, ...], code: int, part: str
) -> None:
    (shop.folder / "audiences" / "own_brand.yml").write_text(
        'audience: own_brand\nkind: rule\nowner: o\npurpose: direct_mail\ninclude: "own_brand_share_182d > 0.5"\n'
    )
    privacy = shop.folder / "privacy.yml"
    privacy.write_text(privacy.read_text() + (
        "  partner: {description: d, audiences: [\"own_*\"], ids: pseudonym, purposes: [direct_mail]}\n"
        "  lab: {description: d, audiences: [\"*\"], ids: pseudonym, purposes: [profiling]}\n"
    ))  # fmt: skip
    deliver(shop, [member(0)])
    put_vault(shop, {0: "A"})
    said = shop.strata("export", *words)
    assert (said.code, part in said.err) == (code, True), said.err
    assert (files_of(shop), logged(shop)) == ([], [])


def test_an_audience_that_was_released_for_another_purpose_or_not_at_all_is_refused(shop: Stored) -> None:
    deliver(shop, [member(0)], catalog=[listed(shop, purpose="profiling")])
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code == 3
    assert "released for profiling, declared for direct_mail now" in said.err
    deliver(shop, [member(0)], catalog=[])
    assert "not in the release as of 2017-12-31" in shop.strata("export", WINE, "--for", "analysts").err


def test_where_the_log_cannot_be_written_there_is_no_file(shop: Stored) -> None:
    deliver(shop, [member(0)])
    (shop.root / LOG).parent.mkdir()
    (shop.root / LOG).write_text("in the way")
    said = shop.strata("export", WINE, "--for", "analysts")
    assert said.code != 0
    folder = shop.root / "exports" / "analysts"
    assert list(folder.iterdir()) == []


def test_a_file_of_before_is_replaced_and_no_link_is_followed(shop: Stored, tmp_path: Path) -> None:
    deliver(shop, [member(0)])
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / NAME).symlink_to(target)
    assert shop.strata("export", WINE, "--for", "analysts", "--to", str(tmp_path)).code == 0
    assert target.read_text() == "kept"
    assert not (tmp_path / NAME).is_symlink()
    assert len(rows_of(tmp_path / NAME)) == 1


def test_a_vault_that_is_not_there_is_said(shop: Stored) -> None:
    deliver(shop, [member(0)])
    said = shop.strata("export", WINE, "--for", "crm")
    assert said.code == 3
    assert "restricted.identity_vault: there is no such table" in said.err


@pytest.mark.parametrize("parts", [("../x", "a" * 32), ("x", "../../" + "a" * 26), ("x/y", "a" * 32), ("", "a" * 32)])
def test_no_file_name_leads_elsewhere(parts: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="no part of a file name"):
        file_name(parts[0], AS_OF, parts[1], "members", "csv")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
cells = st.one_of(texts, st.sampled_from(["=1+1", "-5", "+1", "@a", "\t=1", "\r\n", 'a"b', "a,b", "\uff1d1"]))


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(cells, st.integers(-9, 9), st.floats(-1, 1)), min_size=1, max_size=6))
def test_csv_says_what_it_was_told_and_no_text_begins_as_a_formula(rows: list[tuple[str, int, float]]) -> None:
    out = io.StringIO(newline="")
    changed_cells = write_csv(["text", "whole", "number"], [rows], out)
    found = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    for (written, whole, number), (text, *numbers) in zip(rows, found, strict=True):
        assert not text.startswith(STARTS_OF_FORMULAS)
        assert text in (written, f"'{written}")
        assert [int(numbers[0]), float(numbers[1])] == [whole, number]
    assert changed_cells == sum(written.startswith(STARTS_OF_FORMULAS) for written, *_ in rows)


def test_duckdb_reads_the_csv_back(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = [('a"b', -5), ("a,b\nc", 2), ("é", 3)]
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(["t", "n"], [rows], file)
    assert duckdb.sql(f"SELECT * FROM read_csv('{path}', header = true)").fetchall() == rows


def test_the_release_of_a_date_is_exported_when_asked_for(shop: Stored) -> None:
    before = date(2017, 11, 30)
    deliver(
        shop,
        [member(0), member(1, as_of_date=before, release_id="b" * 32)],
        catalog=[listed(shop), listed(shop, as_of_date=before, release_id="b" * 32)],
        before=before,
    )
    said = shop.strata("export", WINE, "--for", "analysts", "--as-of", "2017-11-30")
    assert said.code == 0, said.err
    path = shop.root / "exports" / "analysts" / f"{WINE}_2017-11-30_{'b' * 12}_members.csv"
    assert [row["customer_id"] for row in rows_of(path)] == [customer(1)]
    assert CURRENT["as_of_date"] == AS_OF
