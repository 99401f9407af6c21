"""Every conflict that Delta knows ends a command with exit code 5, and is in the log as such."""

import delta.exceptions
import pytest
from pyspark.errors import PySparkException

from strata.errors import WriteConflict
from strata.storage.conflicts import CONFLICTS, as_conflicts

KNOWN = [getattr(delta.exceptions, name) for name in delta.exceptions.__all__]


def test_all_that_delta_raises_is_known():
    assert set(CONFLICTS) == set(KNOWN)


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
def test_a_conflict_of_delta_is_a_write_conflict(kind):
    with pytest.raises(WriteConflict, match="meanwhile: files were added; run again"), as_conflicts():
        raise kind("files were added\nand more")


def test_anything_else_is_left_as_it_is():
    with pytest.raises(PySparkException, match="no conflict"), as_conflicts():
        raise PySparkException("no conflict")
