"""What happened to a certificate, as hooks, notifications and pings are told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One moment in the renewal of one certificate."""

    event: str
    """pre, certified, failed or expiring."""
    profile: str
    subject: str
    reason: str
    """Why it is renewed, why it failed, or how long it still holds."""
    version: str = ""
    """The subject's."""
    grade: str = ""
    """Of the run; of the certificate in force where there was none."""
    assurance: str = ""
    run_dir: Path | None = None
    certificate: Path | None = None
    """The one in force after this."""
    expires: str = ""
    days_left: float | None = None
    exit_code: int | None = None
    dry_run: bool = False

    def as_environment(self) -> dict[str, str]:
        """Return the variables that a hook finds; what is not known is empty."""
        values = {
            "EVENT": self.event,
            "PROFILE": self.profile,
            "SUBJECT": self.subject,
            "SUBJECT_VERSION": self.version,
            "REASON": self.reason,
            "GRADE": self.grade,
            "ASSURANCE": self.assurance,
            "RUN": self.run_dir.name if self.run_dir else "",
            "RUN_DIR": str(self.run_dir) if self.run_dir else "",
            "CERTIFICATE": str(self.certificate) if self.certificate else "",
            "EXPIRES": self.expires,
            "DAYS_LEFT": "" if self.days_left is None else f"{self.days_left:g}",
            "EXIT_CODE": "" if self.exit_code is None else str(int(self.exit_code)),
            "DRY_RUN": "1" if self.dry_run else "",
        }
        return {f"CERTIFY_{name}": text.replace("\0", "") for name, text in values.items()}

    def title(self) -> str:
        """Return it in one line."""
        words = {
            "certified": f"{self.subject} is {self.grade}",
            "failed": f"{self.subject} could not be certified again",
            "expiring": f"the certificate of {self.subject} is about to expire",
        }
        rehearsal = "(rehearsal) " if self.dry_run else ""
        return f"certify: {rehearsal}{words.get(self.event, f'{self.subject}: {self.event}')}"

    def body(self) -> str:
        """Return everything else, one fact a line."""
        until = f"Certificate in force until {self.expires}." if self.expires else "No certificate in force."
        run = f"Run {self.run_dir.name}." if self.run_dir else ""
        lines = (f"Profile {self.profile}, version {self.version or 'unknown'}.", self.reason, until, run)
        return "\n".join(line for line in lines if line)
