"""The console that everything coloured is printed with."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console


class PlainConsole(Console):
    """A console for which no text is markup, and a reader that goes away is the caller's to notice."""

    def __init__(self, out: TextIO) -> None:
        """Print to `out`, folding long lines on a terminal only."""
        super().__init__(file=out, highlight=False, markup=False, emoji=False, soft_wrap=not out.isatty())

    def on_broken_pipe(self) -> None:
        """Raise again what Rich would end the process for."""
        raise BrokenPipeError
