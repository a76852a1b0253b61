"""The part of the evaluator that knows what each service depends on: by the configuration, and by Compose files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.store import container_dependencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.alerts.dependencies import Node
    from healthmon.config import ServiceSettings
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.service import Service
    from healthmon.model.status import ServiceState
    from healthmon.store.connection import Connection

# Who was still healthy so long after a container went can do without it: then it is not what makes it ill.
LIVES_WITHOUT = timedelta(minutes=10)


class Depending:
    """`watched` are the services that each service depends on, what the configuration names first."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]]) -> None:
        known = list(services)
        ids = {service.name: service.service_id for service, _ in known}
        self._configured = {
            service.service_id: tuple(ids[name] for name in configured.depends_on if name in ids) for service, configured in known
        }
        self.watched: Mapping[int, tuple[int, ...]] = self._configured
        self._unwatched: Mapping[int, tuple[ContainerDependency, ...]] = {}
        self._changed_at: datetime | None = None

    def refresh(self, connection: Connection) -> bool:
        """Read what the healer published, if that is news; return whether it was."""
        changed_at = container_dependencies.changed_at(connection)
        if changed_at == self._changed_at:
            return False
        self._changed_at = changed_at
        declared: dict[int, list[ContainerDependency]] = {sid: [] for sid in self._configured}
        for one in container_dependencies.load(connection):
            if one.service_id in declared:
                declared[one.service_id].append(one)
        self.watched = {sid: self._merged(sid, declared[sid]) for sid in self._configured}
        self._unwatched = {
            sid: tuple(one for one in found if one.watched_by not in self._configured) for sid, found in declared.items()
        }
        return True

    def troubles(self, sid: int, state: ServiceState) -> tuple[ContainerDependency, ...]:
        """Return the containers that nobody watches, that a service depends on and that are in trouble."""
        return tuple(one for one in self._unwatched.get(sid, ()) if one.trouble and not _lives_without(state, one))

    def graph(self, states: Mapping[int, ServiceState]) -> tuple[dict[int, tuple[Node, ...]], dict[str, ContainerDependency]]:
        """Return what each service depends on, and by their keys the containers in trouble that nobody watches."""
        troubles = {sid: self.troubles(sid, state) for sid, state in states.items()}
        depends_on: dict[int, tuple[Node, ...]] = {
            sid: (*others, *(one.key for one in troubles.get(sid, ()))) for sid, others in self.watched.items()
        }
        return depends_on, {one.key: one for found in troubles.values() for one in found}

    def _merged(self, sid: int, declared: Iterable[ContainerDependency]) -> tuple[int, ...]:
        by_compose = [one.watched_by for one in declared if one.watched_by in self._configured]
        return tuple(dict.fromkeys((*self._configured[sid], *(other for other in by_compose if other is not None))))


def _lives_without(state: ServiceState, one: ContainerDependency) -> bool:
    healthy_at = state.last_healthy_at
    return healthy_at is not None and one.since is not None and healthy_at > one.since + LIVES_WITHOUT
