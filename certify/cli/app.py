"""The Typer application: every command with its help, nothing heavy imported."""

from __future__ import annotations

from typing import Annotated

import typer

import certify
from certify.cli import (
    checks_command,
    diff_command,
    doctor_command,
    export_command,
    gateway_command,
    history_command,
    init_command,
    keys_command,
    phase_command,
    plan_command,
    profile_command,
    recertify_command,
    report_command,
    revoke_command,
    run_command,
    schedule_command,
    selftest_command,
    signoff_command,
    status_command,
    verify_command,
)

app = typer.Typer(
    name="certify",
    help="May this build trade tomorrow, and can you prove it?",
    no_args_is_help=True,
    rich_markup_mode=None,  # keeps Rich out of `--help`, which must start fast
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"certify {certify.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Certify the market integration of a trading system."""


app.command("run")(run_command.run)
app.command("phase")(phase_command.phase)
app.command("plan")(plan_command.plan)
app.command("report")(report_command.report)
app.command("history")(history_command.history)
app.command("diff")(diff_command.diff)
app.command("export")(export_command.export)
app.command("verify")(verify_command.verify)
app.command("status")(status_command.status)
app.command("recertify")(recertify_command.recertify)
app.command("schedule")(schedule_command.schedule)
app.command("sign-off")(signoff_command.sign_off)
app.command("revoke")(revoke_command.revoke)
app.command("checks")(checks_command.checks)
app.command("self-test")(selftest_command.self_test)
app.command("init")(init_command.init)
app.command("doctor")(doctor_command.doctor)
app.command("gateway")(gateway_command.gateway)
app.add_typer(profile_command.app, name="profile")
app.add_typer(keys_command.app, name="keys")
