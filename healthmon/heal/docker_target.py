"""What is a container as a target, once what time and events say is added to what an inspect said?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.heal.docker_health import verdict
from healthmon.heal.docker_stops import is_stopped_by_person
from healthmon.model.target import Target, TargetHealth, TargetNetwork, TargetState

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.docker_facts import Container
    from healthmon.heal.docker_stops import Remembered

_RUNS = frozenset({TargetState.RUNNING, TargetState.PAUSED})


def finish(container: Container, remembered: Remembered, *, now: datetime) -> Target:
    """Add what depends on time and on events."""
    end = remembered.end if container.facts.state in _RUNS and not container.hides_exit_codes else None
    return replace(
        container.facts,
        previous_exit_code=None if end is None else end.exit_code,
        previous_oom_killed=end is not None and end.oom_killed,
        health=_health(container, now),
        health_output="" if container.health_check is None else container.health_check.last_output,
        stopped_by_person=is_stopped_by_person(container, remembered, now),
        observed_at=now,
    )


def in_network(target: Target, provider: TargetState | None) -> Target:
    """Add what became of the container whose network a target shares; None is one that is not there."""
    if not target.network_of or provider is TargetState.RUNNING:
        return target
    network = TargetNetwork.PROVIDER_GONE if provider is None else TargetNetwork.PROVIDER_STOPPED
    return replace(target, network=network)


def _health(container: Container, now: datetime) -> TargetHealth:
    check = container.health_check
    runs = container.facts.state is TargetState.RUNNING
    return verdict(check, now=now) if check is not None and runs else TargetHealth.NONE
