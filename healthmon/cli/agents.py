"""Which agent runs with a configuration file, also when that file cannot be used by now? And does it know the file as it is?"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import applied, clock, config, installation
from healthmon.config_source import file
from healthmon.errors import ConfigError, HealthmonError
from healthmon.paths import Paths
from healthmon.processes.programs import EVALUATOR, WATCHDOG
from healthmon.processes.roles import is_held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.applied import Applied
    from healthmon.config import Config

ROLES = ("agent", EVALUATOR, WATCHDOG)  # under a stock supervisord there is no agent's lock
MAX_BYTES = 1_048_576
_DATA_DIR = re.compile(r"""["']?data_dir["']?\s*:\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s,"'#]+))""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One that runs, and what it works with, without the secrets: they may be for its eyes only."""

    paths: Paths
    applied: Applied
    config: Config


def find(source: Path) -> tuple[Paths, Applied] | None:
    """Return where the agent that was started with this file runs, and what is applied there; None when none does."""
    for data_dir in _candidates(source):
        paths = Paths(data_dir=data_dir, database=data_dir / "unknown")
        if any(is_held(paths.lock(role)) for role in ROLES):
            found = _applied(paths)
            if found is not None and found.source == source.absolute():
                return paths, found
    return None


def of(source: Path) -> Agent | None:
    """Return the agent that was started with this file, or None when none runs."""
    found = find(source)
    if found is None:
        return None
    paths, present = found
    try:
        loaded = present.load(paths, with_secrets=False)
    except ConfigError:
        return None  # a reference stands where only some texts may: then it has to be read
    return Agent(paths=loaded.paths, applied=present, config=loaded)


def from_file(source: Path, agent: Agent) -> Config | None:
    """Return what the agent works with, with the secrets, if the file still says that; None when it says something else.

    What lies in data_dir is the agent's account's to write: which files root reads for `${file:…}` only the file may say.
    """
    try:
        text = file.read(source)
    except ConfigError:
        return None
    if text.text != agent.applied.text:
        return None
    loaded = config.build(text, discovered=agent.applied.discovered)
    return loaded.model_copy(update={"data_dir": str(agent.paths.data_dir)})


def notes(source: Path, agent: Agent) -> Iterator[str]:
    """Yield what a person should know of the file and what is applied of it."""
    if not source.exists():
        yield f"the file is gone; the agent goes on with {named(agent.applied)}: `healthmon config applied` prints what the file was"
        return
    try:
        text = file.read(source)
        if text.text == agent.applied.text:
            return
        config.build(text, discovered=agent.applied.discovered, with_secrets=False)
    except ConfigError as error:
        more = f" and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        yield f"the file cannot be used: {error.problems[0]}{more}; `healthmon validate` tells all"
        yield f"the agent goes on with {named(agent.applied)}"
    else:
        yield f"the file was changed since {named(agent.applied)}: `healthmon reload` applies it"


def is_usable(source: Path) -> bool:
    """Tell whether a file can be used as it is now, but for its secrets."""
    try:
        config.build(file.read(source), with_secrets=False)
    except ConfigError:
        return False
    return True


def standing(source: Path) -> Iterator[str]:
    """Yield, of a file that is valid, whether an agent works with it as it is."""
    agent = of(source)
    if agent is not None:
        yield next(notes(source, agent), f"the agent works with it: {named(agent.applied)}")


def named(present: Applied) -> str:
    """Return what a person may call an applied configuration."""
    return f"configuration {present.number} of {clock.to_people(present.applied_at)}"


def _applied(paths: Paths) -> Applied | None:
    try:
        return applied.read(paths)
    except HealthmonError:
        return None  # not ours to read


def _candidates(source: Path) -> Iterator[Path]:
    """Yield where an agent of this file may run: where the file says, or what we belong to does, and here.

    The snapshot there says whether it does.
    """
    try:
        yield config.build(file.read(source), with_secrets=False).paths.data_dir
    except HealthmonError:
        yield from _guessed(source)
    if os.environ.get(config.DATA_DIR):
        yield Path(os.environ[config.DATA_DIR]).absolute()
    if (installed := installation.own()) is not None:
        yield Path(installed.data_dir)
    yield Path.cwd()


def _guessed(source: Path) -> Iterator[Path]:
    """Yield what a file that cannot be used seems to say."""
    try:
        with source.open("rb") as text:
            found = _DATA_DIR.finditer(text.read(MAX_BYTES).decode(errors="replace"))
    except OSError:
        return
    for match in found:
        yield Path(next(word for word in match.groups() if word)).resolve()
