"""The one spelling of a checked expression, for hashes and for messages: same meaning, same text."""

from collections.abc import Callable

from strata.expression.functions import KEYWORDS
from strata.expression.tree import COMPARISONS, Node, literal_text

_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _SIGN, _ATOM = range(8)

_FORMS: dict[str, tuple[int, str, tuple[int, ...]]] = {
    "not": (_NOT, "not {}", (_ATOM,)),
    "is null": (_COMPARE, "{} is null", (_ADD,)),
    "is not null": (_COMPARE, "{} is not null", (_ADD,)),
    "between": (_COMPARE, "{} between {} and {}", (_ADD, _ADD, _ADD)),
    **{op: (_COMPARE, f"{{}} {op} {{}}", (_ADD, _ADD)) for op in sorted(COMPARISONS)},
    **{op: (_ADD, f"{{}} {op} {{}}", (_ADD, _MULTIPLY)) for op in "+-"},
    **{op: (_MULTIPLY, f"{{}} {op} {{}}", (_MULTIPLY, _SIGN)) for op in "*/"},
    "neg": (_SIGN, "-{}", (_ATOM,)),
}
"""How strongly an operator binds, how it is written, how strongly its operands must bind without parentheses."""

_OTHERS = {"or": _OR, "and": _AND, "in": _COMPARE, "not in": _COMPARE}


def canonical(node: Node) -> str:
    """The expression in lower-case SQL, with single spaces and no parenthesis that is not needed."""
    if node.op in _FORMS:
        _, form, least = _FORMS[node.op]
        return form.format(*map(_inside, node.args, least))
    return _WRITERS.get(node.op, _call)(node)


def name(column: str) -> str:
    """A column as it is written in an expression: quoted unless it is a plain word, or two joined by a dot."""
    parts = column.split(".")
    plain = len(parts) <= 2 and all(p.isidentifier() and p.isascii() and p.lower() not in KEYWORDS for p in parts)
    return column if plain else '"' + column.replace('"', '""') + '"'


def _inside(node: Node, least: int) -> str:
    text = canonical(node)
    return text if _binds(node, text) >= least else f"({text})"


def _binds(node: Node, text: str) -> int:
    if node.op in ("money", "double"):
        return _binds(node.args[0], text)
    if node.op == "literal":
        return _SIGN if text.startswith("-") else _ATOM
    return _FORMS[node.op][0] if node.op in _FORMS else _OTHERS.get(node.op, _ATOM)


def _chain(node: Node) -> str:
    return f" {node.op} ".join(_inside(arg, _OTHERS[node.op] + 1) for arg in node.args)


def _in(node: Node) -> str:
    return f"{_inside(node.args[0], _ADD)} {node.op} ({', '.join(map(canonical, node.args[1:]))})"


def _case(node: Node) -> str:
    *pairs, otherwise = map(canonical, node.args)
    whens = "".join(f" when {when} then {then}" for when, then in zip(pairs[::2], pairs[1::2], strict=True))
    return f"case{whens}{'' if otherwise == 'null' else f' else {otherwise}'} end"


def _call(node: Node) -> str:
    return f"{node.op}({', '.join(map(canonical, node.args))})"


_WRITERS: dict[str, Callable[[Node], str]] = {
    "column": lambda node: name(str(node.value)),
    "literal": literal_text,
    "count": literal_text,
    "null": lambda _: "null",
    "money": lambda node: canonical(node.args[0]),
    "double": lambda node: canonical(node.args[0]),
    "and": _chain, "or": _chain, "in": _in, "not in": _in, "case": _case,
}  # fmt: skip
