"""Columns that most published tables share."""

from strata.contract.columns import HEX_32, Column, Personal, Type, column


def release_id() -> Column:
    """Which release a row belongs to."""
    return column(Type.STRING, "Release the row belongs to", HEX_32)


def as_of_date() -> Column:
    """The date a row is about."""
    return column(Type.DATE, "Last whole day the row is about")


def customer_id() -> Column:
    """Who a row is about."""
    return column(Type.STRING, "Pseudonym of the customer", HEX_32, personal=Personal.PSEUDONYM)


def segmentation() -> Column:
    """Which definition a row is about."""
    return column(Type.STRING, "Id of the segmentation")
