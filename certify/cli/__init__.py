"""The command line: one file per command; the only place that knows Typer and Rich.

Data goes to stdout, talk to stderr. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import sys

from certify.cli.app import app
from certify.cli.failure import guarded

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(guarded(app))
