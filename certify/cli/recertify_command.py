"""`certify recertify`: renew what is due, stale, or failed last time; made for cron and systemd."""

from __future__ import annotations

from typing import Annotated

import typer

from certify.cli.options import Accept, AcceptOption, LiveOption, OutOption


def recertify(
    every: Annotated[
        bool, typer.Option("--all", help="Every certificate that is known: the default, said aloud.")
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", metavar="NAME|PATH", help="Only this one, certified before or not."),
    ] = None,
    within: Annotated[
        str, typer.Option("--within", metavar="SHARE", help="The last share of its life in which it is due.")
    ] = "1/3",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be renewed, and try the hooks.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Renew what is not due too.")] = False,
    random_delay: Annotated[
        str,
        typer.Option("--random-delay", metavar="TIME", help="Wait up to so long first, as 30m or 1h."),
    ] = "0s",
    accept: AcceptOption = None,
    live: LiveOption = False,
    out: OutOption = None,
) -> None:
    """Run again what is due (last third of its life), stale, or failed last time; else do nothing.

    Safe to run twice a day, and twice at once. A run that fails leaves the certificate in force as it is.
    """
    from certify.cli.failure import say
    from certify.cli.renewal import Orders
    from certify.cli.renewal import recertify as renew
    from certify.errors import UsageError
    from certify.profile.kinds import seconds
    from certify.recertify.due import share
    from certify.store.runs import RunStore, run_store

    delay_s = seconds(random_delay)
    if delay_s is None:
        raise UsageError(f"--random-delay: expected a time as 30m or 1h, was {random_delay!r}")
    if every and profile is not None:
        raise UsageError("--all and --profile: expected one of them")
    orders = Orders(
        profile=profile,
        within=share(within),
        force=force,
        dry_run=dry_run,
        live=live,
        accept_conditional=accept is Accept.CONDITIONAL,
        delay_s=float(delay_s),
    )
    raise typer.Exit(renew(RunStore(run_store(out).home.absolute()), orders, say))
