"""What every test may rely on: nobody's settings, keys or runs are read or written."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Speed is never what a property test judges; a failure prints what is needed to repeat it.
settings.register_profile("certify", deadline=None, print_blob=True)
settings.load_profile("certify")

DEFECT_SHARE = 8
"""`make test` plants one in so many defects, always the same ones; `make self-test` plants them all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-defect", action="store_true", help="plant every defect, not a sample of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--every-defect"):
        return
    left_out = [item for item in items if _of_matrix(item) and zlib.crc32(item.name.encode()) % DEFECT_SHARE]
    if left_out:
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)


def _of_matrix(item: pytest.Item) -> bool:
    return item.path.name == "test_defects.py" and "[" in item.name


_PERSONAL = (
    "CERTIFY_HOME",
    "CERTIFY_INDEX",
    "CERTIFY_KEY",
    "CERTIFY_KEY_PASSPHRASE",
    "CERTIFY_PROFILE",
    "CERTIFY_TRUST",
    "FORCE_COLOR",
    "NO_COLOR",
    "COLUMNS",
    "GITHUB_ACTIONS",
)
_XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


@pytest.fixture(scope="session", autouse=True)
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run as a user who has never used certify: an empty configuration, no settings in the environment."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in _PERSONAL:
            patch.delenv(name, raising=False)
        for name in _XDG:
            patch.setenv(name, str(home / name.lower()))
        if sys.platform == "darwin":
            patch.setenv("HOME", str(home))
        yield
