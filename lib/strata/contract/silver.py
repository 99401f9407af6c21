"""Silver: delivered facts in one shape, whatever source they came from.

Corrections are new rows: valid is the highest `revision` with `ingested_at` up to known_at, unless it is deleted.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from collections.abc import Mapping
from datetime import date, timedelta

from strata.contract.columns import HEX_32, Between, Column, OneOf, Personal, Table, Type, column

EVENT_KEY = "event_id"

FIRST_EVENT_DAY = date(1990, 1, 1)
"""An event before this day is an error of its source: a clock that was not set, a blank date."""

EVENT_LIMITS: Mapping[Type, Between] = {
    Type.MONEY: Between(-1e12, 1e12),
    Type.BIGINT: Between(-1e12, 1e12),
    Type.DOUBLE: Between(-1e9, 1e9),
}
"""What a number of one event may be, in the columns that a source fills: core and extra.

Features add minor units (MONEY) and millionths (DOUBLE) in 64 bits: within these limits it takes thousands of events
at the very limit to leave them.
"""


def _customer_id() -> Column:
    return column(
        Type.STRING,
        "Pseudonym: first 128 bits of HMAC-SHA256 over the normalised source id",
        HEX_32,
        personal=Personal.PSEUDONYM,
    )


def _number(kind: Type, description: str, unit: str = "") -> Column:
    """A number of an event."""
    return column(kind, description, EVENT_LIMITS[kind], nullable=True, unit=unit, personal=Personal.BEHAVIOUR)


def _revision() -> Column:
    return column(Type.BIGINT, "1 for the first delivery of a key, one more for each correction", Between(1, None))


def _is_deleted() -> Column:
    return column(Type.BOOLEAN, "True when this revision withdraws the row")


def _source() -> Column:
    return column(Type.STRING, "Name of the source that delivered the row")


def _ingested_at() -> Column:
    return column(Type.INSTANT, "End of the batch that brought the row; compared with known_at")


def _batch_id() -> Column:
    return column(Type.BIGINT, "Batch that brought the row", Between(1, None))


class customers(Table):
    """A version of what is known of a customer; as of a date the latest `valid_from` up to it counts."""

    schema = "silver"
    grain = ("customer_id", "source", "valid_from", "revision")
    customer_id = _customer_id()
    valid_from = column(Type.DATE, "First day on which this version holds; undated profiles: start of the project")
    known_from = column(
        Type.DATE, "First day on which the customer is known by this profile; NULL does not make known", nullable=True
    )
    status = column(
        Type.STRING, "Where the customer stands", OneOf(("prospect", "active", "suspended", "former")), nullable=True
    )
    sex = column(Type.STRING, "Sex as delivered", nullable=True, personal=Personal.ATTRIBUTE)
    birth_date = column(Type.DATE, "Date of birth", nullable=True, personal=Personal.ATTRIBUTE)
    age_band = column(Type.STRING, "Age band as delivered", nullable=True, personal=Personal.ATTRIBUTE)
    household_size = column(
        Type.BIGINT,
        "People in the household; the top band counts as its lower end",
        Between(1, None),
        nullable=True,
        personal=Personal.ATTRIBUTE,
    )
    children_count = column(
        Type.BIGINT,
        "Children in the household; the top band counts as its lower end",
        Between(0, None),
        nullable=True,
        personal=Personal.ATTRIBUTE,
    )
    household_type = column(Type.STRING, "Composition of the household", nullable=True, personal=Personal.ATTRIBUTE)
    marital_status = column(Type.STRING, "Marital status", nullable=True, personal=Personal.ATTRIBUTE)
    income_band = column(Type.STRING, "Income band as delivered", nullable=True, personal=Personal.ATTRIBUTE)
    home_ownership = column(Type.STRING, "Owner or renter", nullable=True, personal=Personal.ATTRIBUTE)
    home_place_id = column(Type.STRING, "Place of residence", nullable=True, personal=Personal.ATTRIBUTE)
    tariff = column(Type.STRING, "Tariff or plan", nullable=True, personal=Personal.ATTRIBUTE)
    device_model = column(Type.STRING, "Model of the main device", nullable=True, personal=Personal.ATTRIBUTE)
    device_class = column(Type.STRING, "Class of the main device", nullable=True, personal=Personal.ATTRIBUTE)
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class events(Table):
    """A dated act of a customer; a purchase line, a call, a lesson."""

    schema = "silver"
    grain = ("event_id", "revision")
    event_id = column(Type.STRING, "Keyed hash of source and key columns", HEX_32, personal=Personal.PSEUDONYM)
    revision = _revision()
    is_deleted = _is_deleted()
    customer_id = _customer_id()
    occurred_at = column(Type.INSTANT, "Moment of the act (UTC instant)", personal=Personal.BEHAVIOUR)
    event_date = column(Type.DATE, "Day of the act in the project's time zone", personal=Personal.BEHAVIOUR)
    previous_date = column(
        Type.DATE, "Day of the revision before this one, where it was another", nullable=True,
        personal=Personal.BEHAVIOUR,
    )  # fmt: skip
    event_type = column(Type.STRING, "Kind of act, e.g. purchase")
    product_id = column(Type.STRING, "Product, see products", nullable=True, personal=Personal.BEHAVIOUR)
    place_id = column(Type.STRING, "Place, see places", nullable=True, personal=Personal.BEHAVIOUR)
    channel = column(Type.STRING, "Channel of the act", nullable=True, personal=Personal.BEHAVIOUR)
    device_class = column(Type.STRING, "Class of the device used", nullable=True, personal=Personal.BEHAVIOUR)
    campaign_id = column(Type.STRING, "Campaign answered", nullable=True, personal=Personal.BEHAVIOUR)
    basket_id = column(Type.STRING, "Basket, session or trip", nullable=True, personal=Personal.BEHAVIOUR)
    quantity = _number(Type.BIGINT, "Units", "units")
    amount = _number(Type.MONEY, "Paid to the seller", "currency")
    list_amount = _number(Type.MONEY, "At list price", "currency")
    discount_amount = _number(Type.MONEY, "All discounts", "currency")
    currency = column(Type.STRING, "ISO 4217 code; always the project's", nullable=True)
    duration_s = _number(Type.BIGINT, "Duration", "seconds")
    volume_mb = _number(Type.DOUBLE, "Data volume", "MB")
    country = column(Type.STRING, "Country of the act", nullable=True, personal=Personal.BEHAVIOUR)
    value_text = column(Type.STRING, "Answer or other text", nullable=True, personal=Personal.BEHAVIOUR)
    value_number = _number(Type.DOUBLE, "Rating or other number")
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class products(Table):
    """What is sold, with its place in the assortment."""

    schema = "silver"
    grain = ("product_id", "source", "revision")
    product_id = column(Type.STRING, "Product")
    name = column(Type.STRING, "Name", nullable=True)
    category = column(Type.STRING, "Category", nullable=True)
    subcategory = column(Type.STRING, "Subcategory", nullable=True)
    department = column(Type.STRING, "Department above the category", nullable=True)
    brand = column(Type.STRING, "Brand or manufacturer", nullable=True)
    brand_type = column(Type.STRING, "Whose brand", OneOf(("own", "national")), nullable=True)
    genre = column(Type.STRING, "Genre of content", nullable=True)
    format = column(Type.STRING, "Format or package", nullable=True)
    level = column(Type.STRING, "Level of a lesson or tier", nullable=True)
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class places(Table):
    """A shop, a home area, a destination, with its geography."""

    schema = "silver"
    grain = ("place_id", "source", "revision")
    place_id = column(Type.STRING, "Place")
    name = column(Type.STRING, "Name", nullable=True)
    kind = column(Type.STRING, "Kind of place, e.g. store", nullable=True)
    micro_district = column(Type.STRING, "Micro-district", nullable=True)
    district = column(Type.STRING, "District", nullable=True)
    city = column(Type.STRING, "City", nullable=True)
    region = column(Type.STRING, "Region", nullable=True)
    country = column(Type.STRING, "Country", nullable=True)
    latitude = column(Type.DOUBLE, "Latitude", Between(-90, 90), nullable=True, unit="degrees")
    longitude = column(Type.DOUBLE, "Longitude", Between(-180, 180), nullable=True, unit="degrees")
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class campaigns(Table):
    """A marketing campaign and its days."""

    schema = "silver"
    grain = ("campaign_id", "source", "revision")
    campaign_id = column(Type.STRING, "Campaign")
    name = column(Type.STRING, "Name", nullable=True)
    kind = column(Type.STRING, "Kind of campaign", nullable=True)
    starts_on = column(Type.DATE, "First day", nullable=True)
    ends_on = column(Type.DATE, "Last day", nullable=True)
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class communications(Table):
    """A customer targeted by a campaign; controls are rows too."""

    schema = "silver"
    grain = ("customer_id", "campaign_id", "source", "revision")
    customer_id = _customer_id()
    campaign_id = column(Type.STRING, "Campaign")
    channel = column(Type.STRING, "Channel of the message", nullable=True)
    sent_on = column(Type.DATE, "Day it was sent; NULL when the source does not say", nullable=True)
    is_control = column(Type.BOOLEAN, "True for a customer held out on purpose")
    cost = column(Type.MONEY, "Cost of the message", nullable=True, unit="currency")
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class consents(Table):
    """What a customer allowed or objected to; missing consent is no, missing objection is none."""

    schema = "silver"
    grain = ("customer_id", "purpose", "basis", "valid_from", "source", "revision")
    customer_id = _customer_id()
    purpose = column(Type.STRING, "Purpose, see privacy.yml")
    basis = column(Type.STRING, "What the row says", OneOf(("consent", "objection")))
    granted = column(Type.BOOLEAN, "True: consent given, or objection raised")
    valid_from = column(Type.DATE, "First day on which it holds")
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class lists(Table):
    """Named lists of customers: suppression, VIP, uploaded audiences."""

    schema = "silver"
    grain = ("list", "customer_id", "source", "revision")
    list = column(Type.STRING, "Name of the list")
    customer_id = _customer_id()
    revision = _revision()
    is_deleted = _is_deleted()
    source = _source()
    ingested_at = _ingested_at()
    batch_id = _batch_id()


class quarantine(Table):
    """Why a delivered row was not taken; the row itself stays in restricted.rejected_rows."""

    schema = "silver"
    grain = ("source", "file_hash", "row_number", "record", "batch_id")
    may_be_empty = True
    source = _source()
    file_path = column(Type.STRING, "File as delivered")
    file_hash = column(Type.STRING, "SHA-256 of the file")
    row_number = column(Type.BIGINT, "Record in the file, from 1; a CSV header is not counted", Between(1, None))
    record = column(Type.STRING, "Name of the unpivoted column, or row")
    reasons = column(Type.STRINGS, "Every reason that applies")
    batch_id = _batch_id()
    ingested_at = _ingested_at()


FED_TABLES: dict[str, type[Table]] = {
    t.__name__: t for t in (customers, events, products, places, campaigns, communications, consents, lists)
}
MANAGED = ("revision", "is_deleted", "source", "ingested_at", "batch_id")
"""Columns that every silver table has, filled by the engine."""
BATCHES_APART = timedelta(milliseconds=2)
"""The least time from the end of one batch to that of the next.

Delta keeps statistics of moments to the millisecond, rounded up: by two of them the files of a batch are told apart.
"""
CLOSED = "former"
"""The status of a customer who is no longer in the base."""
PREVIOUS_DATE = "previous_date"
"""A column of events that the engine fills: so it is known which days a correction has changed."""
