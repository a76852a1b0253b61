"""Is the booked time of a range the same as history tells, for all services in one question?"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.history.rollups import DAY
from healthmon.status.uptime import HOUR, Booked
from healthmon.store import booked, history, rollups, services, stale_rollups, states
from healthmon.store.opening import create_or_open
from healthmon.store.stale_rollups import RollupSpan

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 13, 20, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("days_until", [None, TODAY - DAY, TODAY])
@pytest.mark.parametrize("since", [NOW - 4 * DAY, NOW - 4 * DAY + timedelta(minutes=17), TODAY - 3 * DAY, NOW - HOUR, NOW - timedelta(minutes=5)])
def test_it_is_what_history_tells(tmp_path: Path, days_until: datetime | None, since: datetime) -> None:
    chance = random.Random(4)
    connection = create_or_open(tmp_path / "health_monitoring.db")
    known = services.sync(connection, [(name, "default", False) for name in ("a", "b", "c")], now=NOW)
    ids = [known["a"].service_id, known["b"].service_id]
    with connection.transaction(durable=False):
        for back in range(5 * 24):
            hour = TODAY + 13 * HOUR - back * HOUR
            states.save_hours(connection, [(sid, hour, Booked(healthy_s=chance.random() * 1_000, unhealthy_s=chance.random(), unknown_s=back, maintenance_s=1)) for sid in ids])
    if days_until is not None:
        stale_rollups.mark(connection, RollupSpan.DAY, [TODAY - back * DAY for back in range(1, 6)])
        for mark in stale_rollups.load(connection, RollupSpan.DAY, until=TODAY):
            rollups.add_up_day(connection, mark)
        stale_rollups.note_days_until(connection, days_until)
    told = booked.between(connection, [*ids, known["c"].service_id], since, NOW)
    wanted = history.between(connection, ids, since, NOW)
    assert told.keys() == wanted.keys()
    for sid in ids:
        for part in ("healthy_s", "unhealthy_s", "unknown_s", "maintenance_s"):
            assert getattr(told[sid], part) == pytest.approx(getattr(wanted[sid].time, part)), part
    connection.close()
