"""`certify --help` starts fast: nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CLI = Path(__file__).parents[2] / "certify" / "cli"
HEAVY = {
    "cryptography",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "securesystemslib",
    "sqlalchemy",
    "zstandard",
}

HELP = """
import json, sys
sys.argv = ["certify", "--help"]
from certify.cli import main
try:
    code = main()
except SystemExit as exit:
    code = exit.code
print(json.dumps({"code": code or 0, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""

pytestmark = pytest.mark.skipif(not CLI.exists(), reason="the command line is not there yet")


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, check=True, timeout=60
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["code"] == 0
    assert HEAVY & set(said["modules"]) == set()
