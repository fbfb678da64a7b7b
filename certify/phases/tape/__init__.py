"""The tape: streaming judgement of market data, live or recorded.

`TapeAuditor` watches quotes and trades as they pass and keeps figures, never the events;
`judge` turns the figures into outcomes; `cards` says what each judgement means. The same code
audits what a live system emits and what a recording holds.
"""

from __future__ import annotations

from certify.phases.tape.auditor import TapeAuditor
from certify.phases.tape.checks import TAPE_CHECKS
from certify.phases.tape.judge import JudgeFunction, Judgement
from certify.phases.tape.report import TapeFinding, TapeReport
from certify.phases.tape.settings import TapeSettings, settings_from

__all__ = [
    "TAPE_CHECKS",
    "JudgeFunction",
    "Judgement",
    "TapeAuditor",
    "TapeFinding",
    "TapeReport",
    "TapeSettings",
    "settings_from",
]
