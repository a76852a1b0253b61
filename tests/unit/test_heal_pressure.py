"""When a host is so busy that a late answer says nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from healthmon.heal.pressure import shortage
from healthmon.model.host_pressure import HostPressure

CASES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"cpu_stalled_percent": 80.0, "load_per_cpu": 4.0, "memory_available_percent": 3.0}, ""),
    ({"cpu_stalled_percent": 81.0}, "processes wait for a processor 81 % of the time"),
    ({"load_per_cpu": 4.1}, "the load is 4.1 for each processor"),
    ({"memory_available_percent": 2.9}, "only 2.9 % of the memory is available"),
]


@pytest.mark.parametrize(("seen", "said"), CASES)
def test_the_host_is_short_of(seen: dict[str, Any], said: str) -> None:
    untold: dict[str, Any] = dict.fromkeys(field.name for field in fields(HostPressure))
    assert shortage(HostPressure(**untold | seen)) == said
