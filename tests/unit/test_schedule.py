"""When services are looked at, and why."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from healthmon.model.check import CheckKind, CheckStatus
from healthmon.probes.schedule import FIRST_LOOKS_S, TOGETHER, Agenda, Grid, Rhythm, Timetable

SCHEDULED, RECHECK, REQUESTED = CheckKind.SCHEDULED, CheckKind.RECHECK, CheckKind.REQUESTED
HEALTHY, UNHEALTHY, UNKNOWN = CheckStatus.HEALTHY, CheckStatus.UNHEALTHY, CheckStatus.UNKNOWN
START = 1_000.0
LOOK_S = 0.01


def an_agenda(
    *, interval_s: float = 10.0, confirmations: int = 2, retry_interval_s: float = 2.0, index: int = 0, of: int = 1
) -> Agenda:
    rhythm = Rhythm(interval_s=interval_s, confirmations=confirmations, retry_interval_s=retry_interval_s)
    return Agenda(Grid(start=START, index=index, interval_s=interval_s, of=of), rhythm)


def looks(agenda: Agenda, statuses: list[CheckStatus], *, look_s: float = LOOK_S) -> list[tuple[float, CheckKind]]:
    """Make as many looks as there are statuses, each when it is due, and return their times after START and kinds."""
    made = []
    now = START
    for status in statuses:
        now = max(now, agenda.next_at())
        kind = agenda.begin(now)
        assert kind is not None
        made.append((round(now - START, 6), kind))
        now += look_s
        agenda.finish(status, now)
    return made


@pytest.mark.parametrize("count", [2, 17, 100, 1_000])
def test_the_times_of_a_group_are_spread_evenly_over_the_interval(count: int) -> None:
    grids = [Grid(start=START, index=index, interval_s=30.0, of=count) for index in range(count)]
    times = sorted(grid.after(START + 300.0) - START - 300.0 for grid in grids)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) <= (2 + TOGETHER) * 30.0 / count
    assert 0 < times[0] <= times[-1] <= 30.0


@pytest.mark.parametrize(("interval_s", "moments"), [(30.0, 200), (10.0, 200), (0.5, 200)])
def test_looks_of_a_group_begin_at_few_moments(interval_s: float, moments: int) -> None:
    grids = [Grid(start=START, index=index, interval_s=interval_s, of=1_000) for index in range(1_000)]
    assert len({round(grid.after(START) - START, 6) for grid in grids}) <= moments


@pytest.mark.parametrize(("interval_s", "within_s"), [(30.0, FIRST_LOOKS_S), (0.5, 0.5)])
def test_every_service_is_looked_at_soon_after_the_start(interval_s: float, within_s: float) -> None:
    firsts = [Grid(start=START, index=index, interval_s=interval_s).first - START for index in range(100)]
    assert min(firsts) >= 0
    assert max(firsts) < within_s
    assert len({round(first, 3) for first in firsts}) > 90


def test_looks_do_not_drift() -> None:
    made = looks(an_agenda(), [HEALTHY] * 5, look_s=0.9)
    assert [at for at, _ in made] == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("index", range(20))
def test_the_first_look_is_followed_after_half_an_interval_at_the_earliest(index: int) -> None:
    agenda = an_agenda(index=index)
    first, second = (at for at, _ in looks(agenda, [HEALTHY, HEALTHY]))
    assert 5 <= second - first <= 15


def test_a_first_failure_is_looked_into_at_once() -> None:
    made = looks(an_agenda(), [HEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY])
    assert made == [(0, SCHEDULED), (10, SCHEDULED), (12.01, RECHECK), (14.02, RECHECK), (20, SCHEDULED)]


def test_a_failure_that_a_requested_look_sees_first_is_looked_into_as_well() -> None:
    agenda = an_agenda()
    looks(agenda, [HEALTHY])
    agenda.request(60.0, START + 3)
    made = looks(agenda, [UNHEALTHY] * 4)
    assert made == [(3, REQUESTED), (5.01, RECHECK), (7.02, RECHECK), (10, SCHEDULED)]


def test_a_failure_that_requested_looks_know_puts_no_recheck_off() -> None:
    agenda = an_agenda()
    looks(agenda, [HEALTHY])
    agenda.request(0.5, START + 3)
    made = [at for at, kind in looks(agenda, [UNHEALTHY] * 12) if kind is RECHECK]
    assert made == [pytest.approx(5.01, abs=0.1), pytest.approx(7.02, abs=0.1)]


def test_rechecks_end_with_the_first_good_look() -> None:
    made = looks(an_agenda(), [UNHEALTHY, HEALTHY, HEALTHY])
    assert made == [(0, SCHEDULED), (2.01, RECHECK), (10, SCHEDULED)]


def test_a_failure_that_is_known_is_not_looked_into_again() -> None:
    made = looks(an_agenda(confirmations=1), [UNHEALTHY] * 4)
    assert made == [(0, SCHEDULED), (2.01, RECHECK), (10, SCHEDULED), (20, SCHEDULED)]


def test_after_a_recovery_the_next_failure_is_news_again() -> None:
    made = looks(an_agenda(confirmations=1), [UNHEALTHY, UNHEALTHY, HEALTHY, UNHEALTHY, UNHEALTHY])
    assert [kind for _, kind in made] == [SCHEDULED, RECHECK, SCHEDULED, SCHEDULED, RECHECK]


def test_a_failure_of_ours_that_becomes_the_service_s_is_news() -> None:
    made = looks(an_agenda(confirmations=1), [UNKNOWN, UNKNOWN, UNHEALTHY, UNHEALTHY])
    assert [kind for _, kind in made] == [SCHEDULED, RECHECK, SCHEDULED, RECHECK]


def test_without_confirmations_there_are_no_rechecks() -> None:
    made = looks(an_agenda(confirmations=0), [UNHEALTHY, UNHEALTHY])
    assert made == [(0, SCHEDULED), (10, SCHEDULED)]


def test_a_scheduled_look_in_between_stands_for_a_recheck() -> None:
    made = looks(an_agenda(interval_s=3.0), [UNHEALTHY] * 4)
    assert made == [(0, SCHEDULED), (2.01, RECHECK), (3, SCHEDULED), (6, SCHEDULED)]


def test_a_service_never_has_two_looks_in_flight() -> None:
    agenda = an_agenda()
    assert agenda.begin(START) is SCHEDULED
    assert agenda.next_at() == math.inf
    assert agenda.begin(START + 25) is None
    agenda.request(1.0, START + 25)
    assert agenda.begin(START + 25) is None


def test_looks_that_fall_due_while_one_is_in_flight_are_skipped_and_counted() -> None:
    agenda = an_agenda()
    agenda.begin(START)
    agenda.finish(HEALTHY, START + 25)
    assert agenda.skipped == 2
    assert agenda.next_at() == START + 30


def test_a_look_that_takes_its_whole_timeout_does_not_cancel_the_next() -> None:
    """The timeout may be as long as the interval: a service that hangs is still looked at every interval."""
    made = looks(an_agenda(confirmations=0), [UNHEALTHY] * 4, look_s=10.02)
    assert [round(at) for at, _ in made] == [0, 10, 20, 30]


@pytest.mark.parametrize("late_s", [0.5, 9.9])
def test_a_late_loop_makes_up_for_one_look(late_s: float) -> None:
    agenda = an_agenda()
    looks(agenda, [HEALTHY])
    assert agenda.begin(START + 10 + late_s) is SCHEDULED
    agenda.finish(HEALTHY, START + 10 + late_s)
    assert agenda.next_at() == START + 20


def test_after_a_suspend_missed_looks_are_left_out_without_a_burst() -> None:
    agendas = {str(index): an_agenda(index=index, of=100) for index in range(100)}
    timetable = Timetable(agendas)
    for at in (START + 2, START + 20):
        for key, _ in timetable.due(at):
            timetable.finish(key, HEALTHY, at)
    woken = START + 7_200.0
    assert timetable.due(woken) == []
    begun = [len(timetable.due(woken + tenth / 10)) for tenth in range(101)]
    assert sum(begun) == 100
    assert max(begun) <= TOGETHER + 1


def test_what_the_evaluator_asks_for_begins_now_and_goes_on_until_it_is_withdrawn() -> None:
    agenda = an_agenda()
    looks(agenda, [HEALTHY])
    agenda.request(1.0, START + 3)
    for at in (3.0, 4.0, 5.0):
        assert agenda.next_at() == START + at
        assert agenda.begin(START + at) is REQUESTED
        agenda.finish(HEALTHY, START + at + LOOK_S)
    agenda.request(None, START + 5.5)
    assert agenda.next_at() == START + 10


def test_frequent_requests_do_not_put_rechecks_off() -> None:
    agenda = an_agenda()
    looks(agenda, [UNHEALTHY])
    agenda.request(0.5, START + 1)
    kinds = [kind for at, kind in looks(agenda, [UNHEALTHY] * 12) if at < 5]
    assert kinds.count(RECHECK) == 2


def test_a_timetable_begins_only_what_is_due_and_knows_when_to_come_back() -> None:
    timetable = Timetable({"a": an_agenda(), "b": an_agenda(index=1)})
    assert timetable.due(START) == [("a", SCHEDULED)]
    assert timetable.next_at() == pytest.approx(START + 0.618 * FIRST_LOOKS_S, abs=0.01)
    timetable.finish("a", UNHEALTHY, START + 0.1)
    assert timetable.due(START + 2.2) == [("b", SCHEDULED), ("a", RECHECK)]
    assert timetable.next_at() == math.inf


def test_a_timetable_s_entries_do_not_pile_up() -> None:
    timetable = Timetable({"a": an_agenda()})
    for tick in range(10_000):
        now = START + tick / 10
        timetable.request("a", 0.3 if tick % 2 else None, now)
        for key, _ in timetable.due(now):
            timetable.finish(key, HEALTHY, now)
    assert len(timetable._heap) < 200
