"""An audience as DuckDB SQL, a column per condition: the twin of `audiences.selection` and `delivery`. Pure.

Every column speaks of one customer: how many are taken stands in `Cut`, the last who is found, so that the same SQL
answers for everybody and for one customer who is looked at with other values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.project.audiences import Audience
from strata.project.references import AUDIENCE
from strata.project.words import Text
from strata.segments.duckdb import Layer, permission_column
from strata.segments.literals import number, quoted, text

NOT_ELIGIBLE, EXPIRED = "not eligible", "expired"
_HASH_DIGITS = 13


@dataclass(frozen=True, slots=True)
class Around:
    """What is asked of a customer beside its columns, as SQL conditions; None: nothing tells.

    Attributes:
        listed: whether the list holds it.
        released: whether the release of the date has it as a member.
        written_to: whether it was written to as often as `pressure` allows.
        lapsed: whether its membership has ended.
    """

    listed: str | None = None
    released: str | None = None
    written_to: str | None = None
    lapsed: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The last customer who is found.

    Attributes:
        value: the number it is ordered by, the more the better; None: not known.
        customer_id: of several with the same number the first are found.
        taken: how many are found.
    """

    value: float | None
    customer_id: str
    taken: int


@dataclass(frozen=True, slots=True)
class AudienceSQL:
    """How DuckDB computes an audience; columns are BOOLEAN and never NULL, unless said otherwise.

    Attributes:
        layers: the columns, each layer reading those before it.
        meets: column of those who could be found: they meet the rule, are listed, are candidates.
        order: column of the number they are ordered by (DOUBLE, the more the better); None: there is none.
        found: column of what conditions call audience.<name>: of a look-alike NULL where no release has it.
        refusals: reason -> column; the first that holds is told.
        member: column of those found whom nothing refuses; as `found`.
        held_out: column of those kept from campaigns.
        reads: features and segmentations.
        cut: the last who is found; None: all are.
    """

    layers: tuple[Layer, ...]
    meets: str
    order: str | None
    found: str
    refusals: Mapping[str, str]
    member: str
    held_out: str
    reads: frozenset[str]
    cut: Cut | None = None


def audience_sql(audience: Audience, names: Mapping[str, Name], around: Around, cut: Cut | None = None) -> AudienceSQL:
    """The SQL of one audience over a relation with a column for each of `names`, and its `permission_column`.

    Args:
        audience: as declared.
        names: what its conditions may use.
        around: the rest of what it depends on.
        cut: where only the first by order are taken: the last of them.

    Raises:
        ProjectError: a condition cannot be used.
    """
    meets, order, member, held_out = (column_of(audience, part) for part in ("meets", "order", "member", "held out"))
    found = AUDIENCE + audience.name
    first = {meets: _meets(audience, names, around)}
    if audience.likeness is not None:
        first[seed_column(audience)] = _holds(audience.likeness.seed, names)
    if audience.order is not None:
        first[order] = _best_highest(audience, audience.order, names)
    says = _refusals(audience, names, around)
    refusals = {reason: column_of(audience, f"refused {place}") for place, reason in enumerate(says)}
    refused = " OR ".join(map(quoted, refusals.values()))
    taken = quoted(meets) if cut is None else f"({quoted(meets)} AND {_within(quoted(order), cut)})"
    if audience.kind == "lookalike":
        taken = around.released or "CAST(NULL AS BOOLEAN)"
    return AudienceSQL(
        layers=(
            first,
            {found: taken, held_out: _is_held_out(audience), **{refusals[r]: sql for r, sql in says.items()}},
            {member: f"({quoted(found)} AND NOT ({refused}))"},
        ),
        meets=meets,
        order=order if audience.order is not None else None,
        found=found,
        refusals=refusals,
        member=member,
        held_out=held_out,
        reads=frozenset().union(*(compile_expression(t, names).names for t in texts_of(audience))),
        cut=cut,
    )


def released_sql(audience: Audience, around: Around) -> AudienceSQL:
    """The SQL of an audience of which only the members are wanted, as the release of the date has them."""
    found, member = AUDIENCE + audience.name, column_of(audience, "member")
    layers = ({found: around.released or "CAST(NULL AS BOOLEAN)"}, {member: quoted(found)})
    return AudienceSQL(layers, found, None, found, {}, member, found, frozenset())


def texts_of(audience: Audience) -> tuple[Text, ...]:
    """All that is compiled of it: conditions, and what the best are found by."""
    return (*audience.conditions, *((audience.order,) if audience.order is not None else ()))


def seed_column(audience: Audience) -> str:
    """The column of those to be like."""
    return column_of(audience, "seed")


def column_of(audience: Audience | str, part: str) -> str:
    """A column that no feature, segmentation or other audience uses."""
    return f"~{AUDIENCE}{audience if isinstance(audience, str) else audience.name}:{part}"


def _meets(audience: Audience, names: Mapping[str, Name], around: Around) -> str:
    if audience.include is not None:
        return _holds(audience.include, names)
    if audience.likeness is not None:
        candidate, seed = (_holds(t, names) for t in (audience.likeness.candidates, audience.likeness.seed))
        return f"({candidate} AND NOT {seed})"
    return around.listed or "false"


def _refusals(audience: Audience, names: Mapping[str, Name], around: Around) -> dict[str, str]:
    says = {NOT_ELIGIBLE: f"(NOT {quoted(permission_column(audience.purpose))})"}
    says |= {f"excluded: {condition.words}": _holds(condition, names) for condition in audience.exclude}
    if audience.pressure is not None and around.written_to is not None:
        says[f"contact pressure: {audience.pressure.at_most} in {audience.pressure.days} days"] = around.written_to
    for name in audience.ahead:
        says[f"goes to audience {name}"] = f"coalesce({quoted(column_of(name, 'member'))}, false)"
    if around.lapsed is not None:
        says[EXPIRED] = around.lapsed
    return says


def _holds(condition: Text, names: Mapping[str, Name]) -> str:
    return f"coalesce({compile_expression(condition, names, Type.BOOLEAN).to_duckdb()}, false)"


def _best_highest(audience: Audience, order: Text, names: Mapping[str, Name]) -> str:
    value = f"CAST({compile_expression(order, names).to_duckdb()} AS DOUBLE)"
    sign = "-" if audience.size and audience.size.best == "low" else ""
    return f"CASE WHEN NOT isnan({value}) THEN {sign}{value} END"


def _within(order: str, cut: Cut) -> str:
    is_before = f"customer_id <= {text(cut.customer_id)}"
    if cut.value is None:
        return f"({order} IS NOT NULL OR {is_before})"
    at = number(cut.value)
    return f"coalesce({order} > {at} OR ({order} = {at} AND {is_before}), false)"


def _is_held_out(audience: Audience) -> str:
    """As `audiences.holdout` has it: a share of the values of a hash of name and id."""
    digits = f"left(sha256({text(audience.name + ':')} || customer_id), {_HASH_DIGITS})"
    return f"(CAST('0x' || {digits} AS BIGINT) < {round(audience.holdout * 16**_HASH_DIGITS)})"
