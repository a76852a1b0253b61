"""Who is healed first."""

from __future__ import annotations

from healthmon.heal.order import Turn
from tests.builders import ago


def test_the_critical_come_first_then_roots_then_the_oldest() -> None:
    queue = [
        Turn(service_id=1, critical=False, is_root=False, since=ago(900)),
        Turn(service_id=2, critical=False, is_root=True, since=ago(60)),
        Turn(service_id=3, critical=True, is_root=False, since=ago(30)),
        Turn(service_id=4, critical=True, is_root=False, since=ago(40)),
        Turn(service_id=5, critical=True, is_root=True, since=ago(10)),
    ]
    assert [turn.service_id for turn in sorted(queue, key=Turn.urgency)] == [5, 4, 3, 2, 1]
