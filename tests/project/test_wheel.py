"""The built wheel alone, in an empty environment and an empty directory, is a working `certify`."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import certify

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]
needs_cli = pytest.mark.skipif(
    not (ROOT / "certify" / "cli").exists(), reason="the command line is not there yet"
)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` without anything of the checkout's or the user's Python in its environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CERTIFY"))
    }
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the locked hatchling."""
    out = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `certify` command of an environment that holds the wheel and what it asks for."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    done = run(home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "bin" / "certify"


def test_the_wheel_carries_profiles_and_templates(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    shipped = [
        path for name in ("profiles", "templates") for path in (ROOT / name).rglob("*") if path.is_file()
    ]
    assert shipped
    for path in shipped:
        assert f"certify/_data/{path.relative_to(ROOT).as_posix()}" in carried


def test_the_wheel_carries_the_licence_and_no_tests(wheel: Path) -> None:
    carried = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in carried)
    assert {name.split("/")[0].split("-")[0] for name in carried} == {"certify", "certify_trading"}


@needs_cli
def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert certify.__version__ in done.stdout


@needs_cli
def test_the_installed_command_finds_its_profiles(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "profile", "list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"quick", "staging"} <= set(done.stdout.split())


@needs_cli
def test_the_installed_command_certifies_the_reference_system(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "run", "--profile", "quick", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / ".certify" / "runs").glob("*/certificate.json"))
