"""What does the engine say of the containers of services, for a command that asks it itself?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError
from healthmon.heal.docker_check import outcome
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.matching import Match, MatchProblem, Wanted, match
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from healthmon.config import ServiceSettings
    from healthmon.model.target import Target

UNDECIDED = Outcome(reason=CheckReason.NO_DATA, error_message="its own health check has not decided yet")


def matches(services: Iterable[ServiceSettings]) -> dict[str, Match]:
    """Match services to what runs here now; without Docker, say why that cannot be told."""
    with _engine() as engine:
        return _look(engine, services)


def seen() -> list[Target]:
    """Return every container. Raises EngineError when the engine cannot be asked."""
    with _engine() as engine:
        return _observed(engine)


def looks(services: Iterable[ServiceSettings], ids: Mapping[str, int], on_settled: Callable[[str], None]) -> list[Check]:
    """Look at services that are containers, and again at those that fail, as the healer would."""
    waiting, found = {service.name: service for service in services}, []
    kind, confirmed = CheckKind.SCHEDULED, 0
    with _engine() as engine:
        while waiting:
            at = clock.now()
            for name, match_ in _look(engine, waiting.values()).items():
                what = outcome(match_) or UNDECIDED
                found.append(Check(service_id=ids[name], kind=kind, checked_at=at, outcome=what))
                if what.reason is not CheckReason.CONTAINER or confirmed >= waiting[name].confirmations:
                    del waiting[name]
                    on_settled(name)
            kind, confirmed = CheckKind.RECHECK, confirmed + 1
            time.sleep(min((service.retry_interval_seconds for service in waiting.values()), default=0.0))
    return found


def _look(engine: DockerEngine, services: Iterable[ServiceSettings]) -> dict[str, Match]:
    wanted = [Wanted.of(service) for service in services if service.supervisor_program is None]
    try:
        return match(wanted, _observed(engine))
    except EngineError as error:
        return {one.name: Match(problem=MatchProblem.ENGINE_UNREACHABLE, text=str(error)) for one in wanted}


def _observed(engine: DockerEngine) -> list[Target]:
    found = engine.observe()
    while engine.is_behind:  # so many containers that one look did not reach them all
        found = engine.observe()
    return found


@contextmanager
def _engine() -> Iterator[DockerEngine]:
    engine = DockerEngine()
    try:
        yield engine
    finally:
        engine.close()
