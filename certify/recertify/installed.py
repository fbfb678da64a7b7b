"""What is installed for an interpreter today, asked of that interpreter; no system is started."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

from certify.adapter import installed as telling
from certify.adapter.process import WITHHELD

ASK_S = 30.0
"""How long an interpreter may take to say what it is."""


@functools.cache
def ask_interpreter(python: str | None) -> dict[str, str]:
    """Return what an interpreter tells of itself (`None`: certify's own); empty when it does not answer.

    It is asked with certify's own environment less the signing key, as a system is started.
    """
    text = Path(telling.__file__).read_text(encoding="utf-8")
    try:
        done = subprocess.run(
            [python or sys.executable, "-c", text],
            capture_output=True,
            timeout=ASK_S,
            check=True,
            cwd=os.sep,
            env={name: value for name, value in os.environ.items() if name not in WITHHELD},
        )
        return {name: str(value) for name, value in json.loads(done.stdout).items()}
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return {}
