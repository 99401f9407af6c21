"""Bronze and restricted: what was delivered, as it was delivered, under its own grants.

The columns of `bronze.<source>` are the source's own, followed by those of `delivery`.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract.columns import HEX_32, Between, Personal, Table, Type, column

HEX_64 = "^[0-9a-f]{64}$"


class files(Table):
    """A file, table or query result as a batch took it; what a path holds is taken again when it has changed."""

    schema = "bronze"
    grain = ("source", "file_hash", "batch_id")
    source = column(Type.STRING, "Name of the source")
    file_path = column(Type.STRING, "Where it lay when it was read")
    bytes = column(Type.BIGINT, "Size", Between(0, None), unit="bytes")
    file_hash = column(Type.STRING, "SHA-256 of the content; for tables and queries, of the rows")
    row_count = column(Type.BIGINT, "Records in the file", Between(0, None))
    record_count = column(Type.BIGINT, "Records after unpivoting; equal to row_count without", Between(0, None))
    accepted_count = column(Type.BIGINT, "Records taken into silver or already there", Between(0, None))
    unchanged_count = column(Type.BIGINT, "Of the accepted, those that silver already had", Between(0, None))
    rejected_count = column(Type.BIGINT, "Records in quarantine", Between(0, None))
    complete_through = column(Type.DATE, "Last whole day the source vouches for; NULL: sets no limit", nullable=True)
    event_days = column(
        Type.STRINGS,
        "Days of the good events of the source in that batch, as ranges first..last; NULL: not known",
        nullable=True,
    )
    batch_id = column(Type.BIGINT, "Batch that read it", Between(1, None))
    ingested_at = column(Type.INSTANT, "End of that batch")
    looked_up = column(
        Type.STRINGS,
        "Files that were looked up in when it was read: name of the lookup, SHA-256; NULL: none",
        nullable=True,
    )


class delivery(Table):
    """The columns that every bronze.<source> carries after the source's own."""

    schema = "bronze"
    grain = ("file_hash", "row_number", "batch_id")
    file_path = column(Type.STRING, "File as delivered")
    file_hash = column(Type.STRING, "SHA-256 of the content")
    row_number = column(Type.BIGINT, "Record in the file, from 1; a CSV header is not counted", Between(1, None))
    batch_id = column(Type.BIGINT, "Batch that read it", Between(1, None))


class rejected_rows(Table):
    """A delivered row that silver did not take, as it came."""

    schema = "restricted"
    grain = ("source", "file_hash", "row_number", "batch_id")
    may_be_empty = True
    source = column(Type.STRING, "Name of the source")
    file_hash = column(Type.STRING, "SHA-256 of the file")
    row_number = column(Type.BIGINT, "Record in the file", Between(1, None))
    raw_row = column(Type.STRING, "The row as JSON, or the line that could not be read", personal=Personal.RAW)
    batch_id = column(Type.BIGINT, "Batch that read it", Between(1, None))


class identity_vault(Table):
    """Which raw identifier a pseudonym stands for; needed to answer a person and to export."""

    schema = "restricted"
    grain = ("customer_id", "source_id")
    customer_id = column(Type.STRING, "Pseudonym", HEX_32, personal=Personal.PSEUDONYM)
    source_id = column(Type.STRING, "Normalised source id", personal=Personal.RAW)
    key_id = column(Type.STRING, "Id of the key the pseudonym was made with")
    batch_id = column(Type.BIGINT, "Batch that first saw it", Between(1, None))
