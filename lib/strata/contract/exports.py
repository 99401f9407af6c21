"""Who was given which customers: the book of what left for CRM."""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.columns import COUNT, OneOf, Table, Type, column


class audience_exports(Table):
    """A file of an audience that was made for a recipient; the row is written before the file can be seen."""

    schema = "restricted"
    grain = ("exported_at", "audience", "recipient", "file_name", "content_hash")
    may_be_empty = True
    exported_at = column(Type.INSTANT, "Moment of the export")
    exported_by = column(Type.STRING, "User of the operating system who asked for it")
    audience = column(Type.STRING, "Id of the audience")
    recipient = column(Type.STRING, "Recipient of privacy.yml it was made for")
    as_of_date = keys.as_of_date()
    release_id = keys.release_id()
    export_kind = column(Type.STRING, "All members, or the differences", OneOf(("members", "changes")))
    id_kind = column(Type.STRING, "Which ids it holds", OneOf(("pseudonym", "source")))
    row_count = column(Type.BIGINT, "Rows of the file, without a header", COUNT)
    file_name = column(Type.STRING, "Name of the file, without its folder")
    content_hash = column(Type.STRING, "SHA-256 of the file")
