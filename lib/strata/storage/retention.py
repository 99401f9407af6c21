"""How long Delta keeps old versions: what `retention_days` of the project says, also when it changes later.

strata itself never vacuums. Tables carry the time as properties: VACUUM takes it from there, also when it is asked
for less (and refuses none at all), and time travel reaches back as far.
"""

from collections.abc import Iterable

from strata.contract.columns import Table
from strata.contract.operations import leases
from strata.storage.statements import retention_properties
from strata.storage.tables import Lakehouse


def keep_versions(lakehouse: Lakehouse, tables: Iterable[type[Table]]) -> int:
    """Bring tables that exist to the project's `retention_days`; returns how many were changed.

    The table of leases comes last: when it has the time, all have it, and nothing else is looked at.

    Args:
        lakehouse: the project's tables; the lease is held.
        tables: those whose old versions somebody may want.
    """
    wanted = retention_properties(lakehouse.retention_days)
    if lakehouse.properties(leases).items() >= wanted.items():
        return 0
    listed = [t for t in tables if t is not leases and lakehouse.exists(t)]
    for table in (*listed, leases):
        lakehouse.set_properties(table, wanted)
    return len(listed) + 1
