"""The end screen: the verdict with its reasons, and where everything is."""

from __future__ import annotations

from typing import TextIO

from certify.cli.pipeline import Outcome


def end_screen(outcome: Outcome, out: TextIO) -> None:
    """Write the verdict, why, and the next command to type."""
    verdict = outcome.verdict
    out.write(f"\n{verdict.grade.value} ({verdict.assurance.value.upper()})\n")
    for rule in verdict.rules:
        if not rule.held:
            out.write(f"  {rule.text}: {', '.join(rule.because)}\n")
    if outcome.certificate is not None:
        out.write(f"certificate  {outcome.certificate}\n")
    out.write(f"report       {outcome.run_dir / 'report.html'}\n")
