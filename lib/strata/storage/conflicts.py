"""A commit that lost against another one's: exit code 5, wherever it happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)

from strata.errors import WriteConflict

CONFLICTS = (
    DeltaConcurrentModificationException, ConcurrentAppendException, ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException, ConcurrentTransactionException, ConcurrentWriteException, MetadataChangedException,
    ProtocolChangedException,
)  # fmt: skip
"""All that Delta raises: in Python they are not, as in Scala, subclasses of the first."""


@contextmanager
def as_conflicts() -> Iterator[None]:
    """What Delta calls a conflict becomes a WriteConflict.

    Raises:
        WriteConflict: another writer has committed to a table meanwhile.
    """
    try:
        yield
    except CONFLICTS as lost:
        said = (str(lost).splitlines() or [""])[0]
        raise WriteConflict(
            f"another writer committed to a table of this project meanwhile: {said}; run again"
        ) from lost
