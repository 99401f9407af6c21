"""`strata release --rollback` on real tables: what readers get, who does not come back, what a crash leaves."""

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.operations.tiny import CUSTOMERS, FIRST, SECOND, THIRD, Tiny, tiny_shop

from strata.storage import promotion

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def told(spark, tmp_path_factory):
    """Two dates released; then 39 objects to profiling, 38 to mail, 37 withdraws consent, 36 is erased; and back."""
    shop = tiny_shop(tmp_path_factory.mktemp("rollback") / "tiny")
    for day in (FIRST, SECOND):
        said = shop.run(day)
        assert said.code == 0, said.out + said.err
    shop.say(
        "second", "39,profiling,objection,y,2024-02-01", "38,email,objection,y,2024-02-01",
        "37,email,consent,n,2024-02-01",
    )  # fmt: skip
    assert shop.strata("ingest").code == 0
    erase(shop, "s36")
    return shop, back_to(shop, FIRST)


def erase(shop, source_id):
    """What erasure leaves of a person's identity: nothing."""
    DeltaTable(str(shop.root / "restricted/identity_vault")).delete(f"source_id = '{source_id}'")


def back_to(shop: Tiny, day):
    said = shop.strata("release", "--rollback", shop.id_of(day)[:12])
    assert said.code == 0, said.out + said.err
    return said


def ids(shop, *numbers):
    vault = shop.read("restricted/identity_vault", 0)
    return set(vault.filter(pl.col("source_id").is_in([f"s{n}" for n in numbers]))["customer_id"])


def test_readers_get_what_was_released_then_and_nothing_of_later_dates(told):
    shop, said = told
    last = shop.releases().filter(pl.col("sequence") == 3)
    assert set(last["kind"]) == {"rollback"}
    assert last["is_current"].all()
    assert shop.releases()["is_current"].sum() == len(last)
    assert f"Release {shop.id_of(FIRST)[:12]} is current: as of {FIRST}" in said.out
    assert f"{SECOND} left the published tables" in said.out
    differ = {name for name, what in shop.contents(3).items() if shop.contents(1)[name] != what}
    assert "publish.segment_catalog" in shop.contents(3)
    assert differ == {
        "members.segment_membership", "members.customer_segments", "members.customer_features",
        "members.audience_membership", "members.audience_changes", "publish.audience_catalog",
    }  # fmt: skip
    for row in last.to_dicts():
        rows = shop.read(row["table_name"].replace(".", "/"), row["delta_version"])
        newest = shop.read(row["table_name"].replace(".", "/"))
        assert rows.equals(newest)
        assert len(rows) == row["row_count"]
        assert set(rows["release_id"]) <= {row["release_id"]}


def test_who_has_objected_withdrawn_or_been_erased_since_does_not_come_back(told):
    shop, said = told
    members = set(shop.read("members/audience_membership")["customer_id"])
    everybody = set(shop.read("members/customer_segments")["customer_id"])
    before = shop.read("members/audience_membership", 1)
    assert ids(shop, 36, 37, 38, 39) <= set(before["customer_id"])
    assert set(before["customer_id"]) - members == ids(shop, 36, 37, 38, 39)
    assert not everybody & ids(shop, 36, 39)
    assert len(everybody) == CUSTOMERS - 2
    assert "taken out: 2 customers who object to profiling by now, or are erased" in said.out
    assert "taken out of audiences, not eligible any more: 4 of good_ones" in said.out
    assert shop.read("publish/audience_catalog")["customers"].to_list() == [len(members)]
    changes = shop.read("members/audience_changes")
    assert set(changes.filter(pl.col("change") == "added")["customer_id"]) == members


def test_the_same_command_says_so_and_what_is_unknown_is_refused(told):
    shop, _ = told
    first = shop.id_of(FIRST)[:12]
    for word, part in {first: "it is current already", "f00": "there is no release 'f00'"}.items():
        said = shop.strata("release", "--rollback", word)
        assert said.code == 2, said.out
        assert part in said.err
    assert shop.strata("release").code == 2
    listed = shop.strata("release", "--list")
    assert [line.split()[2] for line in listed.out.splitlines()[2:]] == ["rollback", "regular", "regular"]
    assert shop.strata("release", "--show", first).out.startswith(f"Release {shop.id_of(FIRST)}")


def test_a_run_of_what_was_taken_back_does_nothing_until_it_is_forced(told):
    shop, _ = told
    known_at = shop.releases().filter(pl.col("as_of_date") == SECOND)["known_at"][0]
    current = shop.releases().filter("is_current")["sequence"].max()
    later = shop.run(SECOND)
    assert later.code == 0, later.out + later.err
    assert "as of 2024-03-02" in later.out, "what came since makes another release"
    assert shop.releases().filter("is_current")["sequence"].max() == current + 1
    looked_at = shop.releases().filter("is_current")["previous_release_id"][0]
    assert looked_at == shop.id_of(FIRST)
    back_to(shop, FIRST)
    again = shop.run(SECOND)
    assert again.code == 0, again.out + again.err
    assert "was taken back by a rollback: nothing to do (--force builds it again)" in again.out
    assert set(shop.releases().filter("is_current")["kind"]) == {"rollback"}
    assert known_at is not None


def test_a_rollback_that_dies_on_its_way_is_completed_by_the_next_run(told, monkeypatch):
    shop, _ = told
    shop.buy(THIRD)
    assert shop.run(THIRD).code == 0
    before = shop.releases()

    whole = promotion._promote_table

    def die(lakehouse, staged, release, **how):
        if staged.table.full_name() == "publish.segment_profile":
            raise OSError("the machine is gone")
        return whole(lakehouse, staged, release, **how)

    monkeypatch.setattr(promotion, "_promote_table", die)
    died = shop.strata("release", "--rollback", shop.id_of(FIRST))
    assert died.code == 1
    assert shop.releases().equals(before)
    monkeypatch.undo()
    said = shop.strata("ingest")
    assert f"a run was cut short: its release {shop.id_of(FIRST)[:12]} is now complete" in said.out
    current = shop.releases().filter("is_current")
    assert set(current["kind"]) == {"rollback"}
    assert set(shop.releases().filter(pl.col("as_of_date") == THIRD)["status"]) == {"withdrawn"}
    assert set(shop.read("members/segment_membership")["as_of_date"]) == {FIRST}


def test_a_purpose_that_is_declared_no_more_is_refused(told):
    shop, _ = told
    assert shop.run(THIRD, "--force").code == 0
    (shop.folder / "audiences" / "good_ones.yml").unlink()
    text = (shop.folder / "privacy.yml").read_text()
    shop.write("privacy.yml", text.replace("  email: {basis: consent, description: Offers by e-mail}\n", ""))
    said = shop.strata("release", "--rollback", shop.id_of(FIRST))
    assert said.code == 2
    assert "audience good_ones was released for the purpose email, which privacy.yml has no more" in said.err
