"""Every way to end: one clear line for a person, one exit code for a program, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from certify.errors import (
    AttestationError,
    CertifyError,
    EvidenceError,
    SystemUnavailable,
    UsageError,
)
from certify.model.ids import ExitCode

DEBUG_VARIABLE = "CERTIFY_DEBUG"
"""Set to anything: an internal error also prints its traceback."""

CODES: tuple[tuple[type[CertifyError], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (SystemUnavailable, ExitCode.INCONCLUSIVE),
    (AttestationError, ExitCode.NOT_ACCEPTABLE),
    (EvidenceError, ExitCode.NOT_ACCEPTABLE),
)


def say(text: str) -> None:
    """Write one line of talk to stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")


def guarded(command: Callable[[], object]) -> int:
    """Run a command and return the process's exit code."""
    try:
        command()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except KeyboardInterrupt:
        say("certify: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CERTIFIED
    except CertifyError as error:
        say(f"certify: {error}")
        return next((code for kind, code in CODES if isinstance(error, kind)), ExitCode.INTERNAL)
    except Exception as error:  # noqa: BLE001 - a user never sees a traceback unless they ask for it
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        said = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"certify: internal error: {said} (set {DEBUG_VARIABLE}=1 for the trace)")
        return ExitCode.INTERNAL
    return ExitCode.CERTIFIED
