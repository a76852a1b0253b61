"""Which configuration does this process work with, and is there a newer one?"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import applied, clock, secrets
from healthmon.errors import HealthmonError

if TYPE_CHECKING:
    from healthmon.applied import Applied
    from healthmon.config import Config
    from healthmon.log import Log
    from healthmon.paths import Paths

RETRY_S = 5.0


class Following:
    """Looks at the snapshot at every step: that costs one `stat`."""

    def __init__(self, present: Applied, config: Config, *, seen: tuple[int, int, int] | None = None) -> None:
        self.applied = present
        self.config = config
        self.paths: Paths = config.paths
        self._path = str(self.paths.applied)
        self._seen = seen
        self._news: tuple[Applied, Config] | None = None
        self._retry_at = float("inf")
        self._said = ""

    @property
    def number(self) -> int:
        return self.applied.number

    def news(self, records: Log) -> Config | None:
        """Return a configuration that was applied since, until `followed` is called; None when there is none.

        One that cannot be loaded now (a file that it refers to is gone) is said once, and tried again.
        """
        try:
            seen = _identity(os.stat(self._path))  # noqa: PTH116  at every step: a Path costs ten times as much
        except OSError:
            return None  # somebody removed it: the watchdog puts it back
        if seen != self._seen or clock.monotonic() >= self._retry_at:
            self._seen, self._retry_at = seen, float("inf")
            self._news = self._read(records)
        return None if self._news is None else self._news[1]

    def followed(self) -> None:
        """Take in that the process works with the news."""
        if self._news is not None:
            self.applied, self.config = self._news
            self._news = None

    def later(self) -> None:
        """Have the news wait: it cannot be followed now."""
        self._news, self._retry_at = None, clock.monotonic() + RETRY_S

    def put_back(self) -> bool:
        """Write the snapshot again where somebody removed it; return whether it was so. Raises OSError when it cannot be."""
        if self.paths.applied.exists():
            return False
        applied.write(self.paths, self.applied)
        return True

    def _read(self, records: Log) -> tuple[Applied, Config] | None:
        try:
            found = applied.read(self.paths)
            if found is None or found.number == self.number:
                return None
            return found, found.load(self.paths)
        except HealthmonError as error:
            self._retry_at = clock.monotonic() + RETRY_S
            if str(error) != self._said:
                self._said = str(error)
                records.error("configuration_not_followed", error=self._said)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadAhead:
    """What was read, and from which file."""

    seen: tuple[int, int, int]
    applied: Applied
    config: Config


_read_ahead: _ReadAhead | None = None


def read_ahead(paths: Paths) -> Config:
    """Read the snapshot for all who will be forked from this process: with 1,000 services it is 4 MiB for each of them.

    Raises HealthmonError as `begin` does.
    """
    global _read_ahead  # noqa: PLW0603  a fork finds what its parent has left, and nobody hands it over
    seen = _identity(os.stat(paths.applied)) if paths.applied.exists() else None  # noqa: PTH116  as above
    following = _begin(paths)
    if seen is not None and not any(reference in following.applied.text for reference in secrets.ELSEWHERE):
        _read_ahead = _ReadAhead(seen=seen, applied=following.applied, config=following.config)
    return following.config


def begin(paths: Paths) -> Following:
    """Return what follows the snapshot of `data_dir`. Raises HealthmonError when there is none, or it cannot be loaded.

    It is not read again while it is the file that was read before we were forked. One that refers to other files is: they
    may say something else by now.
    """
    with suppress(OSError):
        if _read_ahead is not None and _identity(os.stat(paths.applied)) == _read_ahead.seen:  # noqa: PTH116  as above
            return Following(_read_ahead.applied, _read_ahead.config, seen=_read_ahead.seen)
    return _begin(paths)


def _begin(paths: Paths) -> Following:
    present = applied.require(paths)
    return Following(present, present.load(paths))


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size
