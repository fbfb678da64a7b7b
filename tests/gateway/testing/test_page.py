"""What docs/gateway.md shows is what there is: programs run, the script is one, tables are the code's."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from certify.gateway.script import read_script
from certify.testing import TestGateway, ib_gateway, running_gateway
from tests.client_library import NAME

__all__ = ["ib_gateway"]

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8").replace("from ib_insync", f"from {NAME}")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_first_program_runs(ib_gateway: TestGateway, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(blocks("python")[0].replace("4002", str(ib_gateway.port)))
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=30)
    account, prices, order = done.stdout.splitlines() or pytest.fail(done.stderr)
    assert account == "['DU1000001'] ['1000000.00']"
    bid, ask = map(float, prices.split())
    assert 0 < bid < ask
    assert order.startswith("Filled ")
    assert order.endswith(" 1.0")


def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(
        f"from {NAME} import IB, MarketOrder, Stock\n" + blocks("python")[1]
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_block_without_pytest_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks("python")[2], "gateway.md", "exec"), {})
    assert "'accounts': ['DU5']" in capsys.readouterr().out


def test_the_script_of_the_page_is_one() -> None:
    (text,) = blocks("yaml")
    script = read_script(text, "page")
    with running_gateway() as gateway:
        script.check(gateway._embedded.gateway.action_arguments())
    assert len(script.steps) == 6


def test_the_tables_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.filled(PAGE) == PAGE, "python docs/make_tables.py"
