"""Which containers share another one's network, and which of them follow it when it has been restarted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.network_sharer import NetworkSharer
from healthmon.model.target import Target, TargetState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

FOLLOWS = "follows the container whose network it uses"


def sharers(matched: Mapping[int, Target], seen: Collection[Target]) -> list[NetworkSharer]:
    """Return the containers that could follow another. `matched` is by service_id, `seen` are all containers there are."""
    watched_by = {target.incarnation.target_id: sid for sid, target in reversed(list(matched.items()))}
    return [
        NetworkSharer(
            provider_id=target.network_of,
            incarnation=target.incarnation,
            name=target.name,
            started_at=target.started_at,
            stop_timeout_s=target.stop_timeout_s,
            service_id=watched_by.get(target.incarnation.target_id),
        )
        for target in seen
        if target.network_of and target.started_at is not None and _may_follow(target)
    ]


def followers(heal: Heal, known: Iterable[NetworkSharer], now: datetime) -> list[Heal]:
    """Return the restarts that belong to a verified one: of what was in the container's network, and still is in its old one."""
    again_at = heal.returned_at or now
    return [
        Heal(
            heal_id=0,
            service_id=heal.service_id if one.service_id is None else one.service_id,
            incident_id=heal.incident_id,
            attempt=heal.attempt,
            action=HealAction.RESTART,
            state=HealState.PLANNED,
            incarnation=one.incarnation,
            target_name=one.name,
            stop_timeout_s=one.stop_timeout_s,
            planned_at=now,
            detail=FOLLOWS,
            follows=heal.heal_id,
        )
        for one in known
        if one.provider_id == heal.incarnation.target_id and one.started_at < again_at
    ]


def _may_follow(target: Target) -> bool:
    return target.state is TargetState.RUNNING and not target.untouchable and not target.stopped_by_person
