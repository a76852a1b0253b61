"""How does a configuration become the one that an agent works with?

Checked as a whole, then put into the snapshot in one step: that is the moment from which it counts. All that follows
(programs, the database, what the processes do) is made to agree with the snapshot, as often as it takes. So a crash
leaves the old configuration or the new one, and never a mixture for longer than it takes to look.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon import applied, clock, config
from healthmon.config_changes import Changes, compare
from healthmon.config_source import file
from healthmon.config_source.file import usable
from healthmon.errors import HealthmonError, UsageError
from healthmon.failpoints import reach
from healthmon.model.configuration import ConfigurationCause
from healthmon.paths import Paths
from healthmon.processes import programs
from healthmon.processes.doorbell import ring
from healthmon.processes.roles import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from healthmon.applied import Applied
    from healthmon.config import Config
    from healthmon.config_source.node import Plain, Source

PATIENCE_S = 10.0
LOOK_EVERY_S = 0.02
LOCK = "configuration"


class BusyError(HealthmonError):
    """Another configuration is being applied."""

    permanent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What came of it: the configuration that is applied now, and in what it differs from the one before."""

    applied: Applied
    changes: Changes


def start(source: Path, *, author: str, newest: int, without: Sequence[str] = ()) -> tuple[Applied, Config]:
    """Apply a file for an agent that is about to start. The same file again keeps its number, and what was discovered.

    `newest` is the number of the last configuration that the database knows, `without` what runs elsewhere.
    """
    text = file.read(source)
    paths = config.build(text).paths
    with _alone(paths):
        before = _left(paths)
        discovered = before.discovered if before is not None and before.source == source.absolute() else ()
        loaded = config.build(text, discovered=discovered)
        directory = programs.start_directory(loaded)
        number = max(newest, 0 if before is None else before.number) + 1
        same = (source.absolute(), text.text, directory, tuple(without))
        if before is not None and (before.source, before.text, before.directory, before.without) == same:
            return before, loaded
        after = applied.compose(
            text,
            loaded,
            before=before,
            number=number,
            author=author,
            cause=ConfigurationCause.START,
            discovered=discovered,
            programs=programs.names(loaded),
            without=without,
            directory=directory,
        )
        programs.require_expressible(paths, programs.of_monitor(after, paths))
        applied.write(paths, after)
        return after, loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What an agent goes on with, because its file cannot be used, and why that is."""

    applied: Applied
    config: Config
    problem: str


def resume(source: Path, data_dir: Path, *, without: Sequence[str], problem: str) -> Resumed | None:
    """Return what was last applied of the file at `source` for an agent in `data_dir`; None when nothing that can be used was."""
    paths = Paths(data_dir=data_dir, database=data_dir / "unknown")
    last = _left(paths)
    if last is None or last.source != source.absolute():
        return None
    try:
        loaded = last.load(paths)
    except HealthmonError:
        return None
    wanted = tuple(name for name in programs.names(loaded) if name not in without)
    return Resumed(applied=replace(last, programs=wanted, without=tuple(without)), config=loaded, problem=problem)


def reload(paths: Paths, *, author: str) -> Change:
    """Apply the file of a running agent anew. Raises HealthmonError, having changed nothing, when it cannot be applied."""
    with _alone(paths):
        before = applied.require(paths)
        text = file.read(before.source)
        reach("reload.read")
        return _replace(paths, before, text, before.discovered, author=author, cause=ConfigurationCause.RELOAD)


def discover(paths: Paths, services: Sequence[Mapping[str, Plain]], *, author: str) -> Applied:
    """Make `services`, as they would stand in the file, those that stand in no file: all of them, each time.

    Of two that have one name, the file's counts. Raises HealthmonError, having changed nothing, when they cannot be.
    """
    with _alone(paths):
        before = applied.require(paths)
        found = tuple(applied.frozen(dict(service)) for service in services)
        if found == before.discovered:
            return before
        _require_usable(found)
        return _replace(paths, before, file.parse(before.source, before.text), found, author=author, cause=ConfigurationCause.DISCOVERY).applied


def _replace(  # noqa: PLR0913  one fact each
    paths: Paths,
    before: Applied,
    text: Source,
    discovered: tuple[Plain, ...],
    *,
    author: str,
    cause: ConfigurationCause,
) -> Change:
    loaded = config.build(text, discovered=discovered)
    _require_same_place(loaded.paths, paths)
    after = applied.compose(
        text,
        loaded,
        before=before,
        number=before.number + 1,
        author=author,
        cause=cause,
        discovered=discovered,
        programs=programs.names(loaded),
        without=before.without,
        directory=before.directory,
    )
    programs.require_expressible(paths, programs.of_monitor(after, paths))
    reach("reload.checked")
    applied.write(paths, after)
    reach("reload.applied")
    for doorbell in sorted((paths.runtime / "doorbells").glob("*.sock")):
        ring(doorbell)
    old = config.with_discovered(before.written, before.discovered)
    new = config.with_discovered(after.written, discovered)
    return Change(applied=after, changes=compare(old, new))


def _require_same_place(wanted: Paths, present: Paths) -> None:
    for key, old, new in (("data_dir", present.data_dir, wanted.data_dir), ("database_path", present.database, wanted.database)):
        if old != new:
            raise UsageError(
                f"{key} cannot change while the agent runs (it works in {old}, the file says {new}): stop it, and start it again",
            )


def _require_usable(value: Plain) -> None:
    if isinstance(value, str) and not usable(value):
        raise UsageError(f"{value!r} cannot be used as text: it holds a NUL character or half a surrogate pair")
    if isinstance(value, dict):
        _require_usable((*value.keys(), *value.values()))
    elif isinstance(value, tuple):
        for child in value:
            _require_usable(child)


def _left(paths: Paths) -> Applied | None:
    """Return what was applied last; what cannot be read is written anew by who starts."""
    try:
        return applied.read(paths)
    except applied.NotAppliedError:
        return None


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Let nobody else apply anything meanwhile."""
    until_s = clock.monotonic() + PATIENCE_S
    while (lock := try_lock(paths.lock(LOCK))) is None:
        if clock.monotonic() > until_s:
            raise BusyError(f"another configuration is being applied on {paths.data_dir}, and has been for {PATIENCE_S:.0f} s: try again")
        time.sleep(LOOK_EVERY_S)
    try:
        yield
    finally:
        os.close(lock)
