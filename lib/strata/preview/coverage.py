"""Of how many customers of the base is known what features look at, as one query over the stored silver tables. Pure.

A query: what may be NULL is asked once per customer, whatever the number of features. Everything that has been ingested
counts, whatever its day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strata.contract.silver import CLOSED, communications, consents, customers, events, places, products
from strata.project.fed import ALWAYS_FILLED, Read, Reads
from strata.segments.literals import quoted, text

DATED = {t.__name__: t for t in (events, communications, consents)}
"""Tables of which it is counted who has a row."""
JOINED = {products.__name__: str(products.product_id), places.__name__: str(places.place_id)}
"""Tables whose columns rows come by, and what they are joined on."""
_BASE = "everybody"


@dataclass(frozen=True, slots=True)
class Stored:
    """A table as a query in parentheses, and the columns it has."""

    relation: str
    columns: frozenset[str]


def coverage_query(kinds: Sequence[Reads], stored: Mapping[str, Stored]) -> str:
    """A query for one row: `customers` in the base, and `k0`, `k1`, ... of whom `kinds` are known.

    Args:
        kinds: what features look at.
        stored: the silver tables that there are, by name; at least customers or events.
    """
    asked = {table: [n for n, kind in enumerate(kinds) if kind.table == table] for table in _tables(kinds)}
    parts = {table: _per_customer(table, which, kinds, stored) for table, which in asked.items() if table in stored}
    known = [f"count(*) FILTER ({_has(n, kind, stored)}) AS k{n}" for n, kind in enumerate(kinds)]
    joins = "".join(f" LEFT JOIN {table} USING (customer_id)" for table in parts)
    named = ", ".join(f"{table} AS ({query})" for table, query in parts.items())
    who = _base(stored.keys() & parts.keys())
    return f"WITH {named}, {_BASE} AS ({who}) SELECT {', '.join(['count(*) AS customers', *known])} FROM {_BASE}{joins}"


def _tables(kinds: Iterable[Reads]) -> list[str]:
    return sorted({customers.__name__, events.__name__, *(kind.table for kind in kinds)})


def _has(number: int, kind: Reads, stored: Mapping[str, Stored]) -> str:
    return f"{kind.table}.k{number}" if kind.table in stored else "false"


def _base(there: Iterable[str]) -> str:
    """customer_id of the base: seen in an event or known by a profile, and not closed."""
    by_event = f"SELECT customer_id FROM {events.__name__}"
    if customers.__name__ not in there:
        return by_event
    by_profile = f"SELECT customer_id FROM {customers.__name__} WHERE is_known"
    closed = f"SELECT customer_id FROM {customers.__name__} WHERE is_closed"
    either = f"{by_event} UNION {by_profile}" if events.__name__ in there else by_profile
    return f"SELECT customer_id FROM ({either}) WHERE customer_id NOT IN ({closed})"


def _per_customer(table: str, which: Sequence[int], kinds: Sequence[Reads], stored: Mapping[str, Stored]) -> str:
    """A row per customer: whether each kind is known of it."""
    reads = {read for n in which for read in kinds[n].columns}
    known = [f"bool_or({_is_known(kinds[n], stored)}) AS k{n}" for n in which]
    if table == customers.__name__:
        status = "max_by(status, {'since': valid_from, 'source': source}) FILTER (status IS NOT NULL)"
        known += [
            "bool_or(known_from IS NOT NULL) AS is_known",
            f"coalesce({status} = {text(CLOSED)}, false) AS is_closed",
        ]
        rows = _latest_versions(stored[table].relation)
    else:
        rows = _valid(stored[table].relation, [str(c) for c in DATED[table].grain if c != "revision"])
    joined = "".join(_joined(other, reads, stored) for other in sorted({t for t, _ in reads} & JOINED.keys()))
    return f"SELECT {', '.join(['customer_id', *known])} FROM ({rows}) AS own{joined} GROUP BY customer_id"


def _is_known(kind: Reads, stored: Mapping[str, Stored]) -> str:
    """Whether a row is of the kind, with all that is read of it filled."""
    conditions = [_is_filled(read, kind.table, stored) for read in sorted(kind.columns) if read[1] not in ALWAYS_FILLED]
    if kind.event_types:
        conditions.insert(0, f"event_type IN ({', '.join(map(text, sorted(kind.event_types)))})")
    return " AND ".join(conditions) or "true"


def _is_filled(read: Read, own: str, stored: Mapping[str, Stored]) -> str:
    table, column = read
    if table not in stored or column not in stored[table].columns:
        return "false"
    return f"own.{quoted(column)} IS NOT NULL" if table == own else f"coalesce({table}.{quoted(column)}, false)"


def _joined(table: str, reads: Iterable[Read], stored: Mapping[str, Stored]) -> str:
    """What is filled of each product or place, from any of its sources."""
    columns = sorted(c for t, c in reads if t == table and table in stored and c in stored[table].columns)
    if not columns:
        return ""
    key = JOINED[table]
    filled = ", ".join(f"bool_or({quoted(c)} IS NOT NULL) AS {quoted(c)}" for c in columns)
    rows = _valid(stored[table].relation, [key, "source"])
    on = "home_place_id" if ("customers", "home_place_id") in set(reads) else key
    return f" LEFT JOIN (SELECT {key}, {filled} FROM ({rows}) GROUP BY {key}) AS {table} ON own.{on} = {table}.{key}"


def _valid(relation: str, key: Sequence[str]) -> str:
    """The rows that no later revision corrects or deletes; corrected keys are few, so they are looked up."""
    listed = ", ".join(map(quoted, key))
    latest = f"SELECT {listed}, max(revision) AS latest FROM {relation} WHERE revision > 1 GROUP BY ALL"
    joined = f"{relation} LEFT JOIN ({latest}) USING ({listed})"
    return f"SELECT * FROM {joined} WHERE NOT is_deleted AND revision = coalesce(latest, revision)"


def _latest_versions(relation: str) -> str:
    """Of each customer and source the latest version."""
    valid = _valid(relation, ["customer_id", "source", "valid_from"])
    return f"{valid} QUALIFY valid_from = max(valid_from) OVER (PARTITION BY customer_id, source)"
