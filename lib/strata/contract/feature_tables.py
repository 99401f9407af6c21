"""Features: tiles that merge, and the snapshot that conditions read.

The tables here hold the columns every project has; the measures of `features.yml` follow as extension columns.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract.columns import COUNT, HEX_32, Between, Column, Personal, Table, Type, column


def _customer_id() -> Column:
    return column(Type.STRING, "Pseudonym of the customer", HEX_32, personal=Personal.PSEUDONYM)


def _event_date() -> Column:
    return column(Type.DATE, "Day in the project's time zone", personal=Personal.BEHAVIOUR)


def _event_month() -> Column:
    return column(Type.DATE, "First day of the month of event_date")


def _event_count() -> Column:
    return column(
        Type.BIGINT, "Events of any kind; 0: only communications or consents", COUNT, personal=Personal.BEHAVIOUR
    )


class daily(Table):
    """Tiles: partial results per customer and day, as known at known_at; windows are sums over these."""

    schema = "features"
    grain = ("customer_id", "event_date")
    slice_by = "event_date"
    partition_by = "event_month"
    customer_id = _customer_id()
    event_date = _event_date()
    event_month = _event_month()
    event_count = _event_count()


class pairs(Table):
    """Tiles by value: partial results per customer, day and values, for features that look at values."""

    schema = "features"
    grain = ("customer_id", "event_date")
    slice_by = "event_date"
    partition_by = "event_month"
    may_be_empty = True
    customer_id = _customer_id()
    event_date = _event_date()
    event_month = _event_month()
    event_count = _event_count()


class lifetime(Table):
    """Tiles of the whole history up to a day, merged per customer; made from daily and droppable at any time."""

    schema = "features"
    grain = ("customer_id",)
    may_be_empty = True
    customer_id = _customer_id()


class monthly(Table):
    """Tiles of whole months merged per customer, for windows that hold them; made from daily, droppable at any time."""

    schema = "features"
    grain = ("customer_id", "event_month")
    partition_by = "event_month"
    may_be_empty = True
    customer_id = _customer_id()
    event_month = _event_month()


class kept_values(Table):
    """The values that features `by ... keep` are spread over as of a date, with how many customers have each."""

    schema = "features"
    grain = ("as_of_date", "feature", "value")
    may_be_empty = True
    as_of_date = column(Type.DATE, "Last whole day of the windows")
    feature = column(Type.STRING, "Name of the feature, with {value}")
    value = column(Type.STRING, "Value", personal=Personal.BEHAVIOUR)
    place = column(Type.BIGINT, "1 for the value with most customers", Between(1, None))


class units(Table):
    """Units of the customers of the base as of a date, of every unit's window: a trip, a learning subject."""

    schema = "features"
    grain = ("as_of_date", "unit", "customer_id", "unit_id")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = column(Type.DATE, "Last whole day of the windows")
    customer_id = _customer_id()
    unit = column(Type.STRING, "What is told apart: trip, subject")
    unit_id = column(Type.STRING, "Which one, as events name it", personal=Personal.BEHAVIOUR)
    from_date = column(Type.DATE, "First day with an event of the unit in its window", personal=Personal.BEHAVIOUR)
    to_date = column(Type.DATE, "Last day with an event of the unit in its window", personal=Personal.BEHAVIOUR)


class snapshot(Table):
    """Every feature of every customer of the base as of a date."""

    schema = "features"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    as_of_date = column(Type.DATE, "Last whole day of the windows")
    customer_id = _customer_id()
