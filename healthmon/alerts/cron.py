"""When does a cron expression begin something, on the clock of its time zone?

Where a clock is set forward, what begins in the hour that is left out begins after it; where a clock is set back, it begins
once. These are the rules of Debian's cron.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = 5
HORIZON = timedelta(days=5 * 365)
JUDGED_FROM = datetime(2027, 1, 1, tzinfo=UTC)  # any day does: a cron expression knows no years
JUDGED_STARTS = 100


def starts(expression: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Yield when it begins after that moment, in UTC."""
    for begins in CronSim(expression, after.astimezone(ZoneInfo(timezone))):
        yield begins.astimezone(UTC)


def require_cron(expression: str, timezone: str) -> None:
    """Raise ValueError for what is no cron expression of five fields, or names a moment that never comes."""
    if len(expression.split()) != FIELDS:
        raise ValueError(f"must have {FIELDS} fields: minute, hour, day of month, month, day of week, as in '0 3 * * sun'")
    try:
        first = next(CronSim(expression, JUDGED_FROM.astimezone(ZoneInfo(timezone))), None)
    except (CronSimError, ArithmeticError, AssertionError, ValueError) as error:
        what = str(error).removeprefix("Bad ") or "one of its fields"
        raise ValueError(f"is no cron expression: look at its {what}; write as in '0 3 * * sun'") from None
    if first is None or first > JUDGED_FROM + HORIZON:
        raise ValueError("names a moment that does not come within 5 years: check day and month")


def never_ends(expression: str, timezone: str, duration: timedelta) -> bool:
    """Tell whether what lasts so long always begins again before it is over."""
    judged = islice(starts(expression, timezone, JUDGED_FROM), JUDGED_STARTS)
    return all(later - earlier <= duration for earlier, later in pairwise(judged))
