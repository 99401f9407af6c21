"""Who may be grouped, and who may be addressed for a purpose, as DuckDB SQL: the twin of `audiences.consent`. Pure."""

from collections.abc import Sequence
from datetime import date

from strata.project.policies import Purpose
from strata.segments.duckdb import permission_column
from strata.segments.literals import quoted, text

PROFILING = "profiling"
"""An objection to this purpose keeps a customer out of every segment and every audience."""
TO_PROFILING = Purpose(PROFILING, "legitimate_interest", "Grouping by what is known")
_KEY = "customer_id, purpose, basis, valid_from, source"


def permitted(customers: str, consents: str | None, purposes: Sequence[Purpose], on: date) -> str:
    """The customers who do not object to profiling, with a `permission_column` per purpose: a query in parentheses.

    Args:
        customers: a relation with customer_id, in parentheses.
        consents: silver.consents with all revisions, in parentheses; None: no source delivers any.
        purposes: those that definitions name.
        on: the day as of which consent and objections count.
    """
    columns = {permission_column(p.name): p for p in purposes}
    if consents is None:
        fixed = "".join(f", {str(p.basis != 'consent').lower()} AS {quoted(c)}" for c, p in columns.items())
        return f"(SELECT *{fixed} FROM {customers})"
    says = "".join(f", {_may(p)} AS {quoted(c)}" for c, p in columns.items())
    said = f"SELECT customer_id, {_may(TO_PROFILING)} AS may_profile{says} FROM ({_latest(consents, on)}) GROUP BY ALL"
    shown = "".join(
        f", coalesce(said.{quoted(c)}, {str(p.basis != 'consent').lower()}) AS {quoted(c)}" for c, p in columns.items()
    )
    joined = f"{customers} AS everybody LEFT JOIN ({said}) AS said USING (customer_id)"
    return f"(SELECT everybody.*{shown} FROM {joined} WHERE coalesce(may_profile, true))"


def _latest(consents: str, on: date) -> str:
    """What holds on a day: customer_id, purpose, basis, refuses; of rows of one day the more restrictive."""
    newest = f"QUALIFY revision = max(revision) OVER (PARTITION BY {_KEY})"
    valid = f"SELECT * FROM (SELECT * FROM {consents} {newest}) WHERE NOT is_deleted AND valid_from <= DATE '{on}'"
    refuses = "CASE WHEN basis = 'objection' THEN granted ELSE NOT granted END"
    last = f"max({{'since': valid_from, 'refuses': {refuses}}}).refuses AS refuses"
    return f"SELECT customer_id, purpose, basis, {last} FROM ({valid}) GROUP BY customer_id, purpose, basis"


def _may(purpose: Purpose) -> str:
    named = f"purpose IN ({text(purpose.name)}, {text(PROFILING)})"
    unopposed = f"NOT coalesce(bool_or(basis = 'objection' AND {named} AND refuses), false)"
    if purpose.basis == "legitimate_interest":
        return unopposed
    granting = f"basis = 'consent' AND purpose = {text(purpose.name)} AND NOT refuses"
    return f"({unopposed} AND coalesce(bool_or({granting}), false))"
