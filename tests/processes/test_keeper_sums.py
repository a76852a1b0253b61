"""What the keeper keeps of the last day for pages is what its hours and checks add up to, whatever happens to them."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.check import CheckReason
from healthmon.store import checks, sums, trends
from healthmon.store.opening import create_or_open
from tests.builders import NOW, a_check
from tests.processes.test_keeper import DAY, HOUR, World, world

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.store.connection import Connection
    from healthmon.store.trends import HourlyHealth, ResponseTimes

__all__ = ["world"]
MINUTE = timedelta(minutes=1)


def read(connection: Connection, now: datetime) -> tuple[list[HourlyHealth], list[ResponseTimes]]:
    return trends.hourly_health(connection, now - DAY), trends.response_times(connection, now - DAY)


def added_up(connection: Connection, now: datetime) -> tuple[list[HourlyHealth], list[ResponseTimes]]:
    """Return the same without what is kept."""
    since = connection.rows("SELECT value FROM facts WHERE name = ?", sums.SINCE)
    connection.change("DELETE FROM facts WHERE name = ?", sums.SINCE)
    found = read(connection, now)
    connection.change_many("INSERT INTO facts VALUES (?, ?)", [(sums.SINCE, *row) for row in since])
    return found


def looks(chance: random.Random, now: datetime, ages_s: int) -> list[tuple[datetime, CheckReason, int, float | None]]:
    return [
        (
            now - timedelta(seconds=chance.randrange(ages_s)),
            chance.choice([CheckReason.OK, CheckReason.STATUS, CheckReason.NO_NETWORK]),
            chance.choice([1, 2]),
            chance.choice([None, chance.random()]),
        )
        for _ in range(chance.randrange(20))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_what_hours_and_checks_add_up_to(world: World, seed: int) -> None:
    """Whatever comes late, is deleted, restored, or told by a clock that is set: at once, or with the next count."""
    chance = random.Random(seed)
    for _ in range(50):
        is_late = chance.random() < 0.2
        for at, reason, sid, time_s in looks(chance, world.now, 7_200 if is_late else 50):
            world.add(a_check(reason, at=at, service_id=sid, response_time_s=time_s))
        if chance.random() < 0.05:
            world.connection.change("DELETE FROM service_hours WHERE hour < ?", f"{world.now - timedelta(hours=5):%Y-%m-%d %H}")
            is_late = True
        if chance.random() < 0.05:
            world.now += chance.choice([-30, -1, 1, 30]) * HOUR
        if chance.random() < 0.1:
            world.keeper = world.a_new_keeper()
            is_late = False
        world.live(chance.choice([MINUTE, MINUTE, 11 * MINUTE, 3 * HOUR]))
        if chance.random() < 0.1:
            assert_same(world)  # nobody has added up for so long: at worst, what is kept does not fit
        if is_late:
            world.work_later()
        else:
            world.work()
        assert_same(world)


def assert_same(world: World) -> None:
    kept, anew = read(world.connection, world.now), added_up(world.connection, world.now)
    assert kept[0] == anew[0]
    assert [one.service_name for one in kept[1]] == [one.service_name for one in anew[1]]
    for one, other in zip(kept[1], anew[1], strict=True):
        assert (one.checks, one.minimum_s, one.maximum_s, one.p95_s) == (other.checks, other.minimum_s, other.maximum_s, other.p95_s)
        assert one.average_s == pytest.approx(other.average_s)


def test_a_page_reads_what_is_kept_and_the_checks_of_the_last_minutes(world: World) -> None:
    for _ in range(30):
        world.add(a_check(at=world.now), a_check(at=world.now, service_id=2))
        world.work_later(2 * MINUTE)
    expected = read(world.connection, world.now)
    world.connection.change("DELETE FROM service_hours")
    world.connection.change("DELETE FROM health_checks WHERE timestamp < ?", f"{world.now - 3 * MINUTE:%Y-%m-%d %H:%M:%S}")
    assert read(world.connection, world.now) == expected
    assert sum(hour.checks for hour in expected[0]) == 60


def test_what_is_kept_of_another_day_is_not_told_as_today(world: World) -> None:
    """As in a backup that is put back, or before the first count after a week of standing still."""
    world.add(a_check(at=world.now))
    world.work_later()
    assert read(world.connection, world.now)[0] != []
    assert read(world.connection, world.now + 7 * DAY) == ([], [])


def test_there_are_answers_before_anything_is_kept(tmp_path: Path, world: World) -> None:
    empty = create_or_open(tmp_path / "empty.db")
    assert sums.kept(empty) is None
    assert read(empty, NOW) == ([], [])
    empty.close()
    checks.append(world.connection, [a_check(at=NOW)])
    assert [hour.checks for hour in read(world.connection, NOW)[0]] == [1]
