"""How services were in any range: from days, hours and checks, of many at once as of each alone, at the price of one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.history.rollups import Counter, day_of
from healthmon.status.uptime import HOUR, Booked, hour_of, total
from healthmon.store import checks, facts, history, rollups, services, states
from healthmon.store.connection import Connection
from healthmon.store.opening import create_or_open
from healthmon.store.stale_rollups import DAYS_UNTIL, Stale
from tests.builders import a_check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 10, 7, 35, tzinfo=UTC)
DAY = timedelta(days=1)
IDS = (1, 2, 3)
COUNTED = hour_of(NOW)
BEGIN = day_of(NOW) - 6 * DAY


class Kept:
    """Six days and a few hours of three services: all looks of which, hour by hour, this remembers."""

    def __init__(self, path: Path) -> None:
        self.connection = create_or_open(path / "health_monitoring.db")
        services.sync(self.connection, [(f"s{sid}", "", False) for sid in IDS], now=NOW)
        chance = random.Random(3)
        self.times: dict[int, dict[datetime, list[int]]] = {sid: {} for sid in IDS}
        for sid in IDS:
            for number in range(int((COUNTED - BEGIN) / HOUR)):
                if chance.random() < 0.9:
                    self.times[sid][BEGIN + number * HOUR] = [chance.randrange(1, 40_000 * sid) for _ in range(chance.randrange(1, 12))]
        self._write()
        self.younger = [a_check(service_id=sid, at=NOW - timedelta(minutes=minute), response_time_s=0.001 * minute) for sid in IDS[:2] for minute in (1, 9)]
        checks.append(self.connection, self.younger)

    def _write(self) -> None:
        for sid, hours in self.times.items():
            for hour, times in hours.items():
                counter = Counter()
                for time_us in times:
                    counter.add(healthy=time_us % 7 > 0, response_time_us=time_us)
                states.save_hours(self.connection, [(sid, hour, Booked(healthy_s=3_000, unhealthy_s=sid * 100))])
                rollups.save_hour(self.connection, hour, {sid: counter.counted()}, mark=None, is_over=False, reached=COUNTED)
        for number in range(6):
            rollups.add_up_day(self.connection, Stale(start=BEGIN + number * DAY, generation=1))
        with self.connection.transaction(durable=False):
            facts.note_time(self.connection, DAYS_UNTIL, day_of(NOW))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.connection.close()


RANGES = [(NOW - length, NOW) for length in (timedelta(minutes=5), HOUR, 7 * HOUR, 25 * HOUR, 3 * DAY, 30 * DAY)] + [
    (BEGIN + 30 * HOUR, BEGIN + 50 * HOUR + timedelta(minutes=20)),
    (BEGIN + DAY, BEGIN + 3 * DAY),
]


@pytest.mark.parametrize(("since", "until"), RANGES)
def test_a_range_is_what_its_looks_are(kept: Kept, since: datetime, until: datetime) -> None:
    found = history.between(kept.connection, IDS, since, until)
    for sid in IDS:
        counter = Counter()
        inside = [time_us for hour, times in kept.times[sid].items() if hour_of(since) <= hour < until for time_us in times]
        fresh = [round((one.outcome.response_time_s or 0) * 1e6) for one in kept.younger if one.service_id == sid and hour_of(since) <= one.checked_at < until]
        for time_us in inside + fresh:
            counter.add(healthy=time_us in fresh or time_us % 7 > 0, response_time_us=time_us)
        wanted = counter.counted()
        assert found[sid].checks == wanted
        assert [found[sid].checks.percentile_us(percent) for percent in (99, 95, 50)] == [wanted.percentile_us(percent) for percent in (99, 95, 50)]
        hours = [Booked(healthy_s=3_000, unhealthy_s=sid * 100).times(1 - max(timedelta(), since - hour) / HOUR) for hour in kept.times[sid] if hour_of(since) <= hour < until]
        assert found[sid].time.healthy_s == pytest.approx(total(hours).healthy_s)
        assert found[sid].time.unhealthy_s == pytest.approx(total(hours).unhealthy_s)


@pytest.mark.parametrize("asked", [history.between, history.hourly_of, history.daily_of])
@pytest.mark.parametrize(("since", "until"), RANGES)
def test_many_are_told_what_each_is_told_alone_for_as_many_queries(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, asked: Any, since: datetime, until: datetime
) -> None:
    ran: list[str] = []
    rows = Connection.rows

    def counting(self: Connection, sql: str, *values: Any) -> Any:
        ran.append(sql)
        return rows(self, sql, *values)

    monkeypatch.setattr(Connection, "rows", counting)
    together = asked(kept.connection, IDS, since, until)
    of_many = len(ran)
    assert together == {sid: asked(kept.connection, [sid], since, until)[sid] for sid in IDS}
    assert of_many == (len(ran) - of_many) / len(IDS)


def test_a_service_without_history_has_none(kept: Kept) -> None:
    services.sync(kept.connection, [("new", "", False)], now=NOW)
    assert history.between(kept.connection, [4], NOW - 30 * DAY, NOW)[4] == history.NOTHING
    assert history.daily_of(kept.connection, [4], NOW - 30 * DAY, NOW) == {4: []}


def test_the_day_so_far_is_the_last_point(kept: Kept) -> None:
    points = history.daily(kept.connection, 1, NOW - 3 * DAY, NOW)
    assert [point.start for point in points] == [day_of(NOW) - number * DAY for number in (3, 2, 1, 0)]
    alone = history.between(kept.connection, [1], day_of(NOW), NOW)[1]
    assert points[-1].rollup == alone
