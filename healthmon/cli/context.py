"""What does every verb need? The configuration, and where it came from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import click

from healthmon import config
from healthmon.cli import agents
from healthmon.cli.rights import become_owner
from healthmon.config_source import place
from healthmon.errors import StoreError, UsageError
from healthmon.processes.roles import is_held
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

ALWAYS_THERE = ("evaluator", "watchdog")  # roles of an agent; without a database only the watchdog keeps on


class Context:
    """The configuration of one command line, found and loaded when it is first asked for."""

    def __init__(self, source: Path | None) -> None:
        self._explicit = source

    @cached_property
    def source(self) -> Path:
        """The file; where there is none, the one that was there when an agent that still works with it took it."""
        try:
            found = place.find(self._explicit).absolute()
        except place.MissingError as error:
            gone = next((one.absolute() for one in error.places if agents.find(one.absolute())), None)
            if gone is None:
                raise
            found = gone
        click.echo(f"healthmon: configuration {found}", err=True)
        return found

    @cached_property
    def file(self) -> Config:
        """What the file says. Raises ConfigError with all that is wrong with it."""
        loaded = config.load(self.source)
        _require_utf8(loaded.paths)
        become_owner(loaded.paths.data_dir)
        return loaded

    @cached_property
    def config(self) -> Config:
        """What the agent that runs with this file works with, without the secrets; without an agent, what the file says."""
        found = agents.of(self.source)
        if found is None:
            return self.file
        for note in agents.notes(self.source, found):
            click.echo(f"healthmon: {note}", err=True)
        become_owner(found.paths.data_dir)
        return found.config

    @cached_property
    def complete(self) -> Config:
        """The same with the secrets, for who sends something. Raises ConfigError where they cannot be had."""
        found = agents.of(self.source)
        if found is None:
            return self.file
        loaded = agents.from_file(self.source, found)  # as root, where we are that: only root may read credentials
        become_owner(found.paths.data_dir)
        return loaded or found.applied.load(found.paths)


def _require_utf8(paths: Paths) -> None:
    """Raise UsageError for a path that SQLite cannot be given."""
    try:
        str(paths.database).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{paths.database} is not UTF-8, which SQLite needs: rename the directory, or set data_dir to another") from error


def require_not_deleted(paths: Paths) -> None:
    """Raise StoreError when an agent is running without its database: "make one" would be the wrong advice then."""
    if not paths.database.exists() and any(is_held(paths.lock(role)) for role in ALWAYS_THERE):
        raise StoreError(
            f"an agent is running on {paths.data_dir}, and its database {paths.database} was deleted or moved away: put"
            " it back, and the agent goes on with it; or stop the agent and start it again, and it makes a new one",
        )


def open_database(paths: Paths) -> Connection:
    """Open what an agent, or a round, wrote. Raises StoreError with what to do when there is nothing."""
    require_not_deleted(paths)
    return open_for_reading(paths.database)
