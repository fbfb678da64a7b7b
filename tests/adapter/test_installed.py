"""What a host tells of its interpreter is what that interpreter says when it is asked without a host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from certify.adapter import installed
from certify.adapter.process import LaunchSpec, Sink, SystemProcess


def distribution(place: Path, name: str) -> None:
    (place / name).mkdir(parents=True)


def test_the_host_and_the_bare_interpreter_say_the_same(tmp_path: Path) -> None:
    spec = LaunchSpec(
        adapter="certify.backends.mock:create",
        state_dir=tmp_path / "state",
        work_dir=tmp_path / "work",
        log_file=tmp_path / "log",
        config={"instruments": [], "limits": {}, "seed": 1},
    )
    process = SystemProcess(spec, Sink())
    try:
        told = process.launch(30.0).installed
    finally:
        process.kill()
    text = Path(installed.__file__).read_text()
    asked = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert json.loads(asked.stdout) == told
    assert told["interpreter"] == f"CPython {sys.version.split()[0]}"


def test_a_new_version_is_another_digest_and_the_first_on_the_path_wins(tmp_path: Path) -> None:
    distribution(tmp_path / "a", "Numpy-1.26.dist-info")
    distribution(tmp_path / "a", "ib_insync-0.9.86.dist-info")
    distribution(tmp_path / "b", "numpy-2.0.dist-info")
    first, other = str(tmp_path / "a"), str(tmp_path / "b")
    alone = installed.installed([first])
    assert alone["broker_library"] == "ib_insync 0.9.86"
    assert installed.installed([first, other, str(tmp_path / "nowhere")]) == alone
    assert installed.installed([other, first])["distributions"] != alone["distributions"]


def test_an_egg_counts_without_its_python(tmp_path: Path) -> None:
    distribution(tmp_path / "a", "ibapi-9.81.1-py3.11.egg-info")
    distribution(tmp_path / "b", "ibapi-9.81.1.dist-info")
    egg, wheel = installed.installed([str(tmp_path / "a")]), installed.installed([str(tmp_path / "b")])
    assert egg == wheel
    assert egg["broker_library"] == "ibapi 9.81.1"
