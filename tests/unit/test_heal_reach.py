"""A limit that can never be reached is refused; a default that another setting makes pointless is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon import config
from healthmon.errors import ConfigError
from healthmon.heal.reach import service_share, unreachable
from healthmon.heal.settings import HealSettings

if TYPE_CHECKING:
    from pathlib import Path

REFUSED: list[tuple[str, str, str]] = [  # the block self_healing, that of the service, and what is said
    (
        '"restart_cooldown_minutes": 15, "service_budget_per_hour": 6',
        "",
        "self_healing.service_budget_per_hour: 6 can never be reached: restart_cooldown_minutes (15) allows at most 4 restarts of one service an hour; lower it",
    ),
    ('"restart_cooldown_minutes": 120, "service_budget_per_day": 20', "", "restart_cooldown_minutes (120) allows at most 12 restarts of one service a day"),
    ('"service_budget_per_hour": 10, "service_budget_per_day": 8', "", "service_budget_per_day (8) allows at most 8 in the whole day"),
    ('"service_budget_per_hour": 2, "service_budget_per_day": 60', "", "service_budget_per_hour (2) allows at most 48 a day"),
    ('"service_budget_per_hour": 12', "", "host_budget_per_hour (20) allows at most 10 for one service"),
    ('"host_budget_per_hour": 40', "", "host_budget_per_10_minutes (5) allows at most 30 an hour"),
    ('"concurrency": 8', "", "self_healing.concurrency: 8 can never be reached: host_budget_per_10_minutes (5)"),
    ('"max_restart_attempts": 30, "service_budget_per_day": 10', "", "self_healing.max_restart_attempts: 30 can never be reached: service_budget_per_day (10)"),
    ("", '"restart_cooldown_minutes": 15, "service_budget_per_hour": 6', "services[0].heal.service_budget_per_hour: 6 can never"),
    (
        '"service_budget_per_hour": 6',
        '"restart_cooldown_minutes": 15',
        "services[0].heal.restart_cooldown_minutes: with it, service_budget_per_hour of 6 can never be reached",
    ),
]
ACCEPTED = [
    '"restart_cooldown_minutes": 60',
    '"restart_cooldown_minutes": 0',
    '"restart_cooldown_minutes": 0, "service_budget_per_hour": 20, "service_budget_per_day": 400, "host_budget_per_10_minutes": 40, "host_budget_per_hour": 200',
    '"max_restart_attempts": 50, "restart_cooldown_minutes": 1',
    '"service_budget_per_hour": 4, "restart_cooldown_minutes": 15',
    '"host_budget_per_10_minutes": 20, "host_budget_per_hour": 120, "concurrency": 20',
    '"host_budget_per_10_minutes": 1, "host_budget_per_hour": 1',
]


def load(path: Path, shared: str, own: str = "") -> HealSettings:
    file = path / "config.json"
    file.write_text(f'{{"services": [{{"name": "a", "url": "http://localhost:1", "heal": {{{own}}}}}], "self_healing": {{{shared}}}}}')
    return config.load(file).self_healing


@pytest.mark.parametrize(("shared", "own", "said"), REFUSED)
def test_a_limit_that_can_never_be_reached_is_refused_with_one_clear_error(tmp_path: Path, shared: str, own: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, shared, own)
    assert said in str(refused.value)
    assert str(refused.value).count("can never be reached") == 1


@pytest.mark.parametrize("shared", ACCEPTED)
def test_what_is_only_a_default_is_never_held_against_a_setting(tmp_path: Path, shared: str) -> None:
    settings = load(tmp_path, shared)
    assert settings.hourly_limit >= settings.max_restart_attempts
    assert settings.daily_limit >= settings.hourly_limit


@given(st.integers(1, 1_000), st.integers(1, 1_000))
def test_a_share_leaves_something_to_the_others_and_is_never_nothing(limit: int, attempts: int) -> None:
    share = service_share(limit, attempts=attempts)
    assert 1 <= share <= max(1, limit - 1) or limit == 1
    assert share >= min(attempts, limit - 1)


def _numbers(**changes: Any) -> dict[str, float]:
    plain = HealSettings()
    return {key: float(getattr(plain, key)) for key in ("max_restart_attempts", "restart_cooldown_minutes", "concurrency")} | {
        "service_budget_per_hour": 6.0,
        "service_budget_per_day": 24.0,
        "host_budget_per_10_minutes": 5.0,
        "host_budget_per_hour": 20.0,
        **changes,
    }


@given(st.integers(1, 120), st.integers(1, 60))
def test_an_hourly_limit_that_is_accepted_is_reached_by_who_restarts_as_soon_as_he_may(cooldown: int, limit: int) -> None:
    written = _numbers(restart_cooldown_minutes=float(cooldown), service_budget_per_hour=float(limit))
    found = unreachable(written, {"service_budget_per_hour", "restart_cooldown_minutes"})
    restarts_in_an_hour = len(range(0, 60, cooldown))
    if found is None:
        assert restarts_in_an_hour >= limit
    elif found.bound == "restart_cooldown_minutes":
        assert restarts_in_an_hour < limit
