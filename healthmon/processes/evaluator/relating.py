"""The part of the evaluator that finds out who is ill because of what, and who speaks for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.alerts.dependencies import roots
from healthmon.alerts.speaking import speakers
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from healthmon.alerts.dependencies import Node
    from healthmon.alerts.speaking import Speaker
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.conversation import Conversation
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """`roots` is what is at the bottom of each ill service, by service_id; `troubles` are the containers among them, by their keys."""

    roots: Mapping[int, Node]
    troubles: Mapping[str, ContainerDependency]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Who speaks for whom. `dependents` are the names of those that are ill because of another, spoken of or not, by that one."""

    speaking: Mapping[str, Speaker]
    because: Mapping[int, ContainerDependency]  # by service, what it speaks for all that depend on it
    dependents: Mapping[int, tuple[str, ...]]


NO_TIES = Ties(speaking={}, because={}, dependents={})


def flapping(scene: Scene) -> set[int]:
    return {sid for sid, one in scene.flapping.items() if one.is_flapping}


def causes(scene: Scene, depending: Depending) -> Causes:
    """Find out what is at the bottom of each service that is ill."""
    ill = {sid for sid, state in scene.states.items() if state.status is ServiceStatus.UNHEALTHY} | scene.incidents.keys()
    depends_on, troubles = depending.graph(scene.states)
    return Causes(roots=roots(depends_on, ill | flapping(scene) | troubles.keys()), troubles=troubles)


def ties(found: Causes, spoken: Mapping[int, Conversation], muted: Collection[int], names: Mapping[int, str]) -> Ties:
    """Find out who speaks for whom; `names` are by service_id."""
    speaking = speakers(spoken, found.roots, muted)
    dependents: dict[int, list[str]] = {}
    for sid, root in found.roots.items():
        speaker = speaking[root].service_id if isinstance(root, str) and root in speaking else root
        if isinstance(speaker, int) and sid != speaker and sid in names:
            dependents.setdefault(speaker, []).append(names[sid])
    return Ties(
        speaking=speaking,
        because={speaker.service_id: found.troubles[key] for key, speaker in speaking.items()},
        dependents={root: tuple(told) for root, told in dependents.items()},
    )
