"""Which look begins when, and that services which hang do not delay those that answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from healthmon.model.check import CheckReason, CheckStatus, Outcome
from healthmon.probes import pool as pool_module
from healthmon.probes.lanes import SLOW_AFTER_S, SLOW_LOOK_S, Lanes
from healthmon.probes.pool import Look, Patience, Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.probes.base import Probe

OK = Outcome(reason=CheckReason.OK)


def begun(lanes: Lanes, now: float) -> list[str]:
    keys: list[str] = []
    while (key := lanes.next(now)) is not None:
        keys.append(key)
    return keys


def with_waiting(*keys: str, active: int = 2, max_slow: int = 3, spare: int = 2) -> Lanes:
    lanes = Lanes(active=active, max_slow=max_slow, spare=spare, apart_s=0.0)
    for key in keys:
        lanes.add(key)
    return lanes


def in_flight(lanes: Lanes) -> int:
    return len(lanes._young) + len(lanes._waiting_for_network)


def known_as_slow(lanes: Lanes, *keys: str, seconds: float = SLOW_LOOK_S) -> None:
    for key in keys:
        lanes.add(key)
        assert begun(lanes, 0.0) == [key]
        lanes.finished(key, seconds)


def known_as_quick(lanes: Lanes, *keys: str) -> None:
    known_as_slow(lanes, *keys, seconds=SLOW_LOOK_S / 2)


def test_only_a_few_young_looks_are_in_flight() -> None:
    lanes = with_waiting("a", "b", "c")
    assert begun(lanes, 0.0) == ["a", "b"]
    lanes.finished("b", 0.01)
    assert begun(lanes, 0.01) == ["c"]


def test_a_look_that_waits_for_the_network_makes_room_for_the_next() -> None:
    lanes = with_waiting("a", "b", "c", "d")
    begun(lanes, 0.0)
    assert lanes.release_at() == SLOW_AFTER_S
    assert begun(lanes, SLOW_AFTER_S * 0.9) == []
    assert begun(lanes, SLOW_AFTER_S) == ["c", "d"]
    assert in_flight(lanes) == 4


def test_what_answers_from_near_by_is_asked_one_after_the_other() -> None:
    lanes = Lanes(active=3, apart_s=0.005)
    for key in "abcde":
        lanes.add(key)
    assert begun(lanes, 0.0) == ["a"]
    assert lanes.release_at() == 0.005
    lanes.finished("a", 0.001)
    assert begun(lanes, 0.001) == ["b"]
    assert begun(lanes, 0.005) == []  # a is over, b has begun only now
    assert begun(lanes, 0.006) == ["c"]
    assert begun(lanes, 0.011) == ["d"]
    assert lanes.release_at() == 0.001 + SLOW_AFTER_S  # three are in flight


def test_nobody_is_woken_for_room_that_nobody_wants() -> None:
    lanes = with_waiting("a")
    assert begun(lanes, 0.0) == ["a"]
    assert lanes.release_at() is None


def test_a_slow_service_begins_in_the_slow_lane_until_it_is_quick_again() -> None:
    lanes = Lanes(active=1, max_slow=3, apart_s=0.0)
    known_as_slow(lanes, "slow")
    for key in ("slow", "a"):
        lanes.add(key)
    assert begun(lanes, 1.0) == ["a", "slow"]
    lanes.finished("slow", 1.0 + SLOW_LOOK_S / 2)
    lanes.finished("a", 1.0 + SLOW_LOOK_S / 2)
    for key in ("slow", "a"):
        lanes.add(key)
    assert begun(lanes, 2.0) == ["slow"]  # in the quick lane again, which has one place


def test_slow_services_beyond_the_cap_wait_for_each_other_only() -> None:
    lanes = Lanes(active=1, max_slow=2, apart_s=0.0)
    known_as_slow(lanes, "w", "x", "y")
    for key in ("w", "x", "y", "quick"):
        lanes.add(key)
    assert begun(lanes, 1.0) == ["quick", "w", "x"]
    lanes.finished("quick", 1.01)
    lanes.add("quick")
    assert begun(lanes, 1.01) == ["quick"]
    lanes.finished("quick", 1.02)
    lanes.finished("w", 9.0)
    assert begun(lanes, 9.0) == ["y"]


def test_who_answered_last_time_goes_before_who_was_never_asked() -> None:
    lanes = Lanes(active=1)
    known_as_quick(lanes, "quick")
    for key in ("new", "newer", "quick"):
        lanes.add(key)
    assert begun(lanes, 1.0) == ["quick"]
    lanes.finished("quick", 1.01)
    assert begun(lanes, 1.01) == ["new"]


def test_new_services_that_hang_leave_places_for_those_that_answer() -> None:
    lanes = Lanes(active=2, max_slow=4, spare=2, apart_s=0.0)
    known_as_quick(lanes, "quick")
    for number in range(100):
        lanes.add(f"new-{number}")
    for tick in range(10):
        begun(lanes, tick * SLOW_AFTER_S)
    assert in_flight(lanes) == 4
    assert lanes.release_at() is None  # nobody is woken for them before one of them ends
    lanes.add("quick")
    assert begun(lanes, 1.0) == ["quick"]
    lanes.finished("quick", 1.01)
    lanes.finished("new-0", 1.01)
    assert begun(lanes, 1.01)[0] == "new-4"


def test_a_quick_service_that_begins_to_hang_does_not_keep_its_place_when_all_others_are_taken() -> None:
    lanes = Lanes(active=1, max_slow=1, spare=1, apart_s=0.0)
    known_as_quick(lanes, "a", "b")
    known_as_slow(lanes, "slow")
    for key in ("slow", "a", "b"):
        lanes.add(key)
    assert begun(lanes, 1.0) == ["a", "slow"]
    assert lanes.release_at() == 1.0 + SLOW_AFTER_S
    assert begun(lanes, 1.0 + SLOW_AFTER_S) == ["b"]


def test_the_number_of_looks_in_flight_is_bounded_whatever_hangs() -> None:
    lanes = Lanes(active=4, max_slow=40, spare=10, apart_s=0.0)
    names = [str(number) for number in range(1_000)]
    for name in names:
        known_as_quick(lanes, name)
    for name in (*names, *(f"new {name}" for name in names)):
        lanes.add(name)
    for tick in range(1_000):
        begun(lanes, tick * SLOW_AFTER_S)
    assert in_flight(lanes) == 54


class Quick:
    def ask(self) -> Outcome:
        return OK


class Hanging:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def ask(self) -> Outcome:
        self.let_go.wait()
        return OK


class Broken:
    def ask(self) -> Outcome:
        raise ValueError("a bug")


class Bench:
    """A pool whose owner waits for finished looks as a prober does."""

    def __init__(self, *, active: int = 2, max_slow: int = 400) -> None:
        self._woken = threading.Event()
        self.pool = Pool(self._woken.set, lanes=Lanes(active=active, max_slow=max_slow))

    def collect(self, count: int) -> list[Look]:
        looks: list[Look] = []
        until = time.monotonic() + 10
        while len(looks) < count:
            assert time.monotonic() < until, f"only {len(looks)} of {count} looks came to an end"
            release_s = self.pool.next_release_s()
            self._woken.wait(1.0 if release_s is None else release_s)
            self._woken.clear()
            looks += self.pool.finished()
        return looks


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.pool.close()


def test_thirty_services_that_hang_do_not_delay_the_seventy_that_answer(bench: Bench) -> None:
    hanging = {f"hanging {index}": Hanging() for index in range(30)}
    quick = {f"quick {index}": Quick() for index in range(70)}
    probes: dict[str, Probe] = {**hanging, **quick}
    for key, probe in probes.items():
        bench.pool.submit(key, probe)
    assert {look.key for look in bench.collect(70)} == set(quick)
    for probe in hanging.values():
        probe.let_go.set()
    assert {look.key for look in bench.collect(30)} == set(hanging)


def test_a_bug_in_a_probe_is_a_result_and_costs_no_thread(bench: Bench) -> None:
    for index in range(10):
        bench.pool.submit(str(index), Broken())
    looks = bench.collect(10)
    assert {look.outcome.reason for look in looks} == {CheckReason.INTERNAL}
    assert looks[0].outcome.error_message == "a bug in healthmon: ValueError: a bug"
    bench.pool.submit("quick", Quick())
    assert bench.collect(1)[0].outcome is OK


def test_a_host_without_threads_is_our_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    bench.pool.submit("a", Quick())
    assert bench.collect(1)[0].outcome.reason is CheckReason.NO_RESOURCES
    monkeypatch.undo()
    bench.pool.submit("a", Quick())
    assert bench.collect(1)[0].outcome is OK


def test_threads_are_used_again_and_end_when_idle(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "IDLE_S", 0.01)
    others = set(threading.enumerate())  # of the tests before, which may be idle for 30 s yet
    for _ in range(20):
        bench.pool.submit("a", Quick())
        bench.collect(1)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("probe-") and thread not in others]
    assert len(threads) <= 20
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_the_owner_is_woken_once_for_all_that_it_has_not_collected() -> None:
    woken: list[str] = []
    pool = Pool(lambda: woken.append("!"))
    hanging = [Hanging() for _ in range(3)]
    for index, probe in enumerate(hanging):
        pool.submit(str(index), probe)
        probe.let_go.set()
    while in_flight(pool._lanes):
        pass
    assert woken == ["!"]
    assert len(pool.finished()) == 3
    pool.close()


PATIENCES = {
    "nothing new, in time": (Patience(status=CheckStatus.HEALTHY, until=float("inf")), 0),
    "something new": (Patience(status=CheckStatus.UNHEALTHY, until=float("inf")), 1),
    "nothing new, but late": (Patience(status=CheckStatus.HEALTHY, until=0.0), 1),
    "no patience": (None, 1),
}


@pytest.mark.parametrize(("patience", "calls"), PATIENCES.values(), ids=PATIENCES)
def test_the_owner_is_not_woken_for_what_it_can_collect_when_it_comes(patience: Patience | None, calls: int) -> None:
    woken: list[str] = []
    pool = Pool(lambda: woken.append("!"))
    pool.submit("a", Quick(), patience)
    while in_flight(pool._lanes):
        pass
    assert len(pool.finished()) == 1
    assert len(woken) == calls
    pool.close()


def test_closing_waits_for_nobody(bench: Bench) -> None:
    hanging = Hanging()
    bench.pool.submit("a", hanging)
    bench.pool.close()
    hanging.let_go.set()
    assert bench.pool.finished() == []
