"""When a service is in maintenance: single windows, and recurring ones on the clocks of the world."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthmon.alerts.cron import never_ends, require_cron
from healthmon.alerts.maintenance import Standing, Window, following, periods, standing

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def nightly(cron: str = "30 2 * * *", timezone: str = "Europe/Berlin", minutes: float = 60) -> Window:
    return Window(name="backup", cron=cron, timezone=timezone, duration=timedelta(minutes=minutes))


ONCE = Window(name="move", once=(at("2026-11-22 10:00"), at("2026-11-22 11:00")))
WINDOWS: list[tuple[str, Window, str, bool]] = [
    ("before a single one", ONCE, "2026-11-22 09:59:59", False),
    ("its first instant", ONCE, "2026-11-22 10:00", True),
    ("its last instant is outside", ONCE, "2026-11-22 11:00", False),
    ("winter time: 02:30 is 01:30 UTC", nightly(), "2026-11-22 01:30", True),
    ("and not 00:30", nightly(), "2026-11-22 00:45", False),
    ("over after an hour", nightly(), "2026-11-22 02:30", False),
    ("summer time: 02:30 is 00:30 UTC", nightly(), "2026-07-01 00:45", True),
    ("and not 01:30", nightly(), "2026-07-01 01:45", False),
    ("the clock is set forward over 02:30: it begins at 03:00, 01:00 UTC", nightly(), "2026-03-29 01:30", True),
    ("not before", nightly(), "2026-03-29 00:59", False),
    ("and lasts an hour all the same", nightly(), "2026-03-29 02:00", False),
    ("the clock is set back, 02:30 comes twice: it begins with the first", nightly(), "2026-10-25 00:45", True),
    ("and not again with the second", nightly(), "2026-10-25 01:45", False),
    ("one that lasts over the change lasts as long as it says", nightly("0 23 * * *", minutes=300), "2026-10-25 01:59", True),
    ("and not as long as the clock says", nightly("0 23 * * *", minutes=300), "2026-10-25 02:00", False),
    ("Sundays only", nightly("0 3 * * sun", "UTC"), "2026-11-22 03:30", True),
    ("not on Monday", nightly("0 3 * * sun", "UTC"), "2026-11-23 03:30", False),
    ("over midnight", nightly("30 23 * * *", "UTC"), "2026-11-23 00:29", True),
    ("a day of the leap year", nightly("0 0 29 2 *", "UTC"), "2028-02-29 00:30", True),
]


@pytest.mark.parametrize(("case", "window", "moment", "inside"), WINDOWS, ids=[case[0] for case in WINDOWS])
def test_window(case: str, window: Window, moment: str, inside: bool) -> None:  # noqa: FBT001  a row of a table
    now = at(moment)
    assert (standing(periods(window, now, now), now).until is not None) is inside, case


def test_every_time_within_a_stretch_is_found() -> None:
    found = periods(nightly("0 */6 * * *", "UTC"), at("2026-11-22 00:30"), at("2026-11-22 12:00"))
    assert [start for start, _ in found] == [at("2026-11-22 00:00"), at("2026-11-22 06:00"), at("2026-11-22 12:00")]


def test_where_times_overlap_the_last_end_counts() -> None:
    now = at("2026-11-22 12:00")
    assert standing([(now - HOUR, now + HOUR), (now, now + 2 * HOUR)], now) == Standing(until=now + 2 * HOUR)
    assert standing([(now - 2 * HOUR, now - HOUR), (now - 2 * HOUR, now)], now) == Standing(ended_at=now)


def test_next_time() -> None:
    assert following(ONCE, at("2026-11-22 09:00")) == ONCE.once
    assert following(ONCE, at("2026-11-22 10:30")) is None
    assert following(nightly(), at("2026-11-22 01:30")) == (at("2026-11-23 01:30"), at("2026-11-23 02:30"))


@pytest.mark.parametrize(
    ("services", "groups", "held"),
    [((), (), "ABC"), (("a",), (), "A"), ((), ("x",), "AB"), (("c",), ("x",), "ABC"), (("x",), (), "")],
)
def test_window_is_for_whom_it_names(services: tuple[str, ...], groups: tuple[str, ...], held: str) -> None:
    window = Window(name="w", services=frozenset(services), groups=frozenset(groups))
    assert "".join(name.upper() for name, group in (("a", "x"), ("b", "x"), ("c", "y")) if window.is_for(name, group)) == held


REFUSED = [
    ("", "must have 5 fields"),
    ("0 3 * *", "must have 5 fields"),
    ("0 0 3 * * *", "must have 5 fields"),
    ("@daily", "must have 5 fields"),
    ("60 3 * * *", "look at its minute"),
    ("0 24 * * *", "look at its hour"),
    ("0 3 32 * *", "look at its day-of-month"),
    ("0 3 * 13 *", "look at its month"),
    ("0 3 * * 8", "look at its day-of-week"),
    ("0 3 L/2,L-1 * *", "is no cron expression"),
    (f"{'9' * 5000} 3 * * *", "is no cron expression"),
    ("0 3 31 2 *", "look at its day-of-month"),
    ("0 3 30 feb *", "look at its day-of-month"),
    ("0 0 29 2 */7", "does not come within 5 years"),  # a Sunday
]


@pytest.mark.parametrize(("expression", "problem"), REFUSED)
def test_what_is_no_cron_expression_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        require_cron(expression, "Europe/Berlin")


def test_what_cron_knows_is_taken() -> None:
    for expression in ("0 3 * * *", "*/5 1-4 * * mon-fri", "0 0 29 2 *", "0 0 l * *", "0 3 * * sun#1"):
        require_cron(expression, "America/New_York")


def test_a_window_that_never_ends_is_noticed() -> None:
    assert never_ends("0 * * * *", "UTC", HOUR)
    assert not never_ends("0 * * * *", "UTC", HOUR - timedelta(seconds=1))
    assert not never_ends("0 1-20 * * *", "UTC", HOUR)
