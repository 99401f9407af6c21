"""Features: tiles that merge, and the snapshot that conditions read.

The tables here hold the columns every project has; the measures of `features.yml` follow as extension columns.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract.columns import HEX_32, Between, Column, Personal, Table, Type, column


def _customer_id() -> Column:
    return column(Type.STRING, "Pseudonym of the customer", HEX_32, personal=Personal.PSEUDONYM)


class daily(Table):
    """Tiles: partial results per customer and day, as known at known_at; windows are sums over these."""

    schema = "features"
    grain = ("customer_id", "event_date")
    customer_id = _customer_id()
    event_date = column(Type.DATE, "Day in the project's time zone", personal=Personal.BEHAVIOUR)
    event_count = column(Type.BIGINT, "Events of any kind", Between(1, None), personal=Personal.BEHAVIOUR)


class pairs(Table):
    """Tiles by value: partial results per customer, day and value, for features with `by`."""

    schema = "features"
    grain = ("customer_id", "event_date")
    may_be_empty = True
    customer_id = _customer_id()
    event_date = column(Type.DATE, "Day in the project's time zone", personal=Personal.BEHAVIOUR)
    event_count = column(Type.BIGINT, "Events of any kind", Between(1, None), personal=Personal.BEHAVIOUR)


class snapshot(Table):
    """Every feature of every customer of the base as of a date."""

    schema = "features"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    as_of_date = column(Type.DATE, "Last whole day of the windows")
    customer_id = _customer_id()
