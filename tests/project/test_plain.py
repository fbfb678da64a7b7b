"""The part that is loaded in the system's own interpreter: standard library only, Python 3.8 syntax."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "certify"

# What a system's own interpreter loads, as old as Python 3.8.
IN_THE_SYSTEM = sorted(
    path
    for path in (
        *(PACKAGE / "adapter").rglob("*.py"),
        PACKAGE / "__init__.py",
        PACKAGE / "clock.py",
        PACKAGE / "errors.py",
        PACKAGE / "model" / "__init__.py",
        PACKAGE / "model" / "codec.py",
        PACKAGE / "model" / "trading.py",
    )
    if path.exists()
)
STANDARD_ONLY = sorted({*IN_THE_SYSTEM, *(PACKAGE / "model").rglob("*.py")})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute name of every module that `path` imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parent.parts
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (module_or_name(module, alias.name) for alias in node.names)


def module_or_name(module: str, name: str) -> str:
    """Return the module meant by `from module import name`: the name is a module of ours, or in one."""
    as_path = ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if as_path.with_suffix(".py").exists() or as_path.is_dir() else module


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize("path", STANDARD_ONLY, ids=name_of)
def test_only_the_standard_library_is_imported(path: Path) -> None:
    roots = {module.split(".")[0] for module in imported(path)}
    assert roots - sys.stdlib_module_names == roots & {"certify"}


@pytest.mark.parametrize("path", IN_THE_SYSTEM, ids=name_of)
def test_the_old_interpreter_is_led_nowhere_else(path: Path) -> None:
    ours = {file_of(module) for module in imported(path) if module.split(".")[0] == "certify"}
    assert sorted(map(name_of, ours - set(IN_THE_SYSTEM))) == []


@pytest.mark.parametrize("path", IN_THE_SYSTEM, ids=name_of)
def test_python_3_8_can_parse(path: Path) -> None:
    assert ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8)).body
