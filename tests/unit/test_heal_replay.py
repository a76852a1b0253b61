"""Timelines: what the policy does over hours, and what a backtest says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.heal.replay import Replay
from healthmon.heal.replay_life import Candidate
from healthmon.model.check import CheckKind, CheckReason
from tests.builders import NOW, a_check, switched_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.heal.settings import HealSettings

EVERY_S = 10
GOOD, BAD = CheckReason.OK, CheckReason.STATUS


def a_candidate(service_id: int = 1, settings: HealSettings | None = None, **changes: Any) -> Candidate:
    facts: dict[str, Any] = {
        "service_id": service_id,
        "name": f"service_{service_id}",
        "critical": False,
        "settings": settings or switched_on(startup_hold_seconds=0),
        "confirmations": 2,
        "evidence_max_age": timedelta(seconds=12),
        "max_gap": timedelta(seconds=40),
        "depends_on": (),
    }
    return Candidate(**facts | changes)


def replay(candidates: list[Candidate], hours: float, is_ill: Callable[[int, float, Replay], bool | CheckReason]) -> Replay:
    """Look at every service every ten seconds; a failed look is confirmed by two more. `is_ill` is asked with seconds since the start."""
    made = Replay(candidates, began_at=NOW)
    for second in range(0, int(hours * 3_600), EVERY_S):
        for one in candidates:
            ill = is_ill(one.service_id, second, made)
            reason = ill if isinstance(ill, CheckReason) else BAD if ill else GOOD
            at = NOW + timedelta(seconds=second)
            made.take(a_check(reason, at=at, service_id=one.service_id))
            for recheck in (1, 2):
                if reason is not GOOD:
                    made.take(a_check(reason, at=at + timedelta(seconds=recheck), service_id=one.service_id, kind=CheckKind.RECHECK))
    return made


def restarts(made: Replay, service_id: int = 1) -> list[float]:
    """Return when it would have been restarted, in seconds since the start."""
    [would] = [would for candidate, _, _, would in made.results() if candidate.service_id == service_id]
    return [(one.at - NOW).total_seconds() for one in would]


def test_what_fails_for_ever_is_restarted_three_times_and_then_left() -> None:
    """T46, with the keys of the document: at 0, 5 and 10 minutes at the earliest, then quarantine, all day long."""
    made = replay([a_candidate()], 24, lambda _sid, second, _made: second >= 600)
    times = restarts(made)
    assert [round((at - times[0]) / 60) for at in times] == [0, 5, 10]
    assert 620 <= times[0] <= 632
    assert [gave_up for _, _, gave_up, _ in made.results()] == [1]


def test_retries_in_quarantine_come_later_and_later() -> None:
    settings = switched_on(startup_hold_seconds=0, quarantine_retries=6)
    times = restarts(replay([a_candidate(settings=settings)], 24, lambda _sid, second, _made: second >= 600))
    assert [round((at - times[0]) / 60) for at in times] == [0, 5, 10, 20, 40, 80, 140, 200, 260]
    assert max(sum(at <= other < at + 3_600 for other in times) for at in times) <= 6


def test_a_leak_every_two_hours_is_healed_all_day_long() -> None:
    """T48: a restart helps for two hours each time."""

    def leaks(_sid: int, second: float, made: Replay) -> bool:
        times = restarts(made)
        return second - (times[-1] if times else 0.0) > 7_200

    assert len(restarts(replay([a_candidate()], 24, leaks))) == 11


def test_who_relapses_every_twelve_minutes_is_stopped_by_its_budget() -> None:
    """T48: every restart helps, for twelve minutes: no more than six in an hour and 24 in a day."""

    def leaks(_sid: int, second: float, made: Replay) -> bool:
        times = restarts(made)
        return second - (times[-1] if times else 0.0) > 720

    times = restarts(replay([a_candidate()], 30, leaks))
    assert max(sum(at <= other < at + 86_400 for other in times) for at in times) == 24
    assert max(sum(at <= other < at + 3_600 for other in times) for at in times) <= 6


@pytest.mark.parametrize(("healthy_s", "fresh"), [(590, False), (600, True)])
def test_only_ten_healthy_minutes_give_fresh_attempts(healthy_s: float, fresh: bool) -> None:  # noqa: FBT001  the column of a table
    """T49. It fails for half an hour, is healthy for a while, and fails again, otherwise than before."""
    over = 600 + 1_800

    def fails(_sid: int, second: float, _made: Replay) -> bool | CheckReason:
        return CheckReason.TIMEOUT if second >= over + healthy_s else 600 <= second < over

    assert len(restarts(replay([a_candidate()], 2, fails))) == (6 if fresh else 3)


def test_what_restarts_did_not_help_against_is_not_restarted_for_in_the_next_outage() -> None:
    made = replay([a_candidate()], 3, lambda _sid, second, _made: 600 <= second < 2_400 or second >= 6_000)
    assert len(restarts(made)) == 3
    assert [(outages, gave_up) for _, outages, gave_up, _ in made.results()] == [(2, 2)]


def test_a_short_outage_is_a_needless_restart_and_a_long_one_is_not() -> None:
    made = replay([a_candidate()], 2, lambda _sid, second, _made: 600 <= second < 660 or 3_600 <= second < 3_900)
    [(_, outages, _, would)] = made.results()
    assert (outages, [one.is_needless for one in would]) == (2, [True, False])


def test_what_was_restarted_in_earnest_is_not_called_needless() -> None:
    made = Replay([a_candidate()], began_at=NOW)
    for second in (*range(0, 100, 10),):
        made.take(a_check(GOOD if second < 30 else BAD, at=NOW + timedelta(seconds=second)))
    [(_, _, _, would)] = made.results()
    assert len(would) == 1
    made.restarted(1, NOW + timedelta(seconds=95))
    made.take(a_check(GOOD, at=NOW + timedelta(seconds=100)))
    assert (would[0].was_restarted, would[0].is_needless) == (True, False)


def test_a_root_is_restarted_and_its_dependents_are_not() -> None:
    candidates = [a_candidate(1), *(a_candidate(sid, depends_on=(1,)) for sid in range(2, 10)), a_candidate(10)]
    made = replay(candidates, 0.5, lambda sid, second, _made: 600 <= second < 700 and sid < 10)
    assert [len(would) for _, _, _, would in made.results()] == [1, *[0] * 9]
    assert made.storms == 0 or restarts(made)[0] < 660


def test_when_everything_is_ill_one_is_tried_after_five_minutes() -> None:
    candidates = [a_candidate(sid, critical=sid == 1) for sid in range(1, 7)]
    made = replay(candidates, 0.5, lambda _sid, second, _made: second >= 600)
    assert made.storms == 1
    assert [len(would) for _, _, _, would in made.results()] == [0, 1, 0, 0, 0, 0]
    assert restarts(made, 2)[0] >= 900


def test_a_gap_in_history_is_not_taken_for_an_outage() -> None:
    made = Replay([a_candidate()], began_at=NOW)
    times: list[datetime] = [NOW + timedelta(seconds=second) for second in (0, 10, 20, 8_000, 16_000)]
    for at in times:
        made.take(a_check(BAD if at > times[1] else GOOD, at=at))
    [(_, outages, _, would)] = made.results()
    assert (outages, would) == (0, [])
