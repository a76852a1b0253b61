"""`healthmon backtest …`: what would other settings have done with what really happened?"""

from __future__ import annotations

import click

from healthmon.cli.backtest_rules import rules


@click.group("backtest")
def command() -> None:
    """Try settings on what really happened, before they decide about anything."""


command.add_command(rules)
