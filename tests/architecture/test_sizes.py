"""Small pieces: a module fits in a head, a function on a screen; what is public says what it does."""

import ast

import pytest
from tests.architecture.source import Module, jobs, modules

MODULE_LINES = 300
FUNCTION_LINES = 70
JOB_LINES = 30

every_module = pytest.mark.parametrize("module", modules(), ids=lambda m: m.name)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_of(function: Function) -> int:
    """Lines of a function without its docstring."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return whole
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def public_functions(tree: ast.Module) -> list[Function]:
    """Functions of the module and methods of its classes whose names do not begin with an underscore."""
    found: list[Function] = []
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        found += [m for m in members if isinstance(m, Function) and not m.name.startswith("_")]
    return found


@every_module
def test_a_module_is_not_long(module: Module) -> None:
    assert len(module.path.read_text().splitlines()) <= MODULE_LINES


@every_module
def test_no_function_is_long(module: Module) -> None:
    assert [f"{f.name}: {lines_of(f)} lines" for f in module.functions() if lines_of(f) > FUNCTION_LINES] == []


@pytest.mark.parametrize("job", jobs(), ids=lambda m: m.name)
def test_a_job_is_thin(job: Module) -> None:
    assert len(job.path.read_text().splitlines()) <= JOB_LINES


@every_module
def test_every_module_and_every_public_function_says_what_it_is(module: Module) -> None:
    assert ast.get_docstring(module.tree), "the module has no docstring"
    assert [f"line {f.lineno}: {f.name}" for f in public_functions(module.tree) if not ast.get_docstring(f)] == []
