"""What audiences ask of customers beside their features: lists, messages sent, who was a member before."""

from datetime import datetime, timedelta

from strata.contract.lists import audience_membership
from strata.contract.silver import communications
from strata.errors import InputError
from strata.preview.audiences import Around
from strata.preview.listed import Listed, read_list
from strata.preview.released import has_table
from strata.preview.state import State
from strata.project.audiences import Audience, Pressure
from strata.publish.release import previous_release, release_of_day
from strata.segments.literals import text
from strata.storage.local import Row

_KEY = "customer_id, campaign_id, source"


def around(state: State, audience: Audience, listed: Listed | None) -> Around:
    """The conditions of one audience; `listed`: its list, of kind list."""
    return Around(
        listed=f"customer_id IN {listed.customers}" if listed else None,
        released=f"customer_id IN {members}" if (members := members_of(state, audience.name, "customer_id")) else None,
        written_to=_written_to(state, audience.pressure) if audience.pressure else None,
        lapsed=_lapsed(state, audience),
    )


def list_of(state: State, audience: Audience) -> Listed | None:
    """The list of an audience; None for another kind.

    Raises:
        InputError: it cannot be read.
    """
    if audience.list_file is None:
        return None
    project = state.project
    return read_list(state.tables, project.folder, audience, audience.list_file, project.sources)


def members_of(state: State, audience: str, columns: str) -> str | None:
    """Columns of the members of the release of the date, in parentheses; None: it has no such audience."""
    if audience not in state.audiences:
        return None
    return _members(state, audience, columns, release_of_day(state.history, state.as_of))


def has_messages(state: State) -> bool:
    """Whether it is known who was written to."""
    return state.tables.exists(communications)


def _members(state: State, audience: str, columns: str, release: list[Row]) -> str:
    rows = state.released(audience_membership, release)
    return f"(SELECT {columns} FROM {rows} WHERE audience = {text(audience)})"


def _written_to(state: State, pressure: Pressure) -> str | None:
    """Controls were not written to, and of what has no day nobody knows when."""
    if not has_messages(state):
        return None
    rows = state.tables.relation(communications)
    newest = f"SELECT * FROM {rows} QUALIFY revision = max(revision) OVER (PARTITION BY {_KEY})"
    first = state.as_of - timedelta(days=pressure.days - 1)
    sent = f"NOT is_deleted AND NOT is_control AND sent_on BETWEEN DATE '{first}' AND DATE '{state.as_of}'"
    often = f"GROUP BY customer_id HAVING count(*) >= {pressure.at_most}"
    return f"customer_id IN (SELECT customer_id FROM ({newest}) WHERE {sent} {often})"


def _lapsed(state: State, audience: Audience) -> str | None:
    """Whose membership, as the release before has it, ends before the date."""
    expires = audience.expires
    if expires is None:
        return None
    if expires.on is not None:
        return "true" if expires.on < state.as_of else "false"
    known_at = max((row["known_at"] for row in state.history), default=datetime.min)  # noqa: DTZ901 - nothing
    before = previous_release(state.history, state.as_of, known_at)
    if not has_table(before, audience_membership):
        return "false"
    try:
        entered = _members(state, audience.name, "customer_id, entered_on", before)
    except InputError:
        return None
    last = f"entered_on + {expires.after_days} - 1"
    return f"customer_id IN (SELECT customer_id FROM {entered} WHERE {last} < DATE '{state.as_of}')"
