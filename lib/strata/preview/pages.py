"""What a plan says, as text for a terminal and as Markdown for a pull request. Pure.

Counts below the floor of cells are not told, nor what these customers spent; totals add up only what is told, so that
nothing can be computed from the rest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from strata.console import visible
from strata.preview.moves import Change, Move

NAMES = frozenset({"segment", "from", "to", ""})


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a title, sentences, perhaps a table, and notes."""

    title: str
    sentences: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """How a page counts: the smallest count that is told, the feature that is summed (None: none), its currency."""

    floor: int
    revenue: str | None
    currency: str


def section_of(change: Change, terms: Terms) -> Section:
    """What is said about one segmentation that is not as released."""
    name, version = change.segmentation, change.version
    if change.state == "removed":
        gone = "is retired with the next release: its column stays and is NULL"
        return Section(f"{name}: removed", (f"version {version} {gone}",), notes=_notes(change))
    head = f"{name}: new, version {version}"
    if change.state == "changed":
        released = change.released_version
        head = f"{name}: changed, version {'is still ' if version == released else f'{released} → '}{version}"
    moves = [move for move in change.moves if move.is_one]
    if not moves:
        nobody = ("nobody moves",) if change.state == "changed" and change.moves else ()
        return Section(head, nobody, notes=_notes(change))
    rows = tuple(_row(move, change, terms) for move in _in_order(moves, terms.floor))
    new = change.state == "new"
    header = (*(("segment",) if new else ("from", "to")), "customers", "share", *filter(None, (terms.revenue,)))
    sentences = () if new else (_total(moves, change.moves, terms),)
    return Section(head, sentences, header, rows, _notes(change))


def as_text(sections: Iterable[Section]) -> str:
    """For a terminal."""
    return "\n\n".join("\n".join(_text_lines(section)) for section in sections)


def as_markdown(sections: Iterable[Section]) -> str:
    """For a pull request."""
    return "\n\n".join("\n".join(_markdown_lines(section)) for section in sections)


def _total(moves: Sequence[Move], everybody: Sequence[Move], terms: Terms) -> str:
    base = sum(move.customers for move in everybody)
    told = [move for move in moves if move.customers >= terms.floor]
    hidden = len(moves) - len(told)
    small = f"fewer than {terms.floor} {'each go' if hidden > 1 else 'go'} {hidden} {'ways' if hidden > 1 else 'way'}"
    if not told:
        return f"of {base:,} customers {small}"
    customers = sum(move.customers for move in told)
    words = f"{customers:,} of {base:,} customers move ({customers / base:.1%})"
    spent, all_spent = (sum(move.revenue or 0 for move in part) for part in (told, everybody))
    if terms.revenue and all_spent:
        words += f", with {spent:,.2f} {terms.currency} of {terms.revenue} ({spent / all_spent:.1%} of all)"
    return f"{words}; {small} more" if hidden else words


def _row(move: Move, change: Change, terms: Terms) -> tuple[str, ...]:
    base = sum(other.customers for other in change.moves)
    names = (move.goal,) if change.state == "new" else (move.origin, move.goal)
    if move.customers < terms.floor:
        return (*names, f"<{terms.floor}", "", "")[: len(names) + 2 + bool(terms.revenue)]
    spent = ("" if move.revenue is None else f"{move.revenue:,.2f}",) if terms.revenue else ()
    return (*names, f"{move.customers:,}", f"{move.customers / base:.1%}", *spent)


def _in_order(moves: Iterable[Move], floor: int) -> list[Move]:
    """The largest first; those that are not told by name, as their order would tell."""
    return sorted(moves, key=lambda m: (-m.customers if m.customers >= floor else 0, m.origin, m.goal))


def _notes(change: Change) -> tuple[str, ...]:
    audiences = [
        f"audience {name} {'reads it' if change.segmentation in shared else 'looks at ' + ', '.join(shared) + ' too'}"
        for name, shared in change.audiences.items()
    ]
    return (*change.notes, *audiences)


def _text_lines(section: Section) -> Iterable[str]:
    yield visible(section.title)
    yield from (f"  {visible(sentence)}" for sentence in section.sentences)
    lines = [tuple(map(visible, line)) for line in (section.header, *section.rows)] if section.header else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for place, line in enumerate(lines):
        cells = (
            cell.ljust(width) if name in NAMES else cell.rjust(width)
            for cell, width, name in zip(line, widths, section.header, strict=True)
        )
        yield f"    {'  '.join(cells)}".rstrip()
        if not place:
            yield "    " + "  ".join("-" * width for width in widths)
    yield from (f"  note: {visible(note)}" for note in section.notes)


def _markdown_lines(section: Section) -> Iterable[str]:
    yield f"### {_escaped(section.title)}"
    yield from (f"\n{_escaped(sentence)}" for sentence in section.sentences)
    if section.header:
        yield "\n| " + " | ".join(map(_as_text, section.header)) + " |"
        yield "|" + "|".join("---" if name in NAMES else "---:" for name in section.header) + "|"
        yield from ("| " + " | ".join(map(_as_text, row)) + " |" for row in section.rows)
    if section.notes:
        yield ""
        yield from (f"- {_escaped(note)}" for note in section.notes)


def _escaped(words: str) -> str:
    """Sentences as Markdown shows them; what stands in backticks stays as it is, but for the bar of tables."""
    parts = visible(words).split("`")
    if len(parts) % 2 == 0:  # one of them closes nothing
        return _as_text(words)
    return "`".join(part.replace("|", "\\|") if place % 2 else _as_text(part) for place, part in enumerate(parts))


def _as_text(words: str) -> str:
    """Words that somebody has delivered, every sign of Markdown and HTML shown as itself."""
    escaped = re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", visible(words).replace("&", "&amp;").replace("<", "&lt;"))
    # Else an address would become a link: https://, www., somebody@
    return re.sub(r"(?i)(https?|ftp|mailto|xmpp)(:)|(www)(\.)|@", _apart, escaped)


def _apart(found: re.Match[str]) -> str:
    return "&#64;" if found[0] == "@" else f"{found[0][:-1]}&#{ord(found[0][-1])};"
