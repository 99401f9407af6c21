"""Why somebody joins or leaves an audience: what its definition says, part by part. Pure rules.

A reason is told by grounds: the first whose questions all have the answer it wants. Questions are conditions about a
customer, as of the release or as of the one before; what is unknown is answered with no.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from strata.contract.columns import Type
from strata.expression import Expression, Name, compile_expression
from strata.expression.canonical import canonical
from strata.expression.tree import Node, columns_of
from strata.project.audiences import Audience
from strata.project.words import Text

LEFT_BASE, NEW_TO_BASE, FIRST_RELEASE = "left the base", "new to the base", "first release"
NOT_ELIGIBLE, MAY_BE_ADDRESSED = "not eligible", "may be addressed"
GONE = "the audience is there no longer"
IN_BASE = "~in_base"
"""Name of the BOOLEAN column that says who is a customer of the base."""


def allowed_name(purpose: str) -> str:
    """Name of the BOOLEAN column that says who may be addressed for a purpose."""
    return f"~allowed:{purpose}"


@dataclass(frozen=True, slots=True)
class Question:
    """A condition, the answer that is wanted, and whether it is asked as of the release before."""

    condition: Expression
    answer: bool = True
    before: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason and what must be so for it; without questions it always holds."""

    reason: str
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """An audience with what its reasons are told by.

    Attributes:
        audience: as declared.
        parts: of `include` or of `candidates`: all of them hold for whoever meets it. None of a list.
        seed: of a look-alike.
        exclude: the words and the condition of each exclusion.
        is_new: the release before did not have it.
        is_withheld: its last members were carried forward.
    """

    audience: Audience
    parts: tuple[Expression, ...]
    seed: Expression | None
    exclude: tuple[tuple[str, Expression], ...]
    is_new: bool = False
    is_withheld: bool = False

    @property
    def columns(self) -> frozenset[str]:
        """What its conditions read."""
        seed = (self.seed,) if self.seed else ()
        return frozenset[str]().union(*(e.names for e in (*self.parts, *seed, *(e for _, e in self.exclude))))


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """The conditions that a condition joins by `and`, in their order; itself where it joins none.

    A part alone may be unknown even where the whole cannot be: the others may rule that out.
    """
    tree = expression.tree
    if tree.op != "and":
        return (expression,)
    return tuple(Expression(part, True, columns_of(part), canonical(part)) for part in tree.args)


def explain(
    audience: Audience, names: Mapping[str, Name], *, is_new: bool = False, withheld: bool = False
) -> Explained:
    """Compile what the reasons of an audience are told by.

    Args:
        audience: as declared.
        names: what conditions may use.
        is_new: the release before did not have it.
        withheld: its last members were carried forward.

    Raises:
        ProjectError: a condition cannot be used.
    """

    def compiled(text: Text) -> Expression:
        return compile_expression(text, names, Type.BOOLEAN)

    likeness = audience.likeness
    wanted = likeness.candidates if likeness else audience.include
    parts = parts_of(compiled(wanted)) if wanted else ()
    seed = compiled(likeness.seed) if likeness else None
    exclude = tuple((text.words, compiled(text)) for text in audience.exclude)
    return Explained(audience, parts, seed, exclude, is_new, withheld)


def comparable(explained: Explained, unknown: Collection[str]) -> Explained:
    """The same without the conditions that read columns which nobody knows of the date before."""
    seed = explained.seed if explained.seed and not explained.seed.names & set(unknown) else None
    parts = tuple(part for part in explained.parts if not part.names & set(unknown))
    exclude = tuple((words, e) for words, e in explained.exclude if not e.names & set(unknown))
    return replace(explained, parts=parts, seed=seed, exclude=exclude)


def grounds_of_leaving(explained: Explained) -> tuple[Ground, ...]:
    """Why a member of the release before is none now; the last ground always holds."""
    allowed = flag(allowed_name(explained.audience.purpose))
    grounds = [Ground(LEFT_BASE, (Question(flag(IN_BASE), False),)), Ground(NOT_ELIGIBLE, (Question(allowed, False),))]
    grounds += [Ground(f"excluded: {words}", (Question(condition),)) for words, condition in explained.exclude]
    if explained.is_withheld:
        return (*grounds, Ground("may no longer be in it"))
    if explained.seed:
        grounds.append(Ground("joined the seed", (Question(explained.seed),)))
    said = "no longer a candidate: " if explained.audience.kind == "lookalike" else "no longer: "
    grounds += [Ground(said + part.canonical, (Question(part, False),)) for part in explained.parts]
    return (*grounds, Ground(_LAST_OF_LEAVING[explained.audience.kind, explained.audience.is_relative]))


def grounds_of_joining(explained: Explained) -> tuple[Ground, ...]:
    """Why a member was none in the release before, when nobody knows what customers were like then."""
    return (Ground(FIRST_RELEASE if explained.is_new else _MEMBER[explained.audience.kind]),)


def grounds_of_joining_since(explained: Explained) -> tuple[Ground, ...]:
    """Why a member was none in the release before, when it is known what customers were like then.

    Of conditions only those are asked of which that is known (`comparable`).
    """
    audience = explained.audience
    if explained.is_new:
        return grounds_of_joining(explained)
    said = "now a candidate: " if audience.kind == "lookalike" else "now: "
    refused = [Question(flag(allowed_name(audience.purpose)), False, before=True)]
    refused += [Question(condition, before=True) for _, condition in explained.exclude]
    grounds = [Ground(NEW_TO_BASE, (Question(flag(IN_BASE), False, before=True),))]
    grounds += [
        Ground(said + part.canonical, (Question(part), Question(part, False, before=True))) for part in explained.parts
    ]
    if explained.seed:
        since = (Question(explained.seed, False), Question(explained.seed, before=True))
        grounds.append(Ground("now a candidate: left the seed", since))
    # One reason for all who were refused: were it told apart, it would tell who has given consent.
    grounds += [Ground(MAY_BE_ADDRESSED, (question,)) for question in refused]
    is_cut = audience.kind == "rule" and audience.is_relative
    return (*grounds, Ground("rose above the cut" if is_cut else _MEMBER[audience.kind]))


_MEMBER = {"rule": "meets the rule", "list": "in the list", "lookalike": "rose above the cut"}
_LAST_OF_LEAVING = {
    ("rule", False): "no longer meets the rule",
    ("rule", True): "fell below the cut",
    ("list", False): "no longer in the list",
    ("list", True): "no longer in the list, or fell below the cut",
    ("lookalike", True): "fell below the cut",
}


def flag(name: str) -> Expression:
    """A BOOLEAN column as a condition."""
    return Expression(Node("column", Type.BOOLEAN, value=name), True, frozenset({name}), name)
