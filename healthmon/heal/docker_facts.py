"""What does the engine's answer to an inspect, or a row of its list, say of a container as a target?

Pure: the engine's JSON comes in, values go out. What was measured and read about these words is in
`reference/healing.md`, part 6 and tests T05 to T08, T14 to T22.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.docker_health import HealthCheck, grace_s, read_health_check
from healthmon.heal.docker_network import addresses, published_ports, shares_network_of
from healthmon.heal.docker_words import Json, read_signal, read_time
from healthmon.heal.labels import kept
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetNetwork, TargetState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

DEFAULT_STOP_TIMEOUT_S = 10
MAX_STOP_TIMEOUT_S = 600
_IN_PARENTHESES = re.compile(r"\([^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What one inspect said. `facts` lacks only what time and events add; `finish` adds it."""

    facts: Target
    health_check: HealthCheck | None
    stop_signal: int
    hides_signals: bool  # it has a label `signal`, and the engine writes labels over what its events say
    hides_exit_codes: bool  # the same with a label `exitCode`
    finished_at: datetime | None
    names: frozenset[str]  # by which other containers reach it, addresses too


def read_container(inspect: Json, *, own_ids: Iterable[str], now: datetime) -> Container:
    """Read the engine's answer to an inspect. `own_ids` are prefixes of the id of the container that we run in."""
    state, config = inspect["State"], inspect["Config"]
    labels: Json = config.get("Labels") or {}
    facts = _target(inspect, labels, own_ids=own_ids, now=now)
    return Container(
        facts=facts,
        health_check=read_health_check(state, config),
        stop_signal=read_signal(config.get("StopSignal")),
        hides_signals="signal" in labels,
        hides_exit_codes="exitCode" in labels,
        finished_at=read_time(state.get("FinishedAt")),
        names=frozenset({facts.name, facts.compose_service, *addresses(inspect)} - {""}),
    )


def row_key(row: Json) -> tuple[str, ...]:
    """Return what changes in a row of the list whenever an inspect would say something new about the state.

    The status text without its age keeps exit code and health; the id of a network endpoint is new with every start.
    """
    networks: Json = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return (
        str(row.get("State")),
        *_IN_PARENTHESES.findall(row.get("Status") or ""),
        *sorted(row.get("Names") or ()),
        *(str((network or {}).get("EndpointID")) for _, network in sorted(networks.items())),
    )


def _target(inspect: Json, labels: Json, *, own_ids: Iterable[str], now: datetime) -> Target:
    state, config, host = inspect["State"], inspect["Config"], inspect["HostConfig"]
    policy: Json = host.get("RestartPolicy") or {}
    shares = shares_network_of(host)
    return Target(
        kind=TargetKind.DOCKER,
        incarnation=Incarnation(target_id=inspect["Id"], started=state.get("StartedAt") or ""),
        name=str(inspect["Name"]).lstrip("/"),
        state=_state(state),
        health=TargetHealth.NONE,
        started_at=read_time(state.get("StartedAt")),
        image_id=inspect.get("Image") or "",
        config_hash=labels.get("com.docker.compose.config-hash", ""),
        compose_project=labels.get("com.docker.compose.project", ""),
        compose_service=labels.get("com.docker.compose.service", ""),
        restart_policy=policy.get("Name") or "no",
        restart_limit=int(policy.get("MaximumRetryCount") or 0),
        restart_count=int(inspect.get("RestartCount") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        stop_timeout_s=_stop_timeout_s(config.get("StopTimeout")),
        published_ports=published_ports(inspect),
        stopped_by_person=False,
        untouchable=_untouchable(inspect["Id"], labels, host, own_ids),
        observed_at=now,
        compose_depends_on=_depends_on(labels),
        health_grace_s=grace_s(config),
        network=TargetNetwork.SHARED if shares else TargetNetwork.OWN,
        network_of=shares,
        labels=kept(labels),
    )


def _state(state: Json) -> TargetState:
    """Fold the flags: all three can be true at once, and paused wins over restarting over running."""
    if state.get("Paused"):
        return TargetState.PAUSED
    if state.get("Restarting"):
        return TargetState.RESTARTING
    if state.get("Running"):
        return TargetState.RUNNING
    word = state.get("Status")
    return TargetState(word) if word in {"created", "removing", "dead"} else TargetState.EXITED


def _stop_timeout_s(configured: int | None) -> int:
    if configured is None:
        return DEFAULT_STOP_TIMEOUT_S
    return MAX_STOP_TIMEOUT_S if configured < 0 else min(configured, MAX_STOP_TIMEOUT_S)  # -1 waits for ever


def _untouchable(target_id: str, labels: Json, host: Json, own_ids: Iterable[str]) -> str:
    if any(target_id.startswith(own) for own in own_ids):
        return "ourselves"
    if labels.get("com.docker.swarm.task.id"):
        return "swarm_task"
    if str(labels.get("com.docker.compose.oneoff", "")).lower() == "true":
        return "one_off"
    return "auto_remove" if host.get("AutoRemove") else ""


def _depends_on(labels: Json) -> tuple[str, ...]:
    """Return the names in Compose's label: `redis:service_started:false,db:service_healthy:true`."""
    declared = str(labels.get("com.docker.compose.depends_on") or "").split(",")
    return tuple(dict.fromkeys(name for one in declared if (name := one.partition(":")[0].strip())))
