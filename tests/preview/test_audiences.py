"""Audiences in `strata preview`: funnels counted by hand, and against Python where there are many."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import ceil, isnan

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.preview.delivered import WINE, deliver, listed, member, put_vault
from tests.preview.kit import AS_OF, Stored
from tests.preview.test_bases import OBJECTIONS, said_row
from tests.preview.test_preview import CUSTOMERS
from tests.segments.definitions import customer

from strata.contract.columns import Type
from strata.contract.silver import communications, consents
from strata.errors import Location
from strata.expression import Name
from strata.preview.audience_funnel import against_size
from strata.preview.audiences import Around, Cut, audience_sql
from strata.project.audiences import Audience, Band, Size
from strata.project.words import Text
from strata.segments.duckdb import layered, permission_column

HERE = Location("x", 1, 1)
RULE = """kind: rule
owner: crm
purpose: direct_mail
include: "purchase_days_182d >= 1"
"""


def declare(shop: Stored, name: str, text: str = RULE) -> None:
    (shop.folder / "audiences" / f"{name}.yml").write_text(f"audience: {name}\n{text}")


def cells(out: str) -> dict[str, list[str]]:
    """The rows of the table of a funnel: name -> customers, alone, still left."""
    found = {}
    for line in out.splitlines():
        *name, customers, alone, left = line.split() if len(line.split()) > 3 else ["", "", "", ""]
        if (name and left.replace(",", "").isdigit()) or left == "-":
            found[" ".join(name)] = [customers, alone, left]
    return found


def bought(days: int, spend: str = "0.00", **more: object) -> dict[str, object]:
    return {"purchase_days_182d": days, "spend_182d": Decimal(spend), **more}


def test_the_funnel_of_a_rule_goes_from_the_base_to_the_members(shop: Stored) -> None:
    declare(shop, "buyers", RULE + 'exclude: ["purchase_days_84d = 0", "wine_days_182d > 0"]\n')
    # 0 does not buy; 1 objects; 2 is excluded by both, 3 by wine; 4 and 5 are members
    shop.put_snapshot([
        bought(0), bought(1, purchase_days_84d=1), bought(2, wine_days_182d=1),
        bought(3, purchase_days_84d=1, wine_days_182d=2), bought(4, purchase_days_84d=1),
        bought(5, purchase_days_84d=2),
    ])  # fmt: skip
    (shop.folder / "sources" / "objections.yml").write_text(OBJECTIONS)
    shop.put(consents, [said_row(1, "direct_mail", "objection", True, 1, 0)])
    said = shop.strata("preview", "buyers")
    assert said.code == 0, said.err
    assert cells(said.out) == {
        "base": ["6", "-", "6"], "meet the rule": ["5", "-", "5"], "not eligible": ["-1", "1", "4"],
        "excluded: purchase_days_84d = 0": ["-1", "1", "3"], "excluded: wine_days_182d > 0": ["-1", "2", "2"],
        "members": ["2", "-", "2"],
    }  # fmt: skip
    assert "published from 100 members on" in said.out
    assert "note: would be withheld: 2 members are fewer than the 100 it is published from" in said.out


def test_of_those_who_meet_it_the_first_by_order_are_picked_and_nobody_moves_up(shop: Stored) -> None:
    size = 'size: {customers: 3, order: spend_182d}\nexclude: ["wine_days_182d > 0"]\npublish_at_least: 100\n'
    declare(shop, "best", RULE + size.replace("customers: 3", "share: 0.5"))
    # by spend: 3, then 1 and 4 tie, then 2, 0; half of five is three; 4 is excluded and 2 does not move up
    spent = ["1.00", "5.00", "4.00", "9.00", "5.00"]
    shop.put_snapshot([bought(1, s, wine_days_182d=int(n == 4)) for n, s in enumerate(spent)])
    found = cells(shop.strata("preview", "best").out)
    tied = sorted([customer(1), customer(4)])
    assert found["the first by spend_182d"] == ["3", "-", "3"]
    assert found["excluded: wine_days_182d > 0"] == ["-1", "1", "2"]
    assert found["members"][0] == "2"
    declare(shop, "best", RULE + size.replace("customers: 3", "share: 0.4"))
    assert cells(shop.strata("preview", "best").out)["members"][0] == ("2" if tied[0] == customer(1) else "1")


names = {"worth": Name(Type.DOUBLE, True), "n": Name(Type.BIGINT, False)}
worths = st.one_of(st.none(), st.just(float("nan")), st.integers(-3, 3).map(float))


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(st.lists(st.tuples(worths, st.integers(0, 2)), min_size=1, max_size=12), st.integers(1, 8),
       st.sampled_from(["high", "low"]))  # fmt: skip
def test_the_cut_finds_whom_a_sort_in_python_finds(
    rows: Sequence[tuple[float | None, int]], most: int, best: str
) -> None:
    audience = Audience("x", "rule", "o", "p", (), 1, HERE, include=Text("n > 0", HERE),
                        size=Size(customers=most, order=Text("worth", HERE), best=best))  # type: ignore[arg-type]  # fmt: skip
    sign = 1 if best == "high" else -1
    meeting = [(customer(i), None if w is None or isnan(w) else sign * w) for i, (w, n) in enumerate(rows) if n]
    in_order = sorted(meeting, key=lambda m: (m[1] is None, -(m[1] or 0.0), m[0]))
    last = in_order[most - 1] if most <= len(in_order) else None
    sql = audience_sql(audience, names, Around(), Cut(last[1], last[0], most) if last else None)
    table = pa.table({
        "customer_id": [customer(i) for i in range(len(rows))], "worth": pa.array([w for w, _ in rows], pa.float64()),
        "n": [n for _, n in rows], permission_column("p"): [True] * len(rows),
    })  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("rows_", table)
        query = layered("rows_", sql.layers)
        found = connection.execute(f'SELECT customer_id FROM ({query}) WHERE "{sql.member}"').fetchall()
    assert sorted(row[0] for row in found) == sorted(m[0] for m in in_order[:most])


def test_who_is_held_out_is_told_by_the_same_hash_as_in_a_release(shop: Stored) -> None:
    declare(shop, "buyers", RULE + "holdout: 0.3\n")
    shop.put_snapshot([bought(1)] * 200)
    digits = [int(hashlib.sha256(f"buyers:{customer(n)}".encode()).hexdigest()[:13], 16) for n in range(200)]
    held_out = sum(d < round(0.3 * 16**13) for d in digits)
    assert f"{held_out} of the members are held out" in shop.strata("preview", "buyers").out
    assert 30 < held_out < 90


def test_ids_of_a_list_are_looked_up_in_the_vault(shop: Stored) -> None:
    (shop.folder / "vip.csv").write_text("name,phone\na,+38 (050) 111-22-33\nb,380501112233\nc,380509999999\nd,\n"
                                         "e,0038050 222 33 44\n")  # fmt: skip
    declare(shop, "vip", "kind: list\nowner: o\npurpose: direct_mail\n"
            "list: {path: vip.csv, column: phone, identity: msisdn}\n")  # fmt: skip
    shop.put_snapshot([bought(1)] * 3)
    assert "note: audience.vip: restricted.identity_vault: there is no such table" in shop.strata("preview", "vip").out
    put_vault(shop, {0: "380501112233", 2: "380502223344", 1: "1", 99: "380509999999"})
    said = shop.strata("preview", "vip")
    assert "4 ids in the file: 1 of them again, 0 of nobody known" in said.out, said.out + said.err
    assert cells(said.out)["in the list"] == ["2", "-", "2"]
    pq.write_table(pa.table({"id": [customer(0), customer(0), customer(50)]}), shop.folder / "vip.parquet")
    declare(shop, "vip", "kind: list\nowner: o\npurpose: direct_mail\n"
            "list: {path: vip.parquet, column: id, identity: customer_id}\n")  # fmt: skip
    assert cells(shop.strata("preview", "vip").out)["in the list"] == ["1", "-", "1"]
    shop.edit("audiences/vip.yml", "column: id", "column: ids")
    said = shop.strata("preview", "vip")
    assert "list vip.parquet: expected one column `ids`, found: id" in said.out
    assert customer(0) not in said.out + said.err


def test_ids_of_a_list_take_every_form_that_sources_give_theirs(shop: Stored) -> None:
    """The sources of the shop deliver whole numbers: `007` there is 7."""
    (shop.folder / "vip.csv").write_text("id\n007\n 7\n8\nx\n")
    declare(shop, "vip", "kind: list\nowner: o\npurpose: direct_mail\n"
            "list: {path: vip.csv, column: id, identity: plain}\n")  # fmt: skip
    shop.put_snapshot([bought(1)] * 3)
    put_vault(shop, {0: "7", 1: "8", 2: "9"})
    said = shop.strata("preview", "vip")
    assert "4 ids in the file: 1 of them again, 1 of nobody known" in said.out, said.out + said.err
    assert cells(said.out)["in the list"] == ["2", "-", "2"]
    pq.write_table(pa.table({"id": [customer(11).upper()]}), shop.folder / "vip.parquet")
    declare(shop, "vip", "kind: list\nowner: o\npurpose: direct_mail\n"
            "list: {path: vip.parquet, column: id, identity: customer_id}\n")  # fmt: skip
    shop.put_snapshot([bought(1)] * 12)
    assert cells(shop.strata("preview", "vip").out)["in the list"] == ["1", "-", "1"]


def test_messages_priorities_and_the_end_of_a_membership_take_out(shop: Stored) -> None:
    declare(shop, "first", RULE.replace(">= 1", ">= 3") + "priority: 1\n")
    declare(shop, "second", RULE + "priority: 2\npressure: {at_most: 2, days: 7}\nexpires: {on: 2017-12-30}\n")
    shop.put_snapshot([bought(n) for n in (1, 2, 3, 4)])
    said = shop.strata("preview", "second")
    assert "note: who was written to is not known: silver.communications is not there" in said.out
    sent = {"channel": "mail", "is_control": False, "revision": 1, "is_deleted": False, "source": "s"}
    days = {0: (0, 6), 1: (0, 7), 2: (0,), 3: ()}
    rows = [{**sent, "customer_id": customer(n), "campaign_id": str(d), "sent_on": AS_OF - timedelta(days=d)}
            for n, ago in days.items() for d in ago]  # fmt: skip
    rows.append({**rows[3], "campaign_id": "control", "is_control": True})
    rows.append({**rows[4], "campaign_id": "taken back"})
    rows.append({**rows[-1], "revision": 2, "is_deleted": True})
    shop.put(communications, rows)
    found = cells(shop.strata("preview", "second").out)
    assert found["contact pressure: 2 in 7 days"] == ["-1", "1", "3"]
    assert found["goes to audience first"] == ["-2", "2", "1"]
    assert found["expired"] == ["-1", "4", "0"]
    shop.edit("audiences/second.yml", "on: 2017-12-30", "on: 2017-12-31")
    assert cells(shop.strata("preview", "second").out)["members"][0] == "1"


def test_the_funnel_of_a_look_alike_ends_with_the_members_of_the_release(shop: Stored) -> None:
    declare(shop, WINE, (shop.folder / "audiences" / f"{WINE}.yml").read_text().partition("\n")[2]
            + 'exclude: ["purchase_days_182d = 0"]\n')  # fmt: skip
    shop.put_snapshot([bought(n % 3, wine_days_182d=int(n < 4)) for n in range(15)])
    said = shop.strata("preview", WINE)
    assert cells(said.out) == {
        "base": ["15", "-", "15"], "seed": ["4", "-", "-"], "candidates": ["11", "-", "11"],
        "not eligible": ["0", "0", "11"], "excluded: purchase_days_182d = 0": ["-3", "3", "8"],
        "may be members": ["8", "-", "8"],
    }  # fmt: skip
    assert f"the best {ceil(1.1)} of 11 candidates are picked" in said.out
    assert "the release has" not in said.out
    deliver(shop, [member(4), member(5), member(6)], catalog=[listed(shop, customers=250)])
    said = shop.strata("preview", WINE)
    assert "the release has 3 members, of whom 2 may still be" in said.out
    assert "published from 100 members on, the last size is 250" in said.out


def test_audiences_by_rule_stand_in_conditions_as_they_are_found_now(shop: Stored) -> None:
    declare(shop, "buyers", RULE + "size: {share: 0.6, order: spend_182d}\n")
    declare(shop, "others", RULE.replace("include: ", "exclude: [audience.buyers]\ninclude: "))
    shop.define("by_audience", 'kind: rules\nsegments:\n  - {segment: a, label: A, when: "audience.buyers"}\n'
                "  - {segment: rest, label: R}\notherwise: rest\n")  # fmt: skip
    shop.put_snapshot([bought(1, "3.00"), bought(1, "2.00"), bought(1, "1.00"), bought(0, "9.00")])
    (shop.folder / "sources" / "objections.yml").write_text(OBJECTIONS)
    # who is in an audience but may not be addressed still suppresses
    shop.put(consents, [said_row(0, "direct_mail", "objection", True, 1, 0)])
    found = cells(shop.strata("preview", "others").out)
    assert found["excluded: audience.buyers"] == ["-1", "2", "1"]
    assert found["members"][0] == "1"
    said = shop.strata("preview", "by_audience")
    assert "note" not in said.out
    assert [line.split()[2] for line in said.out.splitlines() if line.startswith("  a ")] == ["2"]


def test_without_a_name_all_audiences_stand_below_the_segments(shop: Stored) -> None:
    declare(shop, "buyers")
    shop.put_snapshot(CUSTOMERS)
    rows = [line.split() for line in shop.strata("preview").out.splitlines()]
    assert ["buyers", "rule", "4", "4", "now", "100"] in rows
    assert ["next_wine_buyers", "lookalike", "7", "-", "not", "learned", "yet", "100"] in rows


def test_names_lead_to_audiences(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    assert "next_wine_buyers: lookalike, for direct_mail" in shop.strata("preview", f"audience.{WINE}").out
    said = shop.strata("preview", "next_wine")
    assert (said.code, f"did you mean `{WINE}`?" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("members", "last", "part"),
    [
        (100, None, None),
        (99, None, "99 members are fewer than the 100 it is published from"),
        (100, 200, None),
        (100, 201, "outside of its band: at least 100 and at most 402, as the last size is 201"),
        (403, 201, "403 members are outside of its band"),
        (402, 201, None),
    ],
)
def test_a_size_is_held_against_floor_and_band(members: int, last: int | None, part: str | None) -> None:
    audience = Audience("x", "rule", "o", "p", (), 100, HERE, band=Band(0.5, 2.0))
    found = against_size(audience, members, last)
    assert len(found) == (part is not None)
    assert part is None or part in found[0]


def test_a_membership_that_ended_is_found_anew_by_the_release_after(shop: Stored) -> None:
    declare(shop, "buyers", RULE + "expires: {after_days: 28}\n")
    shop.put_snapshot([bought(1)] * 4)
    before = date(2017, 12, 3)
    earlier = {"audience": "buyers", "as_of_date": before, "release_id": "b" * 32}
    entered = {0: date(2017, 12, 3), 1: date(2017, 12, 4), 2: before}
    rows = [member(n, **earlier, **{"entered_on": day}) for n, day in entered.items()]
    deliver(shop, rows, before=before)
    assert cells(shop.strata("preview", "buyers").out)["expired"] == ["-2", "2", "2"]
