"""Members kept from the campaign on purpose: the same customers in every release, and no state to remember them by."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_DIGITS = 13
"""Hex digits of the hash that count: 52 bits, all of which a double holds exactly."""


def is_held_out(share: float, salt: str) -> Column:
    """Whether a customer (`customer_id`) is of the holdout.

    The first 52 bits of SHA-256 over salt and id, as a number from 0 to 1, lie below the share: so a customer is of it
    for ever, a higher share keeps all of a lower one, and audiences of other names hold back others.

    Args:
        share: 0 to 1; about so much of any list is held out.
        salt: the audience's name.
    """
    digits = F.substring(F.sha2(F.concat(F.lit(f"{salt}:"), F.col("customer_id")), 256), 1, _DIGITS)
    return F.conv(digits, 16, 10).cast("bigint") < F.lit(round(share * 16**_DIGITS))
