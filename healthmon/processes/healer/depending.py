"""The part of the healer that publishes what containers depend on, whether a service watches it or nobody does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.heal.compose_dependencies import dependencies
from healthmon.store import container_dependencies

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from healthmon.log import Log
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection

Known = dict[tuple[int, str], "ContainerDependency"]


class Depending:
    """Writes only what changed, and remembers since when a dependency has been in trouble."""

    def __init__(self, connection: Connection, log: Log) -> None:
        self._log = log
        self._published: Known = {(one.service_id, one.name): one for one in container_dependencies.load(connection)}
        self._found = self._published

    def look(self, matched: Mapping[int, Target], seen: Collection[Target], now: datetime) -> None:
        """Take in what a look at all containers found."""
        self._found = {(one.service_id, one.name): self._dated(one, now) for one in dependencies(matched, seen)}

    @property
    def has_news(self) -> bool:
        return self._found != self._published

    def publish(self, connection: Connection, now: datetime) -> None:
        container_dependencies.publish(connection, self._found.values(), now=now)

    def published(self) -> None:
        """Take in that what was written is kept."""
        for key, one in self._found.items():
            before = self._published.get(key)
            if one.watched_by is None and one.trouble != ("" if before is None else before.trouble):
                self._log.info("dependency_seen", name=one.name, container=one.container, trouble=one.trouble or "none")
        self._published = self._found

    def _dated(self, one: ContainerDependency, now: datetime) -> ContainerDependency:
        if not one.trouble:
            return one
        before = self._published.get((one.service_id, one.name))
        lasts = before is not None and before.trouble and before.since is not None
        return replace(one, since=before.since if before is not None and lasts else now)
