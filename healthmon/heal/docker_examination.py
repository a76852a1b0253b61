"""How is a container examined before its restart erases it? Each question by itself: one that fails costs that part only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from healthmon.errors import EngineError
from healthmon.heal.docker_forensics import events_part, health_part, log_part, processes_part, state_part, usage_part
from healthmon.heal.docker_inspections import understanding
from healthmon.heal.docker_logs import last_lines
from healthmon.heal.forensics import Examined, part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthmon.heal.docker_events import Event
    from healthmon.heal.docker_usage import Reading
    from healthmon.heal.docker_words import Json


class Asked(Protocol):
    """What is asked of an engine. Each raises EngineError."""

    def read_inspection(self, target_id: str) -> Json: ...
    def read_logs(self, target_id: str) -> bytes: ...
    def read_processes(self, target_id: str) -> Json: ...
    def read_usage(self, target_id: str) -> Reading | None: ...
    def journal(self, target_id: str) -> tuple[Event, ...]: ...


def examine(engine: Asked, target_id: str) -> Iterator[Examined]:
    """Yield the parts, the most telling first: who has no more time for the rest stops asking."""
    yield from _part("container", lambda: _state(engine.read_inspection(target_id)))
    yield from _part("log", lambda: _log(engine.read_logs(target_id)))
    yield from _part("processes", lambda: [_understood(engine.read_processes(target_id))])
    yield Examined(part=events_part(engine.journal(target_id)), is_enough=True)
    yield from _part("usage", lambda: [Examined(part=usage_part(engine.read_usage(target_id)))])  # 20.10 measures once a second


def _part(name: str, ask: Callable[[], list[Examined]]) -> list[Examined]:
    try:
        return ask()
    except EngineError as error:
        return [Examined(part=part(name, (), problem=str(error)))]


def _state(inspect: Json) -> list[Examined]:
    with understanding(inspect):
        return [Examined(part=state_part(inspect)), Examined(part=health_part(inspect))]


def _log(answer: bytes) -> list[Examined]:
    return [Examined(part=log_part(answer), last_lines=last_lines(answer))]


def _understood(top: Json) -> Examined:
    with understanding(top):
        return Examined(part=processes_part(top))
