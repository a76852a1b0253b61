"""What did one look at one service find?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.performance import Performance

MAX_ERROR_CHARS = 500


class CheckStatus(StrEnum):
    """`unknown` is a failure of our own: it says nothing about the service."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class CheckKind(StrEnum):
    """Only scheduled checks are rows of `health_checks` and count as consecutive failures."""

    SCHEDULED = "scheduled"
    RECHECK = "recheck"  # confirms or clears a first failure
    REQUESTED = "requested"  # out of turn: the evaluator asked for it, or an event called for it


class CheckReason(StrEnum):
    """Why a check ended as it did."""

    OK = "ok"
    REFUSED = "refused"  # nobody listens on the port
    TIMEOUT = "timeout"  # the total deadline passed
    RESET = "reset"  # the connection was cut
    UNREACHABLE = "unreachable"  # a router on the way says that there is no such host
    DNS = "dns"  # the name does not exist
    TLS = "tls"  # the handshake or the certificate failed
    PROTOCOL = "protocol"  # the answer is not HTTP, or breaks off
    STATUS = "status"  # a status code that was not expected
    BODY = "body"  # the body lacks what was expected of it
    HEADER = "header"  # a header lacks what was expected of it
    TOO_LARGE = "too_large"  # the answer is larger than a health check's may be
    REDIRECT = "redirect"  # too many redirects, or one to where we do not go
    CONTAINER = "container"  # the container does not run
    HEALTHCHECK = "healthcheck"  # the container's own health check failed as often as it has to
    PLUGIN = "plugin"  # the command says that it is ill
    PROCESS = "process"  # no such process runs
    LIMIT = "limit"  # more is in use than may be
    # From here on the failure is ours, and the status is `unknown`:
    NO_NETWORK = "no_network"  # this host has no route at all, or its resolver does not answer
    NO_RESOURCES = "no_resources"  # out of file descriptors, memory or threads
    NO_ENGINE = "no_engine"  # Docker does not answer
    NO_DATA = "no_data"  # no check arrived for too long
    PLUGIN_UNKNOWN = "plugin_unknown"  # the command could not tell
    INTERNAL = "internal"  # a bug of ours


OURS = frozenset(
    {
        CheckReason.NO_NETWORK,
        CheckReason.NO_RESOURCES,
        CheckReason.NO_ENGINE,
        CheckReason.NO_DATA,
        CheckReason.PLUGIN_UNKNOWN,
        CheckReason.INTERNAL,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a probe found out, before it is known for whom and why it was asked."""

    reason: CheckReason
    response_time_s: float | None = None
    status_code: int | None = None
    error_message: str | None = None
    cert_expires_at: datetime | None = None  # of a certificate that was verified
    performance: tuple[Performance, ...] = ()  # what a plugin measured

    @property
    def status(self) -> CheckStatus:
        if self.reason is CheckReason.OK:
            return CheckStatus.HEALTHY
        return CheckStatus.UNKNOWN if self.reason in OURS else CheckStatus.UNHEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look at one service. `checked_at` is when the question was sent, not when the answer came."""

    service_id: int
    kind: CheckKind
    checked_at: datetime
    outcome: Outcome

    @property
    def status(self) -> CheckStatus:
        return self.outcome.status

    @property
    def is_good(self) -> bool:
        return self.outcome.reason is CheckReason.OK
