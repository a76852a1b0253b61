"""What can be restarted to heal a service, and how is it right now?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class TargetKind(StrEnum):
    DOCKER = "docker"  # a container
    SUPERVISOR = "supervisor"  # a program of our own supervisord, as in the demo


class TargetState(StrEnum):
    """Docker's own words; supervisord's states are folded into them."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class TargetHealth(StrEnum):
    """Docker's health check. `none` means that the container has none; `unknown`, that what it says does not count now."""

    NONE = "none"
    UNKNOWN = "unknown"  # no fresh result, or the engine's word for a check that it has switched off
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class TargetNetwork(StrEnum):
    """Whose network a container uses: one that shares another's cannot start without it, and is deaf once that one started anew."""

    OWN = "own"
    SHARED = "shared"
    PROVIDER_STOPPED = "provider_stopped"
    PROVIDER_GONE = "provider_gone"  # the container whose network it was made with is not there any more


class TargetChange(StrEnum):
    """What is another than before of what a service runs as."""

    IMAGE = "image"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incarnation:
    """One run of one target: another start is another incarnation, whoever made it.

    `target_id` is the full container id, or `supervisor:<group>:<name>`; `started` is the engine's own text for
    the start, compared for equality only.
    """

    target_id: str
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the healer saw of a target. Facts only: what follows from them is decided in `heal/policy.py`."""

    kind: TargetKind
    incarnation: Incarnation
    name: str
    state: TargetState
    health: TargetHealth
    started_at: datetime | None
    image_id: str
    config_hash: str  # Compose's; "" where there is none
    compose_project: str
    compose_service: str
    restart_policy: str  # "no", "always", "unless-stopped", "on-failure"
    restart_limit: int  # of "on-failure"; 0 means without end
    restart_count: int  # of the engine's restart policy, not ours
    exit_code: int
    oom_killed: bool
    error: str  # the engine's own, when a start failed
    stop_timeout_s: int
    published_ports: tuple[int, ...]
    stopped_by_person: bool  # a kill or stop that was not ours came before the exit, or is under way
    untouchable: str  # "" or why it is never restarted: "swarm_task", "one_off", "auto_remove", "ourselves", "our_network", "socket_proxy", "no_events"
    observed_at: datetime
    previous_exit_code: int | None = None  # of the run before this one, where its end was seen
    previous_oom_killed: bool = False
    compose_depends_on: tuple[str, ...] = ()  # Compose services of its project that its file declares as dependencies
    health_output: str = ""  # what its health check wrote last, in one line
    health_grace_s: float = 0.0  # how long after a start its health check may take to say that it is ill; 0 where there is none
    network: TargetNetwork = TargetNetwork.OWN
    network_of: str = ""  # id of the container whose network it shares
    labels: tuple[tuple[str, str], ...] = ()  # those that may ask something of us; not kept in the database
