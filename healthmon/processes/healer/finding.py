"""The part of the healer that finds out which target is whose: by looks at everything, and between them at what events told of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError
from healthmon.heal.interest import Interest, interest, is_in_place
from healthmon.heal.matching import Match, MatchProblem, Wanted, holds_port, match

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.engine import Engine, Glimpse
    from healthmon.log import Log
    from healthmon.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found, by service names. `seen` are all containers, where all of them are known."""

    at: datetime
    matches: dict[str, Match]
    seen: list[Target] | None = None


class Finder:
    """Matches all services when everything was looked at, and else only those that something happened to."""

    def __init__(self, *, docker: Engine, supervisor: Engine, log: Log) -> None:
        self._docker = docker
        self._supervisor = supervisor
        self._log = log
        self._matched: dict[str, str] = {}  # by service name: what exited publishes no port any more
        self._problems: dict[str, str] = {}
        self._concerning: frozenset[str] = frozenset()  # ids of containers
        self._bystanders: set[str] = set()
        self._awaits_new = True
        self.found: dict[str, Match] = {}
        self.found_at = clock.now()
        self.seen: list[Target] | None = None  # all containers, once all were seen

    def follow(self, services: Collection[ServiceSettings]) -> None:
        """Find the targets of these from now on."""
        self.found = {service.name: self.found[service.name] for service in services if service.name in self.found}
        known = [Wanted.of(service) for service in services]
        self._on_docker = [service for service in known if service.supervisor_program is None]
        self._on_supervisor = [service for service in known if service.supervisor_program is not None]
        # Who names no service at all has containers ask for it. One that has programs alone may run where no Docker is.
        self._looks_at_docker = bool(self._on_docker) or not known
        self._interest: Interest | None = None  # in containers; None until all were seen

    @property
    def is_blind(self) -> bool:
        """Whether an engine that is needed did not answer the last look."""
        return any(self._problems.values())

    @property
    def problems(self) -> Collection[str]:
        """What engines were said not to answer with."""
        return self._problems.values()

    def look(self) -> list[Finding]:
        """Look at everything."""
        found = [self._look_at_docker(self._docker.observe)] if self._looks_at_docker else []
        if self._on_supervisor:
            found.append(self._look("supervisor", self._supervisor, self._on_supervisor, self._supervisor.observe))
        return found

    def glance(self) -> list[Finding]:
        """Look at the containers that events told of. Most often one became another state, and is its service's still."""
        if not self._looks_at_docker:
            return []
        now = clock.now()
        try:
            glimpse = self._docker.glance()
        except EngineError as error:
            return [self._unseen("docker", self._docker, self._on_docker, error, now)]
        if glimpse is None:
            return [self._look_at_docker(self._docker.observe)]
        changed = None if self._interest is None else self._changed_in_place(self._interest, glimpse)
        return [self._look_at_docker(self._docker.recall) if changed is None else self._found(changed, now)]

    def _look_at_docker(self, look: Callable[[], list[Target]]) -> Finding:
        finding = self._look("docker", self._docker, self._on_docker, look)
        if finding.seen is not None:
            self.seen = finding.seen
            self._sort_out(finding.seen)
        return finding

    def _look(self, name: str, engine: Engine, wanted: list[Wanted], look: Callable[[], list[Target]]) -> Finding:
        now = clock.now()
        try:
            seen = look()
        except EngineError as error:
            return self._unseen(name, engine, wanted, error, now)
        self._say_problem(name, "")
        matches = match(wanted, seen, self._matched)
        if engine.is_behind:
            return self._found({service: found for service, found in matches.items() if self._is_known(service, found)}, now)
        return self._found(matches, now, seen=seen if engine is self._docker else None)

    def _unseen(self, name: str, engine: Engine, wanted: list[Wanted], error: EngineError, now: datetime) -> Finding:
        self._say_problem(name, str(error))
        self.seen = None if engine is self._docker else self.seen
        return self._found({one.name: Match(problem=MatchProblem.ENGINE_UNREACHABLE, text=str(error)) for one in wanted}, now)

    def _found(self, matches: dict[str, Match], now: datetime, seen: list[Target] | None = None) -> Finding:
        self.found, self.found_at = self.found | matches, now
        self._matched |= {
            service: found.target.incarnation.target_id for service, found in matches.items() if found.target is not None
        }
        return Finding(at=now, matches=matches, seen=seen)

    def _sort_out(self, seen: list[Target]) -> None:
        """Tell the engine whose events need not end a wait."""
        names = {one.name for one in self._on_docker}
        held = [found.target for service, found in self.found.items() if service in names and found.target is not None]
        self._interest = interest(self._on_docker, held)
        ids = [one.incarnation.target_id for one in seen]
        self._concerning = frozenset(compress(ids, map(self._interest.covers, seen)))
        self._bystanders = set(ids) - self._concerning
        self._awaits_new = any(map(self._is_awaited, self._on_docker))
        self._heed()

    def _changed_in_place(self, concern: Interest, glimpse: Glimpse) -> dict[str, Match] | None:
        """Return the services whose containers became something else; None where another container may be a service's now."""
        self._pass_by([one for one in glimpse.targets if not concern.covers(one)])
        changed: dict[str, Match] = {}
        for target in filter(concern.covers, glimpse.targets):
            same = {service: replace(known, target=target) for service, known in self.found.items() if _is_same(known.target, target)}
            if not same or target.network_of or concern.is_leaned_on(target):
                return None
            changed |= same
        return changed if self._concerning.isdisjoint(glimpse.gone) else None

    def _pass_by(self, bystanders: list[Target]) -> None:
        """Care no more for what has turned out to be nobody's."""
        if bystanders:
            self._bystanders |= {one.incarnation.target_id for one in bystanders}
            self._heed()

    def _heed(self) -> None:
        self._docker.heed(self._concerning, self._bystanders, new=self._awaits_new)

    def _is_awaited(self, wanted: Wanted) -> bool:
        """Tell whether a service has not the container that it had, or names: a new one may be it, and is looked at at once."""
        found = self.found.get(wanted.name)
        if found is None or found.target is None:
            return wanted.name in self._matched or bool(wanted.container or wanted.compose_service)
        return not holds_port(found.target)

    def _is_known(self, service: str, found: Match) -> bool:
        """Say whether a service still has the target that it had. Who has not seen all yet tells of no other one."""
        before = self.found.get(service)
        if before is None or before.target is None or found.target is None:
            return False
        return before.target.incarnation.target_id == found.target.incarnation.target_id

    def _say_problem(self, name: str, problem: str) -> None:
        """Say it once: an engine that stays away is no news."""
        if self._problems.get(name, "") == problem:
            return
        self._problems[name] = problem
        if problem:
            self._log.warning("engine_unreachable", engine=name, error=problem)
        else:
            self._log.info("engine_reachable", engine=name)


def _is_same(before: Target | None, after: Target) -> bool:
    return before is not None and before.incarnation.target_id == after.incarnation.target_id and is_in_place(before, after)
