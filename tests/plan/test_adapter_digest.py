"""A plan names its adapter by its content: another adapter is another plan."""

from __future__ import annotations

import hashlib
from pathlib import Path

from certify.plan import backend_plans
from certify.profile.load import load_profile

PROFILE = """
version: 1
name: mine
extends: base
components:
  execution: {backend: python, adapter: "adapter.py:create"}
"""


def test_a_plan_holds_the_digest_of_the_adapters_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PROFILE)
    adapter = tmp_path / "adapter.py"
    for text in ("def create(ctx): ...\n", "def create(ctx): return None\n"):
        adapter.write_text(text)
        (backend,) = backend_plans(load_profile(tmp_path / "mine.yaml"))
        assert backend.adapter_digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_an_adapter_that_ships_with_the_tool_is_named_by_the_tools_version() -> None:
    (backend,) = backend_plans(load_profile("quick"))
    assert backend.adapter_digest == ""
