"""What a container uses, from the engine's statistics."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.heal.docker_usage import Reading, cpu_percent, memory_percent, read_usage
from tests.builders import NOW

AT = "2026-11-22T12:00:00.5Z"


def stats(**changes: Any) -> dict[str, Any]:
    memory = {"usage": 60, "limit": 100, "stats": {"inactive_file": 10}}
    return {"read": AT, "memory_stats": memory, "cpu_stats": {"cpu_usage": {"total_usage": 5}}} | changes


@pytest.mark.parametrize(
    ("details", "wanted"),
    [
        ({"inactive_file": 10}, 50),
        ({"total_inactive_file": 20, "inactive_file": 10}, 40),
        ({"inactive_file": 60}, 60),
        ({}, 60),
        (None, 60),
    ],
)
def test_memory_is_told_without_the_cache(details: dict[str, int] | None, wanted: float) -> None:
    found = read_usage(stats(memory_stats={"usage": 60, "limit": 100, "stats": details}))
    assert found is not None
    assert memory_percent(found) == wanted


@pytest.mark.parametrize(
    "nothing",
    [
        {"read": "0001-01-01T00:00:00Z"},
        {"read": None},
        {"memory_stats": {}},
        {"memory_stats": {"usage": 0, "limit": 0}},
        {"cpu_stats": None},
    ],
)
def test_a_container_without_numbers_is_unknown_never_zero(nothing: dict[str, Any]) -> None:
    assert read_usage(stats(**nothing)) is None


@pytest.mark.parametrize(("seconds", "cpu_ns", "wanted"), [(2, 3 * 10**9, 150.0), (2, 0, 0.0), (0, 1, None), (2, -1, None)])
def test_cpu_is_what_was_used_between_two_looks(seconds: float, cpu_ns: int, wanted: float | None) -> None:
    before = Reading(at=NOW, memory_bytes=1, memory_limit_bytes=2, cpu_ns=7)
    after = Reading(at=NOW + timedelta(seconds=seconds), memory_bytes=1, memory_limit_bytes=2, cpu_ns=7 + cpu_ns)
    assert cpu_percent(before, after) == wanted
