"""What every test may rely on: nobody's settings, keys or runs are read or written."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Speed is never what a property test judges; a failure prints what is needed to repeat it.
settings.register_profile("certify", deadline=None, print_blob=True)
settings.load_profile("certify")

_PERSONAL = ("CERTIFY_HOME", "CERTIFY_PROFILE", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "GITHUB_ACTIONS")
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
