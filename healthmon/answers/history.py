"""What did the looks at one service find, one by one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import rounded
from healthmon.clock import to_iso
from healthmon.model.check import CheckReason, CheckStatus
from healthmon.store import looks

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.check import Check
    from healthmon.store.connection import Connection


class CheckDocument(TypedDict):
    timestamp: str
    status: CheckStatus
    response_time: float | None
    status_code: int | None
    reason: CheckReason
    error_message: str | None


def read_page(connection: Connection, service_id: int, *, since: datetime, before: datetime, limit: int) -> list[CheckDocument]:
    """Return the newest scheduled looks at a service within a time, newest first."""
    return list(map(_document, looks.page(connection, service_id, since=since, before=before, limit=limit)))


def _document(check: Check) -> CheckDocument:
    return CheckDocument(
        timestamp=to_iso(check.checked_at),
        status=check.status,
        response_time=rounded(check.outcome.response_time_s),
        status_code=check.outcome.status_code,
        reason=check.outcome.reason,
        error_message=check.outcome.error_message,
    )
