"""What people hear when many services fall ill, not all in one moment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.store import services
from tests.processes.alert_timeline import DOWN, Timeline, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 10


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def of_many(timeline: Timeline) -> list[int]:
    """Have it watch many services, all well and for themselves; return their ids."""
    plain = timeline.config.services[0].model_copy(update={"interval_seconds": 3_600.0})
    wanted = [plain.model_copy(update={"name": f"s{number}"}) for number in range(COUNT)]
    timeline.config = timeline.config.model_copy(update={"services": tuple(wanted)})
    found = services.sync(timeline.connection, [(one.name, "default", True) for one in wanted], now=timeline.now)
    timeline.evaluator = timeline.a_new_evaluator()
    ids = [found[one.name].service_id for one in wanted]
    for sid in ids:
        timeline.look(GOOD, service_id=sid)
    timeline.step()
    return ids


def fall_ill(timeline: Timeline, ids: list[int]) -> None:
    for sid in ids:
        for _ in range(3):
            timeline.look(BAD, service_id=sid)
        timeline.now -= timedelta(seconds=2)
    timeline.step()


def wait(timeline: Timeline, seconds: float) -> int:
    """Let time pass without a look; return how many services each message that was said by then named last."""
    for _ in range(round(seconds)):
        timeline.now += timedelta(seconds=1)
        timeline.step()
    return sum(len(message.affected) for message in timeline.messages())


def test_after_many_were_told_of_the_others_are_waited_for_longer(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    ids = of_many(timeline)
    fall_ill(timeline, ids[:5])
    assert wait(timeline, 30) == 5
    fall_ill(timeline, ids[5:7])
    assert wait(timeline, 60) == 5
    fall_ill(timeline, ids[7:])
    assert wait(timeline, 60) == COUNT
    assert [len(message.affected) for message in timeline.messages()] == [5, 5]


def test_after_a_few_the_next_is_told_as_soon_as_ever(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    ids = of_many(timeline)
    fall_ill(timeline, ids[:2])
    assert wait(timeline, 30) == 2
    fall_ill(timeline, ids[2:3])
    assert wait(timeline, 30) == 3
