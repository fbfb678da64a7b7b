"""One run of a renewal: as `certify run` does it, with every way to end as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from certify.cli.failure import CODES
from certify.cli.live.text import clean
from certify.cli.options import Progress
from certify.cli.perform import stopping_on_interrupt
from certify.cli.pipeline import Outcome, certify_run
from certify.cli.request import Selection
from certify.cli.standings import standing_in
from certify.cli.views import view_for
from certify.engine.stream import EventStream
from certify.errors import CertifyError
from certify.model.ids import ExitCode
from certify.plan import Plan
from certify.store.remember import remember
from certify.store.runs import RunStore
from certify.verdict import exit_code

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How the run of a renewal ended."""

    code: ExitCode
    text: str
    """In words: the grade, or what went wrong."""
    outcome: Outcome | None = None
    took_s: float = 0.0

    @property
    def run_dir(self) -> Path | None:
        """Return where its files are; `None` where nothing was run."""
        return self.outcome.run_dir if self.outcome else None

    @property
    def renewed(self) -> bool:
        """Whether there is a new certificate."""
        return self.outcome is not None and self.outcome.certificate is not None

    @staticmethod
    def of_error(error: Exception) -> Ran:
        """Return the end that an exception amounts to."""
        codes = (code for kind, code in CODES if isinstance(error, kind))
        text = str(error) if isinstance(error, CertifyError) else f"{type(error).__name__}: {error}"
        return Ran(code=next(codes, ExitCode.INTERNAL), text=text)


def run_again(selection: Selection, store: RunStore, say: Say) -> Ran:
    """Certify once more, in the directory where it was asked for; whatever goes wrong is the value.

    A run that gives no certificate writes into its own directory only: the one in force stays as it is.
    """
    try:
        with standing_in(selection) as here:
            outcome = certify_run(here, store, _listen)
    except KeyboardInterrupt:
        return Ran(code=ExitCode.INTERRUPTED, text="interrupted")
    except Exception as error:  # noqa: BLE001 - one certificate's trouble must not keep the next from its turn
        return Ran.of_error(error)
    remember(store, clean, say)
    code = exit_code(outcome.verdict, stop=outcome.result.stop)
    return Ran(code=code, text=_text(outcome), outcome=outcome)


def _listen(stream: EventStream, _plan: Plan) -> None:
    with view_for(Progress.PLAIN, {}) as view, stopping_on_interrupt(stream, view.stopping):
        for event in stream:
            view.handle(event)


def _text(outcome: Outcome) -> str:
    because = [
        f"{rule.text} ({', '.join(rule.because[:3])})" for rule in outcome.verdict.rules if not rule.held
    ]
    return f"{outcome.verdict.grade}{': ' if because else ''}{'; '.join(because[:3])}"
