"""The identifiers of the product: phases, components, outcomes, severities, grades."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class PhaseId(StrEnum):
    """The six phases, in the order in which they run."""

    FRAMEWORK = "framework"
    INTEGRATION = "integration"
    TRADING = "trading"
    PERFORMANCE = "performance"
    RISK = "risk"
    CERTIFICATION = "certification"


class ComponentId(StrEnum):
    """The components of a trading system; `certify` is the tool itself."""

    MARKET_DATA = "market_data"
    BROKER = "broker"
    BROKER_FRAMEWORK = "broker_framework"
    EXECUTION = "execution"
    PAPER_TRADING = "paper_trading"
    RISK = "risk"
    TRADE_MONITOR = "trade_monitor"
    CERTIFY = "certify"


class Outcome(StrEnum):
    """What became of a check; only `passed` counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    """The system is wrong."""
    ERROR = "error"
    """The check or the adapter broke."""
    INCONCLUSIVE = "inconclusive"
    """It could not be measured well enough."""
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"
    """The system declares, with a reason, that it cannot do this."""

    @property
    def evaluated(self) -> bool:
        """Whether the system was judged: passed or failed."""
        return self in (Outcome.PASSED, Outcome.FAILED)


class Severity(StrEnum):
    """How much a failure weighs; a failed critical vetoes the certificate."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"

    @property
    def weight(self) -> int:
        """The weight in a phase's score."""
        return {"critical": 5, "major": 3, "minor": 1}[self.value]


class Assurance(StrEnum):
    """What a result was measured on; a certificate is worth its weakest required evidence."""

    SIMULATED = "simulated"
    PAPER = "paper"
    LIVE = "live"

    @property
    def rank(self) -> int:
        """Order: simulated < paper < live."""
        return ["simulated", "paper", "live"].index(self.value)


class Grade(StrEnum):
    """The verdict in one word."""

    CERTIFIED = "CERTIFIED"
    CONDITIONAL = "CONDITIONAL"
    NOT_CERTIFIED = "NOT_CERTIFIED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Mode(StrEnum):
    """How strict a run is; `certified` allows no skip, no flake and nothing pending."""

    QUICK = "quick"
    STANDARD = "standard"
    CERTIFIED = "certified"


class StopReason(StrEnum):
    """Why a run ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    UNAVAILABLE = "unavailable"
    """The system could not be reached or started."""
    BROKEN = "broken"
    """The tool itself broke."""
    PARTIAL = "partial"
    """The journal ends without saying why: the run was killed."""


class ExitCode(IntEnum):
    """What the process says to the shell when it ends."""

    CERTIFIED = 0
    """Certified, or the command did what was asked."""
    NOT_CERTIFIED = 1
    """The system is wrong: a critical or an unwaived major failed."""
    USAGE = 2
    """The command line or the profile is wrong; nothing was run."""
    INCONCLUSIVE = 3
    """It could not be evaluated: backend unreachable, generator limited, evidence interrupted."""
    INTERNAL = 4
    """The tool itself broke."""
    CONDITIONAL = 5
    """Certified under conditions; 0 when conditional is accepted."""
    NOT_ACCEPTABLE = 6
    """A certificate is tampered with, expired, revoked, stale or of another subject."""
    INTERRUPTED = 130
    """Stopped by the user, in order."""
