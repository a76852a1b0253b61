"""How does a check stand in a row of `checks`? Its words are numbers there, to keep rows small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.check import Check, CheckKind, CheckReason, CheckStatus, Outcome
from healthmon.store.row import integer, integer_or_none, text, text_or_none, time

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

STATUS_NUMBERS = {CheckStatus.UNHEALTHY: 0, CheckStatus.HEALTHY: 1, CheckStatus.UNKNOWN: 2}
KIND_NUMBERS = {CheckKind.SCHEDULED: 0, CheckKind.RECHECK: 1, CheckKind.REQUESTED: 2}
STATUSES = {number: status for status, number in STATUS_NUMBERS.items()}
KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}
COLUMNS = "service_id, kind, timestamp, response_time_us, status_code, reason, error_message"  # as check_of wants them


def check_row(check: Check) -> tuple[apsw.SQLiteValue, ...]:
    outcome = check.outcome
    seconds = outcome.response_time_s
    return (
        clock.to_sql(check.checked_at),
        check.service_id,
        KIND_NUMBERS[check.kind],
        STATUS_NUMBERS[check.status],
        None if seconds is None else round(seconds * 1e6),
        outcome.status_code,
        None if outcome.reason is CheckReason.OK else outcome.reason.value,
        outcome.error_message,
    )


def check_of(row: Sequence[apsw.SQLiteValue]) -> Check:
    service_id, kind, timestamp, response_time_us, status_code, reason, error_message = row
    microseconds = integer_or_none(response_time_us)
    return Check(
        service_id=integer(service_id),
        kind=KINDS[integer(kind)],
        checked_at=time(timestamp),
        outcome=Outcome(
            reason=CheckReason.OK if reason is None else CheckReason(text(reason)),
            response_time_s=None if microseconds is None else microseconds / 1e6,
            status_code=integer_or_none(status_code),
            error_message=text_or_none(error_message),
        ),
    )
