"""Audiences as a difference: who joined and who left since the release before, and why."""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.columns import OneOf, Personal, Table, Type, column


class audience_changes(Table):
    """Who joined and who left an audience since the release looked back at.

    Applied to the membership of that release they give the membership of this one, exactly. A withheld audience, whose
    last members stay, loses only who may no longer be in it. The reason of somebody who may not be addressed is
    "not eligible" and no more; restricted.audience_refusals says what lies behind it.
    """

    schema = "members"
    grain = ("as_of_date", "audience", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    customer_id = keys.customer_id()
    change = column(Type.STRING, "What happened", OneOf(("added", "removed")))
    reason = column(Type.STRING, "Why, the first that holds", personal=Personal.BEHAVIOUR)
    release_id = keys.release_id()


class audience_refusals(Table):
    """What lies behind "not eligible" in audience_changes: members of the release before who may not be addressed."""

    schema = "restricted"
    grain = ("as_of_date", "audience", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    customer_id = keys.customer_id()
    reason = column(
        Type.STRING,
        "What the customer has said, or not said, of the audience's purpose",
        OneOf(("objection to profiling", "objection", "consent withdrawn", "no consent")),
        personal=Personal.BEHAVIOUR,
    )
    release_id = keys.release_id()
