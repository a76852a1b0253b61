"""How does a command tell the agent what a person wants, and hear what came of it?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.cli.context import require_not_deleted
from healthmon.errors import EXIT_FINE, EXIT_USAGE, UsageError
from healthmon.processes.doorbell import ring
from healthmon.processes.roles import is_held
from healthmon.store import operator_actions
from healthmon.store.connection import open_for_writing

if TYPE_CHECKING:
    from healthmon.model.operator_action import OperatorAction
    from healthmon.paths import Paths

PATIENCE_S = 5.0
LOOK_EVERY_S = 0.02
EVALUATOR = "evaluator"
MAX_CHARS = 200


def one_line(text: str, option: str) -> str:
    """Return what a person wrote. Raises UsageError for what would not be one line."""
    if len(text) > MAX_CHARS or not text.isprintable():
        raise UsageError(f"{option} must be one line of at most {MAX_CHARS} characters")
    return text


def act(paths: Paths, action: OperatorAction) -> int:
    """Write an act down, wait for what comes of it, print that, and return the exit code."""
    require_not_deleted(paths)
    connection = open_for_writing(paths.database)
    try:
        action_id = operator_actions.add(connection, action)
        ring(paths.doorbell(EVALUATOR))
        if not is_held(paths.lock(EVALUATOR)):
            click.echo("healthmon: no agent is running: it is written down, and done when one starts", err=True)
            return EXIT_FINE
        until = clock.monotonic() + PATIENCE_S
        while (outcome := operator_actions.outcome(connection, action_id)) is None and clock.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
    finally:
        connection.close()
    return _tell(outcome)


def _tell(outcome: str | None) -> int:
    if outcome is None:
        click.echo("healthmon: the agent has not answered yet: it is written down, and will be done", err=True)
    elif outcome.startswith("refused: "):
        click.echo(f"healthmon: {outcome.removeprefix('refused: ')}", err=True)
        return EXIT_USAGE
    else:
        click.echo(outcome)
    return EXIT_FINE
