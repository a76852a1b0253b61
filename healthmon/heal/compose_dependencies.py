"""Which containers do the containers of services depend on, and which of those are in trouble?

Compose writes what a service's file declares into a label of its containers: `redis:service_started:false,db:…`. A container
that uses another's network depends on that one, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.heal.condition import condition
from healthmon.model.container_dependency import ContainerDependency
from healthmon.model.target import Target, TargetHealth, TargetState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

ENDS_BY_ITSELF = frozenset({"no", "on-failure"})  # restart policies under which a job that has done its work stays ended
MISSING = "has no container"


def dependencies(matched: Mapping[int, Target], seen: Collection[Target]) -> list[ContainerDependency]:
    """Return what each service's container depends on. `matched` is by service_id, `seen` are all containers there are."""
    watched_by = {target.incarnation.target_id: sid for sid, target in reversed(list(matched.items()))}
    return [one for sid, target in matched.items() for one in _of(sid, target, seen, watched_by)]


def trouble(target: Target) -> str:
    """Return what speaks against a container that others depend on; nothing for one that is well, or a job that is done."""
    if target.state is TargetState.RUNNING:
        return "is unhealthy by its own health check" if target.health is TargetHealth.UNHEALTHY else ""
    done = target.state is TargetState.EXITED and target.exit_code == 0 and not target.stopped_by_person
    return "" if done and target.restart_policy in ENDS_BY_ITSELF else condition(target)


def _of(sid: int, target: Target, seen: Collection[Target], watched_by: Mapping[str, int]) -> Iterator[ContainerDependency]:
    for provider in seen:
        if target.network_of and provider.incarnation.target_id == target.network_of:
            watcher = watched_by.get(target.network_of)
            yield ContainerDependency(
                service_id=sid, name=provider.name, container=provider.name, watched_by=watcher, trouble=trouble(provider)
            )
    for name in target.compose_depends_on:
        found = _best([one for one in seen if _is(one, name, target.compose_project)])
        if found is None:
            yield ContainerDependency(service_id=sid, name=name, container="", watched_by=None, trouble=MISSING)
            continue
        watcher = watched_by.get(found.incarnation.target_id)
        if watcher != sid:
            yield ContainerDependency(
                service_id=sid,
                name=name,
                container=found.name,
                watched_by=watcher,
                trouble=trouble(found),
            )


def _is(target: Target, name: str, project: str) -> bool:
    return target.compose_service == name and target.compose_project == project and target.untouchable != "one_off"


def _best(replicas: list[Target]) -> Target | None:
    """Of several that are one Compose service, one that is well speaks for them."""
    return min(replicas, key=lambda one: (bool(trouble(one)), one.name), default=None)
