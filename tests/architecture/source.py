"""The modules of lib/strata and jobs as syntax trees: what the tests of this folder look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """A module: its dotted name, its file, its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def imports(self) -> list[tuple[str, int]]:
        """Dotted names that are imported anywhere in it, also inside functions, and their lines.

        `from a import b` counts as `a.b`: b may be a module.
        """
        found: list[tuple[str, int]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(f"{self._base(node)}.{alias.name}", node.lineno) for alias in node.names]
        return found

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def modules() -> tuple[Module, ...]:
    """Every module of lib/strata."""
    return tuple(_module(path) for path in sorted((ROOT / "lib" / "strata").rglob("*.py")))


@cache
def jobs() -> tuple[Module, ...]:
    """Every file of jobs."""
    return tuple(Module(f"jobs.{p.stem}", p, ast.parse(p.read_text())) for p in sorted((ROOT / "jobs").glob("*.py")))


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT / "lib").with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(), filename=str(path)))


def within(name: str, package: str) -> bool:
    """Whether `name` is `package` or something in it."""
    return name == package or name.startswith(package + ".")


def written_calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What is called or looked up by attribute, as written (`F.rand`, `frame.rdd`, `print`), and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield f"{_written(node.value)}.{node.attr}", node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_written(node.value)}.{node.attr}"
    return ""
