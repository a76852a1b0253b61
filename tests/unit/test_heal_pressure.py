"""When a host is so busy that a late answer says nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from healthmon.heal.pressure import shortages
from healthmon.model.host_pressure import HostPressure

CASES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"cpu_stalled_percent": 80.0, "load_per_cpu": 4.0, "memory_available_percent": 3.0}, {}),
    ({"cpu_stalled_percent": 81.0}, {"cpu": "processes wait for a processor 81 % of the time"}),
    ({"load_per_cpu": 4.1}, {"load": "the load is 4.1 for each processor"}),
    ({"memory_available_percent": 2.9}, {"memory": "only 2.9 % of the memory is available"}),
    (
        {"cpu_stalled_percent": 97.0, "load_per_cpu": 12.0, "memory_available_percent": 1.0},
        {
            "cpu": "processes wait for a processor 97 % of the time",
            "load": "the load is 12.0 for each processor",
            "memory": "only 1.0 % of the memory is available",
        },
    ),
]


@pytest.mark.parametrize(("seen", "said"), CASES)
def test_the_host_is_short_of(seen: dict[str, Any], said: dict[str, str]) -> None:
    untold: dict[str, Any] = dict.fromkeys(field.name for field in fields(HostPressure))
    assert shortages(HostPressure(**untold | seen)) == said
