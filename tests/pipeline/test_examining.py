"""A small table is examined as a large one is: held by the driver it has the same verdicts, measures and hash."""

from types import SimpleNamespace

import pytest
from tests.quality.rows import FEATURES, MEMBERSHIP, SUBJECT, features, frame_of, memberships, plain

from strata.contract.lists import audience_catalog, audience_fairness
from strata.contract.published import GATED_TABLES
from strata.pipeline import gate
from strata.quality.gate import Gate
from strata.storage.promotion import staging

TABLES = {"wide": FEATURES, "long": MEMBERSHIP, "with lists": audience_catalog, "without rows": audience_fairness}


def rows_of(table):
    made = {FEATURES: features, MEMBERSHIP: memberships}.get(table)
    return [] if table is audience_fairness else made() if made else plain(table)


@pytest.mark.parametrize("name", TABLES)
def test_held_by_the_driver_a_table_is_what_it_is_where_it_lies(spark, lakehouse, monkeypatch, name):
    table, found = TABLES[name], {}
    spoilt = frame_of(spark, table, [*rows_of(table), *rows_of(table)[:1]])
    lakehouse.rebuild(staging(table), spoilt)
    run = SimpleNamespace(lakehouse=lakehouse, project=SimpleNamespace(checks=()))
    for held in (gate.HELD, -1):
        monkeypatch.setattr(gate, "HELD", held)
        found[held] = gate._examine(run, Gate(), SUBJECT, table, lakehouse.newest(staging(table)))
    small, large = found.values()
    assert small == large
    assert small.row_count == spoilt.count()
    assert [v.check for v in small.verdicts if not v.success] or table is audience_fairness


def test_the_tables_that_are_tried_have_the_types_that_there_are():
    tried = {c.type for table in TABLES.values() for c in table.columns}
    assert tried >= {c.type for table in GATED_TABLES for c in table.columns}
