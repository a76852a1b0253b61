"""What do the rows of the earlier script's database mean to us?

Its times are text with or without a T, a fraction and a zone; its words are healthy, unhealthy and whatever else it wrote
when it did not know.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.alert import AlertSeverity
from healthmon.model.check import MAX_ERROR_CHARS, CheckReason, CheckStatus, Outcome
from healthmon.model.status import ServiceStatus
from healthmon.status.uptime import Booked, Span, book

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

BELIEVED = timedelta(seconds=100)  # as long as a look of every 30 s with a timeout of 10 s
_STATUSES = {
    CheckStatus.HEALTHY: ServiceStatus.HEALTHY,
    CheckStatus.UNHEALTHY: ServiceStatus.UNHEALTHY,
    CheckStatus.UNKNOWN: ServiceStatus.UNKNOWN,
}
_REASONS = (
    ("timeout", CheckReason.TIMEOUT),
    ("timed out", CheckReason.TIMEOUT),
    ("refused", CheckReason.REFUSED),
    ("reset", CheckReason.RESET),
    ("name or service not known", CheckReason.DNS),
    ("certificate", CheckReason.TLS),
)


def moment(text: str, zone: tzinfo) -> datetime | None:
    """Return a time as it was written; `zone` is that of times that do not say theirs. None for what is no time."""
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def outcome(status: str, response_time_s: float | None, status_code: int | None, error: str | None) -> Outcome:
    """Return what a look found, in our words."""
    message = None if not error else error[:MAX_ERROR_CHARS]
    return Outcome(
        reason=_reason(status.strip().lower(), status_code, (error or "").lower()),
        response_time_s=response_time_s if response_time_s is not None and response_time_s >= 0 else None,
        status_code=status_code,
        error_message=message,
    )


def severity(word: str) -> AlertSeverity:
    """Return an alert's severity; what we do not know is a warning."""
    known = {one.value: one for one in AlertSeverity}
    return known.get(word.strip().lower(), AlertSeverity.WARNING)


def booked(looks: Iterable[tuple[datetime, CheckStatus]]) -> dict[datetime, Booked]:
    """Return the time that follows from the looks at one service, oldest first: what a look says holds until the next."""
    hours: dict[datetime, Booked] = {}
    before: tuple[datetime, CheckStatus] | None = None
    for at, status in looks:
        if before is not None and before[0] < at:
            known_until = min(at, before[0] + BELIEVED)
            hours |= book(hours, Span(status=_STATUSES[before[1]], start=before[0], end=known_until))
            hours |= book(hours, Span(status=ServiceStatus.UNKNOWN, start=known_until, end=at))
        before = (at, status)
    return hours


def _reason(status: str, status_code: int | None, error: str) -> CheckReason:
    if status in {"healthy", "up", "ok"}:
        return CheckReason.OK
    if status == "unknown":
        return CheckReason.NO_DATA
    found = next((reason for word, reason in _REASONS if word in error), None)
    if found is not None:
        return found
    return CheckReason.PROTOCOL if status_code is None else CheckReason.STATUS
