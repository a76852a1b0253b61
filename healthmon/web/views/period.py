"""Of which time is a page, as its address asks? The last hours or days, or from one moment until another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.clock import duration, to_iso, to_people
from healthmon.history.rollups import DAY
from healthmon.status.uptime import HOUR

if TYPE_CHECKING:
    from datetime import datetime


class Range(StrEnum):
    """How far back a page looks, as it stands in its address."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"


SPANS = {Range.HOUR: HOUR, Range.SIX_HOURS: 6 * HOUR, Range.DAY: DAY, Range.WEEK: 7 * DAY, Range.MONTH: 30 * DAY, Range.QUARTER: 90 * DAY}
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What an address asks for. Without `since` it is the range that ends now; without `until` it ends now, too."""

    range: Range = Range.DAY
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """How it stands in an address: what is usual is left out."""
        if self.since is not None:
            return {"from": to_iso(self.since)} | ({} if self.until is None else {"to": to_iso(self.until)})
        return {} if self.range is Range.DAY else {"range": self.range.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that is shown: [since, until)."""

    since: datetime
    until: datetime
    ends_now: bool

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def words(self) -> str:
        length = _said(self.length)
        return length if self.ends_now else f"{length} until {to_people(self.until)}"

    @property
    def ends(self) -> tuple[str, str]:
        """What stands at the two ends of an axis."""
        if self.ends_now:
            return f"{_said(self.length)} ago", "now"
        return to_people(self.since), to_people(self.until)


def span(period: Period, now: datetime) -> Span:
    """Return the time that is asked for. Raises ValueError with what is wrong with it."""
    if period.since is None:
        if period.until is not None:
            raise ValueError("to: needs a from")
        return Span(since=now - SPANS[period.range], until=now, ends_now=True)
    until = now if period.until is None else min(period.until, now)
    length = until - period.since
    if length < SHORTEST:
        raise ValueError(f"from: must be at least {duration(SHORTEST.total_seconds())} before the end, which is {to_iso(until)}")
    if length > LONGEST:
        raise ValueError(f"from: must be at most {LONGEST.days} days before the end")
    return Span(since=period.since, until=until, ends_now=until == now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeLink:
    word: str
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """What a page offers: the ranges, and a form for any other time. `kept` is what the form sends along."""

    links: tuple[RangeLink, ...]
    action: str
    since: str  # as a field for times wants it, in UTC
    until: str
    is_custom: bool
    kept: tuple[tuple[str, str], ...] = ()


def periods(period: Period, shown: Span, *, action: str, links: dict[Range, str], kept: tuple[tuple[str, str], ...] = ()) -> Periods:
    """Return what is offered; `links` are the addresses of the ranges."""
    is_custom = period.since is not None
    return Periods(
        links=tuple(RangeLink(word=one.value, href=href, is_chosen=not is_custom and one is period.range) for one, href in links.items()),
        action=action,
        since=_field(shown.since),
        until=_field(shown.until) if not shown.ends_now else "",
        is_custom=is_custom,
        kept=kept,
    )


def _said(length: timedelta) -> str:
    """Return it as people say it: a day is 24 hours."""
    return f"{length // HOUR} h" if length % HOUR == timedelta(0) and length <= 2 * DAY else duration(length.total_seconds())


def _field(at: datetime) -> str:
    return to_iso(at)[:16]
