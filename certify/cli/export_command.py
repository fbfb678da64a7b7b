"""`certify export`: one run as one file, to be verified elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import OutOption


def export(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Run id, its start, or a path.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="FILE.tar.zst or FILE.tar.gz; default: the id."),
    ] = None,
    out: OutOption = None,
) -> None:
    """Write the evidence, certificate and reports of a run (default: the latest) into one archive.

    `certify verify FILE --evidence FILE` accepts it on another machine.
    """
    from certify.cli.failure import say
    from certify.store.export import export as export_run
    from certify.store.runs import run_store

    run_dir = run_store(out).find(run)
    path = output or Path(f"{run_dir.name}.tar.zst")
    manifest = export_run(run_dir, path)
    typer.echo(path)
    say(
        f"{len(manifest.files)} files, {path.stat().st_size:,} bytes; certify verify {path} --evidence {path}"
    )
