"""Everything that certify raises on purpose.

    CertifyError
     ├── UsageError              the user's input is wrong: one line, exit 2
     │    └── ProfileError       … in a profile, with file:line:column
     ├── SystemUnavailable       the system under certification cannot be reached or started
     │    ├── SystemDied         its process ended
     │    └── SystemSilent       no answer within the time limit
     ├── AdapterRaised           a method of the adapter raised
     ├── NotSupported            the adapter says that it cannot do this
     ├── EvidenceError           a journal, result or artifact is damaged or not what it says
     └── AttestationError        a certificate is not acceptable

Runs in the system's own interpreter too: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

from typing import Optional


class CertifyError(Exception):
    """Base of every error raised on purpose; `str(error)` is one line for a person."""


class UsageError(CertifyError):
    """The user's input is wrong."""


class ProfileError(UsageError):
    """A profile is wrong; says where."""

    def __init__(self, text: str, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Keep the place; `str()` gives `file:line:column: text`."""
        self.text, self.file, self.line, self.column = text, file, line, column
        place = f"{file}:{line}:{column}: " if line else (f"{file}: " if file else "")
        super().__init__(place + text)


class SystemUnavailable(CertifyError):
    """The system under certification cannot be reached or started."""


class SystemDied(SystemUnavailable):
    """The system's process ended while it was needed."""

    def __init__(self, text: str, *, exit_code: Optional[int] = None) -> None:
        """Keep the exit code (negative: the signal)."""
        self.exit_code = exit_code
        super().__init__(text)


class SystemSilent(SystemUnavailable):
    """No answer within the time limit."""


class AdapterRaised(CertifyError):
    """A method of the adapter raised; the adapter or the check is broken."""

    def __init__(self, text: str, *, trace: str = "") -> None:
        """Keep the traceback of the system's process for the log."""
        self.trace = trace
        super().__init__(text)


class NotSupported(CertifyError):
    """The adapter says that it cannot do this."""


class EvidenceError(CertifyError):
    """A journal, result or artifact is damaged or not what it says."""


class AttestationError(CertifyError):
    """A certificate is not acceptable."""
