"""Which containers matter to services, and which could: what happens to all others need not be looked at before its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.matching import fold, holds_port

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from healthmon.heal.matching import Wanted
    from healthmon.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What services ask for, what they have, and what that leans on."""

    names: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()
    ids: frozenset[str] = frozenset()  # of the containers that services have
    depended_on: frozenset[tuple[str, str]] = frozenset()  # project and Compose service
    networks: frozenset[str] = frozenset()  # ids of the containers whose networks they use

    def covers(self, target: Target) -> bool:
        """Tell whether a container is, or could be, a service's, or is of weight for one that is."""
        return (
            target.incarnation.target_id in self.ids
            or self.is_leaned_on(target)
            or target.network_of in self.ids
            or target.name in self.names
            or fold(target.compose_service) in self.labels
            or not self.ports.isdisjoint(target.published_ports)
        )

    def is_leaned_on(self, target: Target) -> bool:
        """Tell whether what becomes of a container is of weight for other services than its own."""
        return target.incarnation.target_id in self.networks or (target.compose_project, target.compose_service) in self.depended_on


def interest(wanted: Iterable[Wanted], matched: Collection[Target]) -> Interest:
    """Return what matters to these services, whose containers `matched` are."""
    asking = list(wanted)
    return Interest(
        names=frozenset(one.container for one in asking if one.container),
        labels=frozenset(fold(one.compose_service or one.name) for one in asking),
        ports=frozenset(one.port for one in asking if one.port),
        ids=frozenset(one.incarnation.target_id for one in matched),
        depended_on=frozenset((one.compose_project, name) for one in matched for name in one.compose_depends_on),
        networks=frozenset(one.network_of for one in matched if one.network_of),
    )


def is_in_place(before: Target, after: Target) -> bool:
    """Tell whether all that says whose a container is has stayed the same, whatever became of it."""
    return _place(before) == _place(after)


def _place(target: Target) -> tuple[object, ...]:
    return (
        target.kind,
        target.name,
        target.compose_project,
        target.compose_service,
        target.compose_depends_on,
        target.published_ports,
        target.untouchable,
        target.network_of,
        target.labels,
        holds_port(target),
    )
