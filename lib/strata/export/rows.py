"""Which members, or which differences, leave: the queries. Pure.

Membership was made with what customers had said by the release. What they say now decides: who may not be addressed
any more is in no file of members, and in a file of differences is removed. Who is held out was never given away, and
so is neither added nor removed; who is held out only now is removed.
"""

from datetime import date

from strata.preview.permissions import permitted
from strata.project.policies import Purpose
from strata.segments.duckdb import permission_column
from strata.segments.literals import quoted, text

HELD_OUT = "held out for comparison"
NOT_ELIGIBLE = "not eligible any more"
EXPIRED = "expired since"
NO_SOURCE_ID = "without a source id in restricted.identity_vault"
ON_TOP = "that members.audience_changes does not have: not eligible any more, expired, or held out otherwise"
_MEMBER = ("audience_rank", "score", "entered_on", "expires_on")
COLUMNS = {"members": _MEMBER, "changes": ("change",)}


def members_query(members: str, consents: str | None, purpose: Purpose, on: date) -> str:
    """A row per member: customer_id, the columns of `COLUMNS`, and `left_out`: why it stays here (NULL: it leaves).

    Args:
        members: of one audience, as released, in parentheses.
        consents: silver.consents with all revisions, in parentheses; None: no source delivers any.
        purpose: of the audience.
        on: the day as of which consent, objections and the end of memberships count.
    """
    may = f"(SELECT customer_id FROM {permitted(members, consents, [purpose], on)}"
    may += f" WHERE {quoted(permission_column(purpose.name))})"
    why = (
        f"CASE WHEN holdout THEN {text(HELD_OUT)}"
        f" WHEN customer_id NOT IN {may} THEN {text(NOT_ELIGIBLE)}"
        f" WHEN expires_on < DATE '{on}' THEN {text(EXPIRED)} END"
    )
    return f"(SELECT customer_id, {', '.join(_MEMBER)}, {why} AS left_out FROM {members})"


def changes_query(changes: str, members: str, held_out_before: str) -> str:
    """A row per difference: customer_id, change, note (NULL, or `ON_TOP`), left_out.

    Args:
        changes: of one audience, as released, in parentheses.
        members: made by `members_query`.
        held_out_before: customer_id of those whom the release before held out, in parentheses; nobody where that is
            not known: to remove somebody who is not there does no harm.
    """
    added = f"(SELECT customer_id FROM {changes} WHERE change = 'added')"
    never_given = f"CASE WHEN customer_id IN {held_out_before} THEN {text(HELD_OUT)} END"
    is_out = f"left_out IS NOT NULL AND customer_id NOT IN {held_out_before}"
    is_new = f"left_out IS NULL AND customer_id IN {held_out_before}"
    return (
        f"(SELECT customer_id, change, NULL AS note, {never_given} AS left_out FROM {changes} WHERE change = 'removed'"
        f" UNION ALL SELECT customer_id, 'added', NULL, left_out FROM {members} WHERE customer_id IN {added}"
        f" UNION ALL SELECT customer_id, CASE WHEN left_out IS NULL THEN 'added' ELSE 'removed' END, {text(ON_TOP)},"
        f" NULL FROM {members} WHERE customer_id NOT IN {added} AND ({is_out} OR {is_new}))"
    )


def outgoing_query(rows: str, vault: str | None) -> str:
    """`rows` with the column source_id; without a vault it is NULL, and with one who lacks there is left out.

    Args:
        rows: made by `members_query` or `changes_query`.
        vault: restricted.identity_vault, in parentheses; None: ids stay pseudonyms.
    """
    if vault is None:
        return f"SELECT *, NULL::VARCHAR AS source_id FROM {rows}"
    known = f"(SELECT customer_id, min(source_id) AS source_id FROM {vault} GROUP BY customer_id)"
    lacking = f"CASE WHEN source_id IS NULL THEN {text(NO_SOURCE_ID)} END"
    replaced = f"* REPLACE (coalesce(left_out, {lacking}) AS left_out)"
    return f"SELECT {replaced} FROM {rows} AS leaving LEFT JOIN {known} AS vault USING (customer_id)"


def file_query(table: str, kind: str, id_column: str, audience: str, as_of: date) -> str:
    """What stands in the file, in its order: the best first, differences by id.

    Args:
        table: holds the answer to `outgoing_query`.
        kind: a key of `COLUMNS`.
        id_column: customer_id or source_id.
        audience: its name.
        as_of: the as-of date.
    """
    columns = ", ".join(COLUMNS[kind])
    order = "audience_rank, customer_id" if kind == "members" else "change, customer_id"
    head = f"{id_column}, DATE '{as_of}' AS as_of_date, {text(audience)} AS audience"
    return f"SELECT {head}, {columns} FROM {table} WHERE left_out IS NULL ORDER BY {order}"
