"""The budgets of size: small functions, small modules, every public name documented."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "certify"
MODULES = sorted(PACKAGE.rglob("*.py"))

LONGEST_FUNCTION = 60
LONG_FUNCTION = 40
SHARE_OF_LONG = 0.05
MEDIAN_FUNCTION = 12
LONGEST_MODULE = 400

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Function(NamedTuple):
    place: str
    lines: int


def functions_of(module: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            place = f"{module.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}"
            yield Function(place, node.end_lineno - node.lineno + 1)


def undocumented(body: list[ast.stmt], owner: str) -> Iterator[str]:
    """Yield the public classes, functions and methods below `owner` that have no docstring."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_") or is_overload(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{owner}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{owner}.{node.name}")


def is_overload(node: ast.AST) -> bool:
    return any(
        ast.unparse(decorator).endswith("overload") for decorator in getattr(node, "decorator_list", [])
    )


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    return [function for module in MODULES for function in functions_of(module)]


def test_there_is_something_to_measure(functions: list[Function]) -> None:
    assert len(functions) > 10


def test_no_function_is_longer_than_a_screen(functions: list[Function]) -> None:
    assert [function for function in functions if function.lines > LONGEST_FUNCTION] == []


def test_long_functions_are_rare(functions: list[Function]) -> None:
    long = [function for function in functions if function.lines > LONG_FUNCTION]
    assert len(long) <= SHARE_OF_LONG * len(functions), long


def test_the_usual_function_is_short(functions: list[Function]) -> None:
    assert statistics.median(function.lines for function in functions) <= MEDIAN_FUNCTION


def test_no_module_is_longer_than_one_sitting() -> None:
    lengths = {str(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {module: lines for module, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_every_public_name_is_documented() -> None:
    missing = []
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        name = ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts)
        if tree.body and ast.get_docstring(tree) is None:
            missing.append(name)
        missing.extend(undocumented(tree.body, name))
    assert missing == []
