"""What do pages show of what the database says? Pure functions, tried on values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthmon.history.report import ServiceLine
from healthmon.history.rollups import Counter
from healthmon.model.check import CheckReason
from healthmon.model.heal import HealState
from healthmon.model.service import Service
from healthmon.model.status import ServiceStatus
from healthmon.status.uptime import HOUR, Booked, Uptime
from healthmon.store.history import Point
from healthmon.store.rollups import Rollup
from healthmon.web.views.axis import WIDTH, Axis
from healthmon.web.views.chart import chart
from healthmon.web.views.choice import ON_A_PAGE, Choice, address, choose
from healthmon.web.views.phases import PhaseKind, phases
from healthmon.web.views.restarts import restarts
from healthmon.web.views.sparkline import sparkline
from healthmon.web.views.strip import PartKind, strip
from tests.builders import a_heal, an_incident

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SINCE = NOW - DAY
TODAY = Axis(since=SINCE, until=NOW)


def booked(**hours_ago: Booked) -> dict[datetime, Booked]:
    """Return a day of full health but for some hours: `h3` begins three hours ago."""
    found = {NOW - back * HOUR: Booked(healthy_s=3_600) for back in range(1, 25)}
    return found | {NOW - int(name[1:]) * HOUR: one for name, one in hours_ago.items()}


def kinds(**hours_ago: Booked) -> list[tuple[PartKind, int, int]]:
    return [(part.kind, part.x, part.width) for part in strip(TODAY, booked(**hours_ago), ()).parts]


def test_a_day_of_health_is_one_part() -> None:
    assert kinds() == [(PartKind.HEALTHY, 0, WIDTH)]
    assert strip(TODAY, booked(), ()).words == "No outage in 1 d"


@pytest.mark.parametrize(
    ("hour", "kind"),
    [
        (Booked(maintenance_s=3_600), PartKind.MAINTENANCE),
        (Booked(unknown_s=3_600), PartKind.UNKNOWN),
        (Booked(healthy_s=1_000, unknown_s=2_600), PartKind.UNKNOWN),
        (Booked(unhealthy_s=3_600), PartKind.HEALTHY),  # what was seen; the outage is drawn over it
    ],
)
def test_an_hour_is_what_most_of_it_was(hour: Booked, kind: PartKind) -> None:
    assert kind in {found for found, _, _ in kinds(h3=hour)}
    if kind is not PartKind.HEALTHY:
        assert (kind, 21 * 60, 60) in kinds(h3=hour)


def test_hours_that_nobody_booked_are_unknown() -> None:
    found = strip(TODAY, {}, ())
    assert [part.kind for part in found.parts] == [PartKind.UNKNOWN]
    assert found.words == "Nothing is known of 1 d"


def test_outages_stand_at_their_minute_and_are_never_too_narrow_to_see() -> None:
    long = an_incident(started_at=NOW - 2 * HOUR, resolved_at=NOW - HOUR)
    short = an_incident(started_at=NOW - timedelta(seconds=5), resolved_at=None)
    old = an_incident(started_at=NOW - 30 * HOUR, resolved_at=NOW - 23 * HOUR)
    over = an_incident(started_at=NOW - 40 * HOUR, resolved_at=NOW - 39 * HOUR)
    found = strip(TODAY, booked(), (over, old, long, short))
    drawn = [(part.x, part.width) for part in found.parts if part.kind is PartKind.UNHEALTHY]
    assert drawn == [(0, 60), (22 * 60, 60), (WIDTH - 6, 6)]
    assert found.words == "3 outages in 1 d, 2 h in all"
    assert [one.lasted for one in found.outages] == ["7 h", "1 h", "5 s so far"]


def a_point(back: int, *times_us: int) -> Point:
    counter = Counter()
    for time_us in times_us:
        counter.add(healthy=True, response_time_us=time_us)
    return Point(start=NOW - back * HOUR, rollup=Rollup(time=Booked(healthy_s=3_600), checks=counter.counted()))


def test_hours_without_an_answer_part_the_line() -> None:
    found = sparkline(TODAY, [a_point(6, 1_000), a_point(5, 1_000), a_point(4), a_point(3, 1_000)], expected_s=None)
    assert found is not None
    assert [len(line.split()) for line in found.lines] == [2, 2]  # a single hour is drawn, too
    assert found.expected_y is None
    assert sparkline(TODAY, [a_point(4)], expected_s=1) is None


def test_what_is_expected_is_drawn_only_where_it_lies_inside() -> None:
    near = sparkline(TODAY, [a_point(4, 900_000)], expected_s=0.5)
    far = sparkline(TODAY, [a_point(4, 900)], expected_s=0.5)
    assert near is not None
    assert near.expected_y is not None
    assert far is not None
    assert far.expected_y is None


def test_a_chart_has_a_band_for_each_stretch_and_a_table_with_the_same() -> None:
    points = [a_point(6, 1_000, 2_000), a_point(5, 1_000, 9_000), a_point(4), a_point(3, 4_000)]
    outage = an_incident(started_at=NOW - 12 * HOUR, resolved_at=NOW - 6 * HOUR)
    found = chart(points, [outage], since=SINCE, until=NOW, step=HOUR, expected_s=0.005)
    assert found is not None
    assert len(found.bands) == 2
    assert found.outages == ((500, 250),)
    assert found.expected_y is not None
    assert [(one.checks, one.p95) for one in found.columns] == [(2, "2 ms"), (2, "9 ms"), (0, ""), (1, "4 ms")]
    assert chart([a_point(4)], [], since=SINCE, until=NOW, step=HOUR, expected_s=None) is None


def test_a_few_slow_answers_leave_the_chart_above_and_do_not_make_the_others_small() -> None:
    points = [a_point(hours, *[1_000] * 98, 900_000, 900_000) for hours in (6, 5)]
    found = chart(points, [], since=SINCE, until=NOW, step=HOUR, expected_s=None)
    assert found is not None
    assert found.top == "2 ms"
    [edge] = found.edges
    assert all(int(point.partition(",")[2]) < 0 for point in edge.split())
    assert [one.p99 for one in found.columns] == ["897 ms", "897 ms"]  # right within a percent


PHASES = [
    # detected after, acknowledged after, resolved after, in seconds of the first failed check: the steps with how long each took
    (20, None, 100, [(PhaseKind.DETECT, "20 s", 200), (PhaseKind.REPAIR, "1 min 20 s", 800)]),
    (20, 50, 100, [(PhaseKind.DETECT, "20 s", 200), (PhaseKind.ACKNOWLEDGE, "30 s", 300), (PhaseKind.REPAIR, "50 s", 500)]),
    (20, 50, None, [(PhaseKind.DETECT, "20 s", 20), (PhaseKind.ACKNOWLEDGE, "30 s", 30), (PhaseKind.WAIT, "15 min 50 s", 950)]),
    (20, 200, 100, [(PhaseKind.DETECT, "20 s", 200), (PhaseKind.REPAIR, "1 min 20 s", 800)]),  # acknowledged when it was over
    (1, None, 10_000, [(PhaseKind.DETECT, "1 s", 12), (PhaseKind.REPAIR, "2 h 46 min", 988)]),  # a second is seen, too
    (0, None, 0, [(PhaseKind.DETECT, "0 s", 500), (PhaseKind.REPAIR, "0 s", 500)]),
]


@pytest.mark.parametrize(("detected", "acknowledged", "resolved", "expected"), PHASES)
def test_the_steps_of_an_outage_fill_its_bar(detected: int, acknowledged: int | None, resolved: int | None, expected: list[tuple[PhaseKind, str, int]]) -> None:
    began = NOW - timedelta(seconds=1_000)
    after = {name: None if at is None else began + timedelta(seconds=at) for name, at in (("acknowledged", acknowledged), ("resolved", resolved))}
    incident = an_incident(started_at=began, detected_at=began + timedelta(seconds=detected), resolved_at=after["resolved"])
    found = phases(incident, after["acknowledged"], NOW)
    assert [(one.kind, one.took, one.width) for one in found.parts] == expected
    assert [one.x for one in found.parts] == [sum(one.width for one in found.parts[:number]) for number in range(len(found.parts))]
    assert found.words.count(",") == len(found.parts) - 1


def a_line(name: str, status: ServiceStatus, **changes: Any) -> ServiceLine:
    service = Service(service_id=1, name=name, group=changes.pop("group", "default"), critical=changes.pop("critical", False))
    facts: dict[str, Any] = {
        "service": service,
        "status": status,
        "status_since": None,
        "last_healthy": None,
        "consecutive_failures": 0,
        "uptime": Uptime(),
        "last_updated": None,
        "response_time_s": None,
        "reason": CheckReason.OK,
        "error": None,
    }
    return ServiceLine(**facts | changes)


LINES = (
    a_line("search", ServiceStatus.HEALTHY, group="web"),
    a_line("Store", ServiceStatus.UNHEALTHY),
    a_line("gateway", ServiceStatus.UNKNOWN, group="web", critical=True),
)
CHOICES = [
    (Choice(), ["Store", "gateway", "search"]),
    (Choice(text="STORE"), ["Store"]),
    (Choice(text="web"), ["gateway", "search"]),
    (Choice(group="web", status=ServiceStatus.HEALTHY), ["search"]),
    (Choice(group="other"), []),
]


@pytest.mark.parametrize(("choice", "names"), CHOICES)
def test_an_address_chooses_worst_first(choice: Choice, names: list[str]) -> None:
    found = choose(LINES, choice)
    assert [line.service.name for line in found.lines] == names
    assert found.matching == len(names)


def test_many_services_come_by_the_hundred() -> None:
    lines = [a_line(f"s{number:03}", ServiceStatus.HEALTHY) for number in range(2 * ON_A_PAGE + 1)]
    first, last, beyond = (choose(lines, Choice(text="s", page=page)) for page in (1, 3, 99))
    assert (len(first.lines), first.before, first.after) == (ON_A_PAGE, "", "/?q=s&page=2")
    assert (len(last.lines), last.before, last.after) == (1, "/?q=s&page=2", "")
    assert beyond == last


def test_an_address_holds_what_was_chosen_and_nothing_else() -> None:
    assert address(Choice()) == "/"
    asked = Choice(text="a&b", group="web", status=ServiceStatus.UNKNOWN, kiosk=True, compact=True)
    assert address(asked) == "/?q=a%26b&group=web&status=unknown&kiosk=1&compact=1"


def test_restarts_are_counted_by_what_they_were_good_for() -> None:
    made = [a_heal(HealState.VERIFIED, needless=True), a_heal(HealState.VERIFIED), a_heal(HealState.FAILED), a_heal(HealState.DROPPED), a_heal(HealState.WOULD_RESTART)]
    assert restarts(made) == (
        "3 restarts in the last 7 days: 2 helped, 1 did not help, 1 needless: it would have recovered by itself. A dry run would have made 1."
    )
    assert restarts([]) == "0 restarts in the last 7 days."
