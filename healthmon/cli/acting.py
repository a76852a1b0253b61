"""How does a command tell the agent what a person wants, and hear what came of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon.cli.context import require_not_deleted
from healthmon.errors import EXIT_FINE, EXIT_USAGE, UsageError
from healthmon.processes import acting
from healthmon.processes.acting import ActStatus
from healthmon.spelling import MAX_LINE_CHARS, is_one_line

if TYPE_CHECKING:
    from healthmon.model.operator_action import OperatorAction
    from healthmon.paths import Paths

UNSETTLED = {
    ActStatus.WAITING: "the agent has not answered yet: it is written down, and will be done",
    ActStatus.NO_AGENT: "no agent is running: it is written down, and done when one starts",
}


def one_line(text: str, option: str) -> str:
    """Return what a person wrote. Raises UsageError for what would not be one line."""
    if not is_one_line(text):
        raise UsageError(f"{option} must be one line of at most {MAX_LINE_CHARS} characters")
    return text


def act(paths: Paths, action: OperatorAction) -> int:
    """Write an act down, wait for what comes of it, print that, and return the exit code."""
    require_not_deleted(paths)
    acted = acting.act(paths, action)
    if acted.status is ActStatus.DONE:
        click.echo(acted.words)
        return EXIT_FINE
    click.echo(f"healthmon: {acted.words or UNSETTLED[acted.status]}", err=True)
    return EXIT_USAGE if acted.status is ActStatus.REFUSED else EXIT_FINE
