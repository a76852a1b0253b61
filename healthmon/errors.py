"""Which errors there are: each says what was tried, on what, and what to do about it.

`permanent` decides whether trying again can help; `exit_code` is what a command line ends with.
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_FINE = 0
EXIT_NOT_HEALTHY = 1
EXIT_USAGE = 2
EXIT_FAILED = 3


class HealthmonError(Exception):
    """The base of every error that we raise on purpose. Its text is one line that a person can act on."""

    permanent = True
    exit_code = EXIT_FAILED


class UsageError(HealthmonError):
    """A command, a file or a directory is not as it must be: a person has to change it."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing wrong with a configuration. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class ConfigError(UsageError):
    """A configuration that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class StoreError(HealthmonError):
    """The database cannot be opened, read or written."""


class StoreUnavailableError(StoreError):
    """The database cannot be used now: its disk is full, or does not answer. Nothing was written; it may pass."""

    permanent = False


class StoreBusyError(StoreUnavailableError):
    """Another program holds the database's lock. Nothing was written; trying again helps."""


class StoreGoneError(StoreUnavailableError):
    """There is no file where the database was. It may be put back."""


class StoreDamagedError(StoreUnavailableError):
    """The database is damaged: a connection of its own says so, too. Another file may be put in its place."""


class StoreReplacedError(StoreError):
    """Another file lies where the database was: whoever had the first one open has to begin anew."""


class PortError(HealthmonError):
    """The port for the pages cannot be listened on. It may become free."""

    permanent = False


class EngineError(HealthmonError):
    """What Docker or supervisord was asked for, it did not do, and it is known that it did not."""


class EngineUnreachableError(EngineError):
    """Docker or supervisord does not answer at all."""

    permanent = False


class EngineGoneError(EngineError):
    """The container or program that was meant is not there any more."""


class EngineUnknownError(EngineError):
    """The call was sent and no answer came: it may still be carried out. Only a later look can tell."""

    permanent = False
