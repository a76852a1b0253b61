"""What every process does, whatever its work: one of each, wakes by a ring, outlives what passes."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from healthmon.errors import HealthmonError, StoreBusyError, StoreUnavailableError, UsageError
from healthmon.log import Log
from healthmon.paths import Paths
from healthmon.processes import loop, presence, trouble, worker
from healthmon.processes.directories import prepare_directories
from healthmon.processes.doorbell import Doorbell, ring
from healthmon.processes.presence import Presence
from healthmon.processes.roles import is_held, try_lock
from healthmon.processes.stepping import MAX_BUGS_IN_A_ROW, Steps
from healthmon.processes.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.config import Config


def paths_in(directory: Path) -> Paths:
    return Paths(data_dir=directory, database=directory / "x.db")


class Work:
    """Does what each of a list of steps says: raise it, or return it."""

    def __init__(self, *steps: float | Exception) -> None:
        self._steps = list(steps)

    def step(self) -> float:
        now = self._steps.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    def follow(self, _config: Config) -> bool:
        return True

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        pass


@pytest.fixture
def doorbell() -> Iterator[Doorbell]:
    made = Doorbell()
    yield made
    made.close()


def test_a_ring_ends_a_wait(tmp_path: Path) -> None:
    doorbell = Doorbell()
    doorbell.listen(tmp_path / "bell.sock")
    threading.Timer(0.05, ring, [tmp_path / "bell.sock"]).start()
    doorbell.wait(30)
    threading.Timer(0.05, doorbell.ring_self).start()
    doorbell.wait(30)
    doorbell.close()


def test_many_rings_are_one(tmp_path: Path) -> None:
    doorbell = Doorbell()
    doorbell.listen(tmp_path / "bell.sock")
    for _ in range(500):
        ring(tmp_path / "bell.sock")
    doorbell.wait(30)
    assert doorbell._poll.poll(0) == []
    doorbell.close()


def test_ringing_where_nobody_is_does_nothing(tmp_path: Path) -> None:
    ring(tmp_path / "nobody.sock")


def test_a_ring_without_a_descriptor_left_is_lost_and_no_more(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, limits[1]))
    try:
        ring(tmp_path / "bell.sock")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_doorbell_whose_path_was_removed_rings_when_it_is_put_back(tmp_path: Path) -> None:
    doorbell = Doorbell()
    assert not doorbell.put_back()
    doorbell.listen(tmp_path / "bell.sock")
    (tmp_path / "bell.sock").unlink()
    assert doorbell.put_back()
    threading.Timer(0.05, ring, [tmp_path / "bell.sock"]).start()
    doorbell.wait(30)
    doorbell.close()


@pytest.fixture
def present(tmp_path: Path, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Presence]:
    monkeypatch.setattr(presence, "LOOK_EVERY_S", 0.0)
    paths = paths_in(tmp_path)
    prepare_directories(paths)
    made = Presence("evaluator", paths, doorbell, Log("evaluator"))
    assert made.take(go_on=lambda: True)
    yield made
    made.close()


def test_a_removed_lock_is_taken_again_so_that_there_is_never_a_second_of_us(present: Presence, tmp_path: Path) -> None:
    lock, bell = paths_in(tmp_path).lock("evaluator"), paths_in(tmp_path).doorbell("evaluator")
    assert present.keep()
    lock.unlink()
    bell.unlink()
    assert present.keep()
    assert try_lock(lock) is None
    assert bell.exists()
    present.close()
    assert not is_held(lock)


def test_who_took_our_role_while_its_lock_was_removed_keeps_it(present: Presence, tmp_path: Path) -> None:
    lock = paths_in(tmp_path).lock("evaluator")
    lock.unlink()
    other = try_lock(lock)
    assert other is not None
    assert not present.keep()
    os.close(other)


def test_a_lock_whose_directory_is_gone_is_waited_for(present: Presence, tmp_path: Path) -> None:
    shutil.rmtree(paths_in(tmp_path).runtime)
    assert present.keep()
    prepare_directories(paths_in(tmp_path))
    assert present.keep()
    assert try_lock(paths_in(tmp_path).lock("evaluator")) is None


def test_signals_without_a_meaning_end_nobody(doorbell: Doorbell) -> None:
    before = {number: signal.getsignal(number) for number in (*loop.STRAY_SIGNALS, signal.SIGTERM, signal.SIGINT)}
    try:
        stopping = loop.Stopping(doorbell)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGWINCH):
            os.kill(os.getpid(), number)
        assert not stopping.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_role_is_held_once_and_free_when_its_holder_ends(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "role.lock")
    assert held is not None
    assert try_lock(tmp_path / "role.lock") is None
    assert is_held(tmp_path / "role.lock")
    os.close(held)
    assert not is_held(tmp_path / "role.lock")
    assert not is_held(tmp_path / "never.lock")
    assert not (tmp_path / "never.lock").exists()


def test_the_runtime_directory_is_its_owners_alone_even_when_it_was_not(tmp_path: Path) -> None:
    (tmp_path / ".healthmon").mkdir(mode=0o755)
    prepare_directories(paths_in(tmp_path))
    assert (tmp_path / ".healthmon").stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make the directory"):
        prepare_directories(paths_in(tmp_path / "file" / "data"))


def test_trouble_that_may_pass_is_borne_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="healthmon")
    steps = Steps(Work(*[StoreBusyError("locked")] * 50, 7.0), Trouble(Log("t")))
    assert {steps.make_one() for _ in range(50)} == {worker.FAILED_STEP_PAUSE_S}
    assert steps.make_one() == 7.0
    assert steps.bugs_in_a_row == 0
    assert [message.split()[1] for message in caplog.messages] == ["cannot_work", "works_again"]


def test_trouble_that_takes_turns_is_told_once_each_and_alerted_once_when_it_lasts(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trouble, "ALERT_AFTER_S", 0.0)
    caplog.set_level("INFO", logger="healthmon")
    turns = [StoreBusyError("locked"), StoreUnavailableError("full")] * 5
    lasting = Trouble(Log("t"))
    steps = Steps(Work(*turns, 7.0, *turns[:1], 7.0), lasting)
    lasts = []
    for _ in range(13):
        steps.make_one()
        lasts.append(lasting.lasts)  # what the heartbeat says
    assert lasts == [True] * 10 + [False, True, False]
    once = ["cannot_work", "ALERT", "works_again"]
    assert [message.split()[1] for message in caplog.messages] == ["cannot_work", "ALERT", "cannot_work", "works_again", *once]


class Making:
    """Makes a worker as each of a list of tries says: raise it, or return it."""

    def __init__(self, *tries: HealthmonError | Work) -> None:
        self.left = list(tries)

    def __call__(self, _doorbell: Doorbell) -> Work:
        made = self.left.pop(0)
        if isinstance(made, HealthmonError):
            raise made
        return made


def test_trouble_at_the_start_that_may_pass_is_borne_with_heartbeats_and_told_once(
    doorbell: Doorbell,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "FAILED_STEP_PAUSE_S", 0.0)
    caplog.set_level("INFO", logger="healthmon")
    work, asked = Work(), 0

    def go_on() -> bool:
        nonlocal asked
        asked += 1
        return True

    making = Making(*[StoreBusyError("locked")] * 20, work)
    assert worker.make_worker(making, doorbell, Trouble(Log("t")), go_on=go_on) is work
    assert asked == 21
    assert [message.split()[1] for message in caplog.messages] == ["cannot_work", "works_again"]


def test_who_is_told_to_stop_while_its_work_cannot_begin_stops(doorbell: Doorbell) -> None:
    making = Making(StoreBusyError("locked"), Work())
    threading.Timer(0.05, doorbell.ring_self).start()
    began = time.monotonic()
    assert worker.make_worker(making, doorbell, Trouble(Log("t")), go_on=lambda: len(making.left) == 2) is None
    assert time.monotonic() - began < worker.FAILED_STEP_PAUSE_S


def test_a_start_that_only_a_person_can_mend_ends_the_process(doorbell: Doorbell) -> None:
    with pytest.raises(UsageError):
        worker.make_worker(Making(UsageError("no")), doorbell, Trouble(Log("t")), go_on=lambda: True)


def test_bugs_are_counted_until_a_step_goes_well() -> None:
    steps = Steps(Work(KeyError("bug"), KeyError("bug"), 1.0, KeyError("bug")), Trouble(Log("t")))
    assert [(steps.make_one(), steps.bugs_in_a_row)[1] for _ in range(4)] == [1, 2, 0, 1]


def test_who_runs_out_of_memory_makes_room_for_a_new_process_at_once() -> None:
    steps = Steps(Work(MemoryError(), 1.0), Trouble(Log("t")))
    steps.make_one()
    assert steps.bugs_in_a_row >= MAX_BUGS_IN_A_ROW


def test_what_only_a_person_can_mend_ends_the_process() -> None:
    with pytest.raises(UsageError):
        Steps(Work(UsageError("no")), Trouble(Log("t"))).make_one()
