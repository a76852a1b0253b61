"""`healthmon doctor`: is this installation sound and safe, and what to do if not."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthmon import config as configuration
from healthmon import installation
from healthmon.cli.terminal import a_console, styled
from healthmon.doctor.examination import Patient, examine
from healthmon.doctor.finding import Verdict
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError
from healthmon.paths import Paths
from healthmon.watch import host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.cli.context import Context
    from healthmon.doctor.finding import Finding

MARKS = {Verdict.FINE: ("●", "green"), Verdict.UNKNOWN: ("?", "yellow"), Verdict.NOTE: ("!", "yellow"), Verdict.BAD: ("✖", "bold red")}


@click.command("doctor")
@click.option("--security", is_flag=True, help="Also what only matters to an attacker: sandbox, secrets.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def command(context: Context, *, security: bool, as_json: bool) -> int:
    """Examine this installation, and name the command that mends what is not well. Exit code 3 when something is bad."""
    found = examine(_patient(context), security=security)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
    return EXIT_FAILED if any(finding.verdict is Verdict.BAD for finding in found) else EXIT_FINE


def _patient(context: Context) -> Patient:
    """Take in what there is, also where the configuration cannot be used: then least of all one wants to hear nothing."""
    source = None
    try:
        source = context.source
        holders = host.listeners(configuration.load(source).web.port)  # while we may still be root, who sees everybody's
        return Patient(paths=context.config.paths, source=source, config=context.config, problem="", holders=holders)
    except HealthmonError as error:
        if isinstance(error.__cause__, PermissionError) and os.geteuid() != 0:
            raise
        installed = installation.own()
        directory = Path(installed.data_dir if installed is not None else ".").resolve()
        paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
        return Patient(paths=paths, source=source, config=None, problem=str(error), holders=())


def _show(found: Sequence[Finding]) -> None:
    screen = a_console()
    for finding in found:
        mark, style = MARKS[finding.verdict]
        screen.print(styled(f"{mark} ", style), styled(f"{finding.topic:<14}", "bold"), styled(finding.what), sep="", soft_wrap=True)
        if finding.remedy:
            screen.print(styled(f"{'':<16}{finding.remedy}", "cyan"), soft_wrap=True)
    screen.print(styled(_verdict(found), "bold"))


def _verdict(found: Sequence[Finding]) -> str:
    counts = {verdict: sum(finding.verdict is verdict for finding in found) for verdict in Verdict}
    if counts[Verdict.BAD]:
        return f"{counts[Verdict.BAD]} to mend, {counts[Verdict.NOTE]} to know"
    return f"sound, {counts[Verdict.NOTE]} to know" if counts[Verdict.NOTE] else "sound"
