"""A desk with a system of its own, certified in a second, and a clock that can be set on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from certify import clock
from certify.cli import app
from certify.cli.failure import guarded

DAY_NS = 86_400 * 10**9

ADAPTER = """
from decimal import Decimal
from pathlib import Path

from certify.adapter.contract import METRICS
from certify.model.trading import Environment, Health, SystemInfo

HERE = Path(__file__).parent


class Monitor:
    def metrics(self):
        bad = (HERE / "weather").read_text() == "bad"
        return {} if bad else {name: Decimal(0) for name in METRICS}

    def alerts(self):
        return []

    def acknowledge(self, alert_id, by):
        pass

    def resolve(self, alert_id, by, note):
        pass

    def escalate(self, alert_id):
        pass


class Desk:
    trade_monitor = Monitor()

    def describe(self):
        return SystemInfo("desk", "1", Environment.SIMULATED, {})

    def health(self):
        return Health(alive=True, connected=True)


def create(ctx):
    return Desk()
"""

HOOK = """
import json, os, sys
facts = {name: text for name, text in os.environ.items() if name.startswith("CERTIFY_")}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(facts) + "\\n")
print("heard", facts["CERTIFY_EVENT"])
"""

PROFILE = """
version: 1
name: tiny
subject: {{name: desk, paths: [src]}}
components: {{trade_monitor: {{backend: python, adapter: "desk.py:create"}}}}
phases: {{integration: null, trading: null, performance: null, risk: null, certification: null}}
policy: {{validity: 90d}}
hooks: {{pre: {hook}, certified: {hook}, failed: {hook}, expiring: {hook}}}
notify: "log:"
"""


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Desk:
    """A directory with a profile, an adapter and a repository; and the days that have passed."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self._patch, self._capsys = place, patch, capsys
        self.home = place / ".certify"
        self._shift_ns = 0
        real = clock.now_ns
        patch.setattr(clock, "now_ns", lambda: real() + self._shift_ns)
        patch.chdir(place)
        patch.setenv("CERTIFY_KEY", str(place.parent / "key.pem"))
        self.heard_file = place / "heard"
        make_desk(place, self.heard_file)

    def pass_days(self, days: float) -> None:
        self._shift_ns += int(days * DAY_NS)

    def weather(self, text: str) -> None:
        (self.place / "weather").write_text(text)

    def commit(self, text: str) -> None:
        (self.place / "src" / "strategy.py").write_text(text)
        git(self.place, "add", "src")
        git(self.place, "commit", "-q", "-m", text)

    def certify(self, *arguments: str) -> Said:
        self._patch.setattr(sys, "argv", ["certify", *arguments])
        self._capsys.readouterr()
        code = guarded(app)
        return Said(code, *self._capsys.readouterr())

    def status(self, *arguments: str) -> dict[str, Any]:
        """The first certificate, and how the command ended."""
        said = self.certify("status", "--json", *arguments)
        found = json.loads(said.out)["certificates"]
        return {**(found[0] if found else {}), "code": said.code, "err": said.err, "all": found}

    def heard(self) -> list[dict[str, str]]:
        """What the hooks found in their environment, since this was asked last."""
        if not self.heard_file.exists():
            return []
        lines = self.heard_file.read_text().splitlines()
        self.heard_file.unlink()
        return [json.loads(line) for line in lines]

    def figures(self) -> dict[str, float]:
        """The samples of the Prometheus file, by name and own label."""
        from prometheus_client.parser import text_string_to_metric_families

        found = {}
        for family in text_string_to_metric_families((self.home / "metrics/certify.prom").read_text()):
            for sample in family.samples:
                own = [text for name, text in sample.labels.items() if name not in ("subject", "profile")]
                found[" ".join([sample.name, *own])] = sample.value
        return found


def git(place: Path, *arguments: str) -> None:
    who = ("-c", "user.name=desk", "-c", "user.email=desk@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=place, check=True, capture_output=True)


def make_desk(place: Path, heard: Path) -> None:
    """Fill a directory: profile, adapter, hook, and the source in a repository."""
    (place / "src").mkdir(parents=True)
    (place / "desk.py").write_text(ADAPTER)
    (place / "hook.py").write_text(HOOK)
    hook = json.dumps(f"'{sys.executable}' '{place / 'hook.py'}' '{heard}'")
    (place / "tiny.yaml").write_text(PROFILE.format(hook=hook))
    (place / "weather").write_text("good")
    (place / "src" / "strategy.py").write_text("buy low")
    git(place, "init", "-q")
    git(place, "add", "src")
    git(place, "commit", "-q", "-m", "first")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    (tmp_path / "desk").mkdir()
    return Desk(tmp_path / "desk", monkeypatch, capsys)
