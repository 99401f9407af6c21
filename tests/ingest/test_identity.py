"""Pseudonyms are what Python's hmac makes, and the key is in no plan."""

import hashlib
import hmac

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.ingest.identity import hmac_sha256, key_frame, normalised, pseudonym, well_formed, with_key

SOURCE_IDS = [
    "1",
    "900",
    "A-17",
    "Олена Петренко",
    "šđčćž",
    "日本語",
    "🙂👍🏽",
    "é",
    "e\u0301",
    "a" * 1_000,
    "x\ny",
    "'; --",
]

# RFC 4231, test cases 1, 2, 3, 4, 6 and 7: key, data, HMAC-SHA-256.
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    (b"\xaa" * 131, b"This is a test using a larger than block-size key and a larger than block-size data."
     b" The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]  # fmt: skip


def test_the_vectors_of_rfc_4231_hold(spark: SparkSession) -> None:
    parts = []
    for key, data, _ in RFC_4231:
        message = spark.createDataFrame(pa.table({"message": pa.array([data], pa.binary())}))
        parts.append(with_key(message, key_frame(spark, key)).select(hmac_sha256(F.col("message")).alias("mac")))
    together = parts[0]
    for part in parts[1:]:
        together = together.union(part)
    assert together.toArrow()["mac"].to_pylist() == [mac for _, _, mac in RFC_4231]


@pytest.mark.parametrize("key", [b"k" * 32, "ключ".encode() * 20], ids=["short", "longer than a block"])
def test_a_pseudonym_is_half_of_pythons_hmac(spark: SparkSession, key: bytes) -> None:
    ids = spark.createDataFrame(pa.table({"id": pa.array([*SOURCE_IDS, None])}))
    found = with_key(ids, key_frame(spark, key)).select("id", pseudonym(F.col("id")).alias("customer_id"))
    made = {row["id"]: row["customer_id"] for row in found.toArrow().to_pylist()}
    expected = {i: hmac.new(key, i.encode(), hashlib.sha256).hexdigest()[:32] for i in SOURCE_IDS}
    assert made == {**expected, None: None}


def test_the_key_is_in_no_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    key = b"Sesame-open-0123456789-abcdefghij"
    ids = spark.createDataFrame(pa.table({"id": SOURCE_IDS}))
    frame = with_key(ids, key_frame(spark, key)).select(pseudonym(F.col("id")).alias("customer_id"))
    frame.explain("extended")
    frame.explain("codegen")
    frame.explain("cost")
    shown = capsys.readouterr().out
    assert "BroadcastNestedLoopJoin" in shown
    block = key.ljust(64, b"\0")
    secrets = [key, *(bytes(b ^ pad for b in block)[:33] for pad in (0x36, 0x5C))]
    for secret in secrets:
        for spelling in (secret.decode("latin-1"), secret.hex(), ", ".join(map(str, secret[:8]))):
            assert spelling not in shown
            assert spelling.upper() not in shown


@pytest.mark.parametrize(
    ("kind", "delivered", "text"),
    [
        ("plain", "  A-17 ", "A-17"),
        ("plain", "\ufeff\u00a0A-17\t", "A-17"),
        ("plain", "a-17", "a-17"),
        ("plain", " \t", None),
        ("msisdn", "+380 (50) 123-45-67", "380501234567"),
        ("msisdn", "00380501234567", "380501234567"),
        ("msisdn", "380501234567", "380501234567"),
        ("msisdn", "3.8050123E11", "refused"),
        ("msisdn", "380501234567.0", "refused"),
        ("msisdn", "12", "refused"),
        ("msisdn", "", None),
        ("email", " Olena@Example.ORG ", "olena@example.org"),
        ("email", "olena at example", "refused"),
        ("email", "a@b@c", "refused"),
    ],
)
def test_spellings_of_one_id_give_one_text(spark: SparkSession, kind: str, delivered: str, text: str | None) -> None:
    value = normalised(kind, F.lit(delivered), Type.STRING)  # type: ignore[arg-type]
    usable = well_formed(kind, value, Type.STRING)  # type: ignore[arg-type]
    made = spark.range(1).select(F.when(usable, value).otherwise(F.when(~usable, "refused")).alias("made"))
    assert made.toArrow()["made"].to_pylist() == [text]


def test_a_number_that_may_have_lost_digits_is_no_id(spark: SparkSession) -> None:
    usable = spark.range(1).select(
        well_formed("plain", normalised("plain", F.lit(380501234567), Type.BIGINT), Type.BIGINT).alias("whole"),
        well_formed("plain", normalised("plain", F.lit(3.8e11), Type.DOUBLE), Type.DOUBLE).alias("double"),
    )
    assert usable.toArrow().to_pylist() == [{"whole": True, "double": False}]
