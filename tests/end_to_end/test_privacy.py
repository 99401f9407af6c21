"""What may not be found: the identity key anywhere, raw ids outside restricted."""

import hashlib
import hmac

import polars as pl
import pytest
from tests.end_to_end.kit import package_data

pytestmark = pytest.mark.long


def test_customer_ids_are_pythons_hmac_of_the_source_id_and_the_key_is_in_no_table(grocery):
    key_text = (grocery.folder / ".strata" / "identity.key").read_text().strip()
    key = bytes.fromhex(key_text)
    raw = pl.read_parquet(package_data() / "transactions.parquet")["household_id"].unique()
    expected = {hmac.new(key, str(i).encode(), hashlib.sha256).hexdigest()[:32] for i in raw}
    assert set(grocery.read("silver/events")["customer_id"]) == expected
    needles = (key_text.encode(), key)
    files = [p for p in grocery.root.rglob("*") if p.is_file()]
    assert [p for p in files if any(needle in p.read_bytes() for needle in needles)] == []


def test_raw_ids_stay_in_restricted(grocery):
    assert len(grocery.read("restricted/identity_vault")) == 2_469
    for table in ("silver/events", "silver/customers", "silver/communications"):
        assert not {"household_id", "source_id"} & set(grocery.read(table).columns)
