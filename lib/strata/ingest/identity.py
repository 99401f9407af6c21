"""Source ids become pseudonyms: HMAC-SHA256 from Spark's own functions, with the key in no plan.

The key travels as the two padded blocks of RFC 2104 in a one-row frame that is broadcast; a literal would stand in
every plan, log and event log. Executors need no Python for it.
"""

import hashlib

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from strata.contract.columns import Type
from strata.ingest.pseudonyms import BLANKS, FORMS, PLACEHOLDERS
from strata.project.sources import Normaliser

INNER, OUTER = "_inner_pad", "_outer_pad"
_BLOCK = 64


def key_frame(spark: SparkSession, key: bytes) -> DataFrame:
    """One row with the binary columns of the padded key, to be joined with `with_key`."""
    block = hashlib.sha256(key).digest() if len(key) > _BLOCK else key
    block = block.ljust(_BLOCK, b"\0")
    pads = {INNER: bytes(b ^ 0x36 for b in block), OUTER: bytes(b ^ 0x5C for b in block)}
    table = pa.table({name: pa.array([pad], pa.binary()) for name, pad in pads.items()})
    return spark.createDataFrame(table, StructType([StructField(name, BinaryType(), False) for name in pads]))


def with_key(frame: DataFrame, keys: DataFrame) -> DataFrame:
    """`frame` with the columns of `key_frame` beside every row; no shuffle."""
    return frame.join(F.broadcast(keys), how="cross")


def hmac_sha256(message: Column) -> Column:
    """HMAC-SHA256 of a text column (its UTF-8 bytes) as 64 lower-case hex digits; NULL stays NULL.

    Reads the columns of `key_frame`. Source: RFC 2104; test vectors: RFC 4231.
    """
    inner = F.sha2(F.concat(F.col(INNER), message.cast("binary")), 256)
    return F.sha2(F.concat(F.col(OUTER), F.unhex(inner)), 256)


def pseudonym(text: Column) -> Column:
    """The first 128 bits of `hmac_sha256` as 32 hex digits."""
    return F.substring(hmac_sha256(text), 1, 32)


def trimmed(text: Column) -> Column:
    """Text without white space around it (no-break space and byte order mark too); blank text is NULL."""
    bare = F.btrim(text, F.lit(BLANKS))
    return F.when(bare != "", bare)


def normalised(kind: Normaliser, value: Column, delivered: Type) -> Column:
    """The form of an id that is hashed, so that spellings of one id give one pseudonym.

    | kind | value | normalised |
    |---|---|---|
    | plain | ` A-17 ` | `A-17` |
    | msisdn | `+380 (50) 123-45-67`, `00380501234567` | `380501234567` |
    | email | ` Olena@Example.org` | `olena@example.org` |
    | any | blank | NULL |

    Args:
        kind: the normaliser of the source column.
        value: the delivered id.
        delivered: its type, STRING or BIGINT; a DOUBLE has lost digits of an id and `well_formed` refuses it.
    """
    text = value.cast("string")
    if delivered is not Type.BIGINT:
        text = trimmed(text)
    match kind:
        case "msisdn":
            return F.regexp_replace(F.translate(text, " ()-\u00a0\t", ""), r"^(\+|00)", "")
        case "email":
            return F.lower(text)
    return text


def well_formed(kind: Normaliser, text: Column, delivered: Type) -> Column:
    """True where a normalised id can be one: 3.8E11 is no phone number, N/A is nobody, and no double is an id."""
    if delivered not in (Type.STRING, Type.BIGINT):
        return F.lit(False)
    if kind == "plain":
        return F.lit(True) if delivered is Type.BIGINT else ~is_placeholder(text)
    return text.rlike(FORMS[kind])


def is_placeholder(text: Column) -> Column:
    """True for a text that stands where no value was known: NULL, N/A, a dash."""
    return F.lower(text).isin(*sorted(PLACEHOLDERS))
