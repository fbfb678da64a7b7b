"""How long a profile asks for evidence to be kept."""

from __future__ import annotations

import pytest

from certify.errors import ProfileError
from certify.profile.load import load_profile

TEXT = "version: 1\nname: mine\nbackend: mock\npolicy: {{retention: {0}}}\n"


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("7y", 7 * 366), ("1d", 1)])
def test_a_retention_is_in_days_or_years(tmp_path, text, days) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(TEXT.format(text))
    assert load_profile(str(path)).policy.retention_days == days


@pytest.mark.parametrize("text", ["0d", "7", "7w", "1.5y", "-1d", "999999y", "[7y]"])
def test_what_is_no_retention_is_refused_at_its_place(tmp_path, text) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(TEXT.format(text))
    with pytest.raises(ProfileError, match=r":4:\d+: expected an age such as 90d or 7y"):
        load_profile(str(path))


def test_a_profile_need_not_say(tmp_path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(TEXT.split("policy", maxsplit=1)[0])
    assert load_profile(str(path)).policy.retention_days is None
