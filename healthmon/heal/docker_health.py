"""What does Docker's own health check say of a container, and when is that a verdict?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.docker_words import read_time, seconds
from healthmon.log import clean
from healthmon.model.target import TargetHealth
from healthmon.redaction import redact

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.docker_words import Json

DEFAULT_INTERVAL_S = 30.0
DEFAULT_RETRIES = 3
SLACK_S = 10.0  # the engine starts each check on its own time
MAX_OUTPUT_CHARS = 300
MIN_TRUST_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The state of Docker's own check, as it was at the inspect."""

    status: TargetHealth
    failing_streak: int
    last_exit_code: int | None  # None while it has not run once
    last_end: datetime | None
    trusted_s: float  # how long a result counts without the next one
    last_output: str


def read_health_check(state: Json, config: Json) -> HealthCheck | None:
    found: Json = state.get("Health") or {}
    status = found.get("Status") or TargetHealth.NONE
    if status not in {TargetHealth.STARTING, TargetHealth.HEALTHY, TargetHealth.UNHEALTHY}:
        return None
    log = found.get("Log") or []
    test: Json = config.get("Healthcheck") or {}
    interval_s = seconds(test.get("Interval")) or DEFAULT_INTERVAL_S
    timeout_s = seconds(test.get("Timeout")) or DEFAULT_INTERVAL_S
    return HealthCheck(
        status=TargetHealth(status),
        failing_streak=int(found.get("FailingStreak") or 0),
        last_exit_code=log[-1].get("ExitCode") if log else None,
        last_end=read_time(log[-1].get("End")) if log else None,
        trusted_s=max(3 * interval_s, interval_s + timeout_s + 30, MIN_TRUST_S),
        last_output=_in_one_line(log[-1].get("Output")) if log else "",
    )


def verdict(check: HealthCheck, *, now: datetime) -> TargetHealth:
    """Return what a running container's check says where that is a verdict, else that it is unknown.

    The engine says "unhealthy" whenever it closes its monitor, at a stop or a pause, without a failed check (T05);
    and it has kept saying "healthy" for months after its monitor had died (T07).
    """
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


def grace_s(config: Json) -> float:
    """Return how long after a start the engine may take to call a container unhealthy: until then it has not judged it."""
    test: Json = config.get("Healthcheck") or {}
    command = test.get("Test") or ()
    if not command or command[0] == "NONE":
        return 0.0
    interval_s = seconds(test.get("Interval")) or DEFAULT_INTERVAL_S
    retries = int(test.get("Retries") or DEFAULT_RETRIES)
    return seconds(test.get("StartPeriod")) + retries * interval_s + SLACK_S


def _in_one_line(output: str | None) -> str:
    """Return the end of what a check wrote, fit to be shown and stored: errors stand last."""
    said = redact(" | ".join(clean(line).strip() for line in (output or "").splitlines() if line.strip()))
    return said if len(said) <= MAX_OUTPUT_CHARS else f"…{said[-MAX_OUTPUT_CHARS:]}"
