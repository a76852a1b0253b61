"""Which configuration does an agent work with? One numbered snapshot that all its processes read.

The file may be edited at any time; a process that starts anew must not take half of an edit for the configuration. So
a file counts from when it is applied: checked as a whole and put into one snapshot, whose place is taken in one step.
The snapshot holds the file's text. What its `${…}` stand for is not in it: who needs that looks.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import clock, config
from healthmon.config_source import file
from healthmon.config_source.masking import masked
from healthmon.errors import HealthmonError
from healthmon.model.configuration import Configuration, ConfigurationCause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.config_source.node import Plain, Source
    from healthmon.paths import Paths


class NotAppliedError(HealthmonError):
    """There is no snapshot, or it cannot be read. It may be put back."""

    permanent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """`masks` is what each secret that stands in the file is shown as; like the file's text, it is for nobody's eyes."""

    number: int
    applied_at: datetime
    author: str
    cause: ConfigurationCause
    source: Path
    text: str
    written: Plain  # what the text says
    discovered: tuple[Plain, ...] = ()  # services that stand in no file
    programs: tuple[str, ...]  # that it asks for, and that run under our supervisord
    without: tuple[str, ...]  # those that run elsewhere
    directory: Path  # where programs start, and so what a relative path in it means
    content: str  # JSON of what may be shown
    masks: Mapping[str, str] = field(default_factory=dict)

    def load(self, paths: Paths, *, with_secrets: bool = True) -> Config:
        """Return the configuration of the agent at `paths`. Raises ConfigError: a `${file:…}` may be gone by now."""
        directory = self.source.parent
        loaded = config.build_again(self.written, directory=directory, discovered=self.discovered, with_secrets=with_secrets)
        if loaded is None:
            loaded = config.build(file.parse(self.source, self.text), discovered=self.discovered, with_secrets=with_secrets)
        return loaded.model_copy(update={"data_dir": str(paths.data_dir)})

    @property
    def row(self) -> Configuration:
        """What is kept of it."""
        return Configuration(
            number=self.number,
            applied_at=self.applied_at,
            author=self.author,
            cause=self.cause,
            source=str(self.source),
            content=self.content,
        )


def read(paths: Paths) -> Applied | None:
    """Return the snapshot, or None where there is none. Raises NotAppliedError for one that cannot be read."""
    try:
        return from_bytes(paths.applied.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAppliedError(
            f"{paths.applied} cannot be read ({type(error).__name__}): stop the agent and start it again, and it is written anew",
        ) from error


def require(paths: Paths) -> Applied:
    """Return the snapshot. Raises NotAppliedError when there is none."""
    found = read(paths)
    if found is None:
        raise NotAppliedError(f"no configuration is applied on {paths.data_dir}: `healthmon run` applies one and starts all processes")
    return found


def compose(  # noqa: PLR0913  one fact each
    source: Source,
    loaded: Config,
    *,
    before: Applied | None,
    number: int,
    author: str,
    cause: ConfigurationCause,
    discovered: tuple[Plain, ...],
    programs: Sequence[str],
    without: Sequence[str],
    directory: Path,
) -> Applied:
    """Return the snapshot that makes `loaded`, which was built from `source`, the configuration."""
    written = source.root.plain()
    known = {} if before is None else before.masks
    shown, masks = masked(config.with_discovered(written, discovered), loaded, known=known, number=number)
    return Applied(
        number=number,
        applied_at=clock.now(),
        author=author,
        cause=cause,
        source=Path(source.file).absolute(),
        text=source.text,
        written=written,
        discovered=discovered,
        programs=tuple(name for name in programs if name not in without),
        without=tuple(without),
        directory=directory,
        content=json.dumps(shown, ensure_ascii=False),
        masks=masks,
    )


def write(paths: Paths, applied: Applied) -> None:
    """Put the snapshot in place, at once and for good: after a power cut there is the old one or the new one."""
    unfinished = paths.applied.with_name(f".{paths.applied.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as out:  # noqa: PTH123  a descriptor has no path
        out.write(to_bytes(applied))
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(paths.applied)
    directory = os.open(paths.applied.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def to_bytes(applied: Applied) -> bytes:
    return json.dumps(
        {
            "number": applied.number,
            "applied_at": clock.to_sql(applied.applied_at),
            "author": applied.author,
            "cause": applied.cause.value,
            "source": os.fsencode(applied.source).hex(),
            "text": applied.text,
            "written": applied.written,
            "discovered": applied.discovered,
            "programs": applied.programs,
            "without": applied.without,
            "directory": os.fsencode(applied.directory).hex(),
            "content": applied.content,
            "masks": dict(applied.masks),
        },
    ).encode()


def from_bytes(data: bytes) -> Applied:
    """Read what `to_bytes` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    said = json.loads(data)
    return Applied(
        number=int(said["number"]),
        applied_at=clock.from_sql(said["applied_at"]),
        author=str(said["author"]),
        cause=ConfigurationCause(said["cause"]),
        source=_path(said["source"]),
        text=str(said["text"]),
        written=frozen(said["written"]),
        discovered=tuple(map(frozen, said["discovered"])),
        programs=tuple(map(str, said["programs"])),
        without=tuple(map(str, said["without"])),
        directory=_path(said["directory"]),
        content=str(said["content"]),
        masks={str(secret): str(shown) for secret, shown in said["masks"].items()},
    )


def _path(written: str) -> Path:
    """A path need not be UTF-8, and JSON must be."""
    return Path(os.fsdecode(bytes.fromhex(written)))


def frozen(value: Plain | list[Plain]) -> Plain:
    """Return a value as JSON gives it with tuples for its lists, as what is loaded has."""
    if isinstance(value, dict):
        return {key: frozen(child) for key, child in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value
