"""Can a source look up what it says: do the columns of both sides exist, fit, and have names of their own?"""

from collections.abc import Iterable, Iterator

from strata.contract.columns import Type
from strata.errors import Problem
from strata.project.checks.deliveries import check_read
from strata.project.landed import landing_problems
from strata.project.names import own_types
from strata.project.notes import Notes
from strata.project.sources import Lookup, Source, source_of
from strata.project.words import place_of


def check_lookups(source: Source, notes: Notes) -> None:
    """The lookups of one source."""
    taken = {name: "delivered" for name in (*source.schema, *own_types(source))}
    for lookup in source.lookups:
        read_as = source_of(lookup, source)
        check_read(read_as, notes)
        notes.problems.extend(landing_problems(read_as))
        _check_keys(lookup, source, notes)
        notes.problems.extend(_names(lookup, taken))
        taken |= dict.fromkeys(lookup.columns, f"looked up in `{lookup.name}`")


def check_lookup_names(sources: Iterable[Source], notes: Notes) -> None:
    """What is looked up lands in a table of its own, which is no other source's."""
    sources = tuple(sources)
    names = {s.name for s in sources}
    for source in sources:
        for lookup in source.lookups:
            landed = source_of(lookup, source).name
            if landed in names:
                what = f"`{lookup.name}` would land in bronze.{landed}, the table of another source"
                notes.add(lookup.where, what, "take another name")


def _check_keys(lookup: Lookup, source: Source, notes: Notes) -> None:
    delivered, found = own_types(source), lookup.schema
    for position, (mine, theirs) in enumerate(lookup.on.items()):
        if theirs in list(lookup.on.values())[:position]:
            notes.add(place_of(theirs), f"`{theirs}` stands in `on` twice", "keep one of them")
        is_mine = notes.expect_known(mine, delivered, "column in the schema")
        is_theirs = notes.expect_known(theirs, found, f"column in the schema of `{lookup.name}`")
        if not (is_mine and is_theirs):
            continue
        if delivered[mine] is not found[theirs]:
            what = f"`{mine}` is {delivered[mine].name} and `{theirs}` of `{lookup.name}` is {found[theirs].name}"
            notes.add(place_of(theirs), what, "declare both alike in their `schema`")
        elif delivered[mine] is Type.DOUBLE:
            notes.add(place_of(theirs), f"`{mine}` is DOUBLE, which is hardly ever equal", "declare both as MONEY")


def _names(lookup: Lookup, taken: dict[str, str]) -> Iterator[Problem]:
    if not lookup.columns:
        yield Problem(lookup.where, f"`{lookup.name}` has no column beside those of `on`", "nothing is looked up")
    by_case = {name.lower(): where for name, where in taken.items()}
    for name in lookup.columns:
        if name.lower() in by_case:
            what = f"`{name}` of `{lookup.name}` is {by_case[name.lower()]} already"
            yield Problem(place_of(name), what, "have it delivered under another name")
