"""What do the engine's own words about a container, and the events that were remembered, say of it as a target?

Pure: the engine's JSON comes in, values go out. What was measured and read about these words is in
`reference/healing.md`, part 6 and tests T05 to T08, T14 to T22.
"""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from healthmon.heal.labels import kept
from healthmon.log import clean
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetNetwork, TargetState
from healthmon.redaction import redact

Json = Mapping[str, Any]  # what the engine says, of any shape: the one place where it is taken apart

DEFAULT_STOP_TIMEOUT_S = 10
MAX_STOP_TIMEOUT_S = 600
DEFAULT_HEALTH_INTERVAL_S = 30.0
DEFAULT_HEALTH_RETRIES = 3
HEALTH_SLACK_S = 10.0  # the engine starts each check on its own time
MAX_OUTPUT_CHARS = 300
MIN_HEALTH_TRUST_S = 90.0
STOP_UNDER_WAY_S = 900.0  # a container that ran on for longer than this after a signal was not stopped by it
UNKNOWN_SIGNAL = -1  # of a kill whose signal cannot be read: taken as a stop
BEGINS_WITHIN = timedelta(seconds=3)  # a stop that begins later after our call, or after the engine's return, is no sure one of ours
NOTICED_WITHIN = timedelta(seconds=10)  # a return of the engine is seen at the first look after it
OURS_AFTER_STOP_S = 60.0  # the engine kills, waits 10 s, kills again, waits 2 s and starts: with room for a slow host
MAX_SIGNAL_DIGITS = 3
_ID = re.compile(r"[0-9a-f]{64}")
_IN_PARENTHESES = re.compile(r"\([^)]*\)")
_STOPPING = frozenset({signals.SIGTERM, signals.SIGKILL, signals.SIGINT, signals.SIGQUIT})
_RUNS = frozenset({TargetState.RUNNING, TargetState.PAUSED})
_LOCAL_BINDS = frozenset({"", "0.0.0.0", "::", "::1"})  # noqa: S104  read, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The state of Docker's own check, as it was at the inspect."""

    status: TargetHealth
    failing_streak: int
    last_exit_code: int | None  # None while it has not run once
    last_end: datetime | None
    trusted_s: float  # how long a result counts without the next one
    last_output: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the engine's stream. `signal` is that of a kill; 0 for all other actions."""

    target_id: str
    action: str
    signal: int
    at: datetime
    exit_code: int | None  # of a die
    key: tuple[str, str, int]  # the same event, told twice, has the same key


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A signal that somebody had the engine send; signal 0 is a finished `stop`, whatever its signal was."""

    signal: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run of a container ended, by the engine's events: an inspect forgets it with the next start."""

    exit_code: int
    oom_killed: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRestart:
    """A time in which what happens to a container follows from a restart that we asked for.

    `begins_by` is None while our call is under way: all of the time is ours then. When nobody knows whether the call
    reached the engine, it is the last moment at which a stop is taken for the beginning of ours.
    """

    since: datetime
    until: datetime
    begins_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the events said of one container since its last start."""

    stops: tuple[Stop, ...] = ()
    own_restarts: tuple[OwnRestart, ...] = ()
    engine_returned_at: datetime | None = None
    end: End | None = None  # of the newest run that ended


def read_container(inspect: Json, *, own_ids: Iterable[str], now: datetime) -> Container:
    """Read the engine's answer to an inspect. `own_ids` are prefixes of the id of the container that we run in."""
    state, config, host = inspect["State"], inspect["Config"], inspect["HostConfig"]
    labels: Json = config.get("Labels") or {}
    policy: Json = host.get("RestartPolicy") or {}
    shares = _shares_network_of(host)
    facts = Target(
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
        published_ports=_published_ports(inspect),
        stopped_by_person=False,
        untouchable=_untouchable(inspect["Id"], labels, host, own_ids),
        observed_at=now,
        compose_depends_on=_depends_on(labels),
        health_grace_s=_health_grace_s(config),
        network=TargetNetwork.SHARED if shares else TargetNetwork.OWN,
        network_of=shares,
        labels=kept(labels),
    )
    return Container(
        facts=facts,
        health_check=_health_check(state, config),
        stop_signal=read_signal(config.get("StopSignal")),
        hides_signals="signal" in labels,
        hides_exit_codes="exitCode" in labels,
        finished_at=read_time(state.get("FinishedAt")),
        names=_names(facts, inspect),
    )


def finish(container: Container, remembered: Remembered, *, now: datetime) -> Target:
    """Add what depends on time and on events."""
    end = remembered.end if container.facts.state in _RUNS and not container.hides_exit_codes else None
    return replace(
        container.facts,
        previous_exit_code=None if end is None else end.exit_code,
        previous_oom_killed=end is not None and end.oom_killed,
        health=health(container, now=now),
        health_output="" if container.health_check is None else container.health_check.last_output,
        stopped_by_person=_stopped_by_person(container, remembered, now),
        observed_at=now,
    )


def in_network(target: Target, provider: TargetState | None) -> Target:
    """Add what became of the container whose network a target shares; None is one that is not there."""
    if not target.network_of or provider is TargetState.RUNNING:
        return target
    network = TargetNetwork.PROVIDER_GONE if provider is None else TargetNetwork.PROVIDER_STOPPED
    return replace(target, network=network)


def health(container: Container, *, now: datetime) -> TargetHealth:
    """Return the engine's verdict where it is one, else that it is unknown.

    The engine says "unhealthy" whenever it closes its monitor, at a stop or a pause, without a failed check (T05);
    and it has kept saying "healthy" for months after its monitor had died (T07).
    """
    check = container.health_check
    if check is None or container.facts.state is not TargetState.RUNNING:
        return TargetHealth.NONE
    if check.status is TargetHealth.STARTING:
        return check.status
    if is_stale(check, now=now):
        return TargetHealth.UNKNOWN
    if check.status is TargetHealth.UNHEALTHY and (check.failing_streak == 0 or check.last_exit_code == 0):
        return TargetHealth.UNKNOWN
    return check.status


def is_stale(check: HealthCheck, *, now: datetime) -> bool:
    """Say whether the newest result is too old to speak of now."""
    return check.last_end is None or (now - check.last_end).total_seconds() > check.trusted_s


def read_id(row: Json) -> str:
    """Return the id in a row of the list. Raises ValueError or TypeError for what no container can have."""
    if not _ID.fullmatch(row["Id"]):
        raise ValueError(f"{row['Id']!r} is no id of a container")
    return str(row["Id"])


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


def read_event(raw: Json) -> Event | None:
    """Read one event of the stream; None for what is not about a container.

    The engine writes the container's labels over an event's attributes: none of them is read, but a kill's signal and a die's exit code.
    """
    actor: Json = raw.get("Actor") or {}
    target_id, action = actor.get("ID") or raw.get("id"), raw.get("Action") or raw.get("status")
    if not target_id or not action:
        return None
    time_ns = int(raw.get("timeNano") or int(raw.get("time") or 0) * 10**9)
    word = str(action).partition(":")[0]  # "health_status: unhealthy"
    return Event(
        target_id=str(target_id),
        action=word,
        signal=(_kill_signal(actor) or UNKNOWN_SIGNAL) if word == "kill" else 0,
        at=datetime.fromtimestamp(time_ns / 1e9, UTC),
        exit_code=_exit_code(actor) if word == "die" else None,
        key=(str(target_id), str(action), time_ns),
    )


def own_restart(since: datetime, stop_timeout_s: int) -> OwnRestart:
    """Return the longest time in which a restart of ours can show effects."""
    return OwnRestart(since=since, until=since + timedelta(seconds=stop_timeout_s + OURS_AFTER_STOP_S))


def read_time(text: str | None) -> datetime | None:
    """Read the engine's time; its year 1 means never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def read_signal(text: str | None) -> int:
    """Read a signal as the engine and its users write it: "15", "TERM", "SIGTERM", "SIGRTMIN+3". 0 is none known."""
    if not text:
        return 0
    if text.isdecimal():
        return int(text) if len(text) <= MAX_SIGNAL_DIGITS else 0
    name, _, above = text.upper().removeprefix("SIG").partition("+")
    known = signals.Signals.__members__.get(f"SIG{name}")
    if known is None or (above and not (above.isdecimal() and len(above) <= MAX_SIGNAL_DIGITS)):
        return 0
    return known + int(above or 0)


def _kill_signal(actor: Json) -> int:
    said = (actor.get("Attributes") or {}).get("signal")
    return read_signal(str(said)) if said is not None else 0


def _exit_code(actor: Json) -> int | None:
    said = str((actor.get("Attributes") or {}).get("exitCode", ""))
    return int(said) if said.isdecimal() else None


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


def _names(facts: Target, inspect: Json) -> frozenset[str]:
    networks: Json = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    found = {facts.name, facts.compose_service}
    for network in networks.values():
        settings: Json = network or {}
        found.update((*(settings.get("Aliases") or ()), str(settings.get("IPAddress") or "")))
    return frozenset(found - {""})


def _published_ports(inspect: Json) -> tuple[int, ...]:
    """Return the TCP ports at which this host reaches the container, or would if it were running."""
    now = (inspect.get("NetworkSettings") or {}).get("Ports") or {}
    configured = inspect["HostConfig"].get("PortBindings") or {}
    binds = [
        bind for ports in (now, configured) for port, binds in ports.items() if port.endswith("/tcp") for bind in binds or ()
    ]
    return tuple(sorted({int(bind["HostPort"]) for bind in binds if bind.get("HostPort", "").isdecimal() and _is_local(bind)} - {0}))


def _is_local(bind: Json) -> bool:
    host = bind.get("HostIp") or ""
    return host in _LOCAL_BINDS or host.startswith("127.")


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


def _health_check(state: Json, config: Json) -> HealthCheck | None:
    found: Json = state.get("Health") or {}
    status = found.get("Status") or TargetHealth.NONE
    if status not in {TargetHealth.STARTING, TargetHealth.HEALTHY, TargetHealth.UNHEALTHY}:
        return None
    log = found.get("Log") or []
    test: Json = config.get("Healthcheck") or {}
    interval_s = _seconds(test.get("Interval")) or DEFAULT_HEALTH_INTERVAL_S
    timeout_s = _seconds(test.get("Timeout")) or DEFAULT_HEALTH_INTERVAL_S
    return HealthCheck(
        status=TargetHealth(status),
        failing_streak=int(found.get("FailingStreak") or 0),
        last_exit_code=log[-1].get("ExitCode") if log else None,
        last_end=read_time(log[-1].get("End")) if log else None,
        trusted_s=max(3 * interval_s, interval_s + timeout_s + 30, MIN_HEALTH_TRUST_S),
        last_output=_in_one_line(log[-1].get("Output")) if log else "",
    )


def _health_grace_s(config: Json) -> float:
    """Return how long after a start the engine may take to call a container unhealthy: until then it has not judged it."""
    test: Json = config.get("Healthcheck") or {}
    command = test.get("Test") or ()
    if not command or command[0] == "NONE":
        return 0.0
    interval_s = _seconds(test.get("Interval")) or DEFAULT_HEALTH_INTERVAL_S
    retries = int(test.get("Retries") or DEFAULT_HEALTH_RETRIES)
    return _seconds(test.get("StartPeriod")) + retries * interval_s + HEALTH_SLACK_S


def _in_one_line(output: str | None) -> str:
    """Return the end of what a check wrote, fit to be shown and stored: errors stand last."""
    said = redact(" | ".join(clean(line).strip() for line in (output or "").splitlines() if line.strip()))
    return said if len(said) <= MAX_OUTPUT_CHARS else f"…{said[-MAX_OUTPUT_CHARS:]}"


def _shares_network_of(host: Json) -> str:
    """Return the id of the container whose network a container was made with; nothing for one with its own."""
    kind, _, provider = str(host.get("NetworkMode") or "").partition(":")
    return provider if kind == "container" else ""


def _seconds(nanoseconds: int | None) -> float:
    return (nanoseconds or 0) / 1e9


def _stopped_by_person(container: Container, remembered: Remembered, now: datetime) -> bool:
    """Say whether a stop that was not ours came after the last start: done, or still under way (T14, T15)."""
    return any(_counts(stop, container, now) and not is_ours(stop, remembered) for stop in remembered.stops)


def _counts(stop: Stop, container: Container, now: datetime) -> bool:
    """Say whether a signal is a stop of this run: a reload is none, nor is a thread dump that it survived for long."""
    if container.facts.started_at is not None and stop.at < container.facts.started_at:
        return False
    if stop.signal == 0:
        return True
    readable = stop.signal != UNKNOWN_SIGNAL and not container.hides_signals
    if readable and stop.signal not in _STOPPING and stop.signal != container.stop_signal:
        return False
    end = now if container.facts.state in _RUNS else container.finished_at or now
    return (end - stop.at).total_seconds() <= STOP_UNDER_WAY_S


def is_ours(stop: Stop, remembered: Remembered) -> bool:
    """Say whether a stop follows from a restart of ours. In doubt it is a person's: what they stop stays stopped."""
    return any(_follows_from(own, stop, remembered) for own in remembered.own_restarts)


def _follows_from(own: OwnRestart, stop: Stop, remembered: Remembered) -> bool:
    if own.begins_by is None:
        return own.since <= stop.at <= own.until
    for begin, end, until in _beginnings(own, own.begins_by, remembered.engine_returned_at):
        if begin <= stop.at <= end:
            return True
        begun = any(begin <= first.at <= end for first in remembered.stops)
        if begun and end < stop.at <= until and stop.signal in {0, signals.SIGKILL}:  # the rest of a stop that began as ours
            return True
    return False


def _beginnings(own: OwnRestart, begins_by: datetime, returned_at: datetime | None) -> list[tuple[datetime, datetime, datetime]]:
    """Return when a restart may have begun, and until when it may last: at our call, or when a frozen engine came back."""
    found = [(own.since, begins_by, own.until)]
    if returned_at is not None and returned_at > own.since:
        begin, end = max(own.since, returned_at - NOTICED_WITHIN), returned_at + BEGINS_WITHIN
        found.append((begin, end, end + (own.until - own.since)))
    return found
