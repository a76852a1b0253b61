"""What the watchdog tells systemd, and a dead-man's receiver, with a clock and a supervisord that are the test's."""

from __future__ import annotations

import os
import socket
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.errors import EngineUnreachableError
from healthmon.model.delivery import SendResult, SendStatus
from healthmon.processes import child
from healthmon.processes.programs import names
from healthmon.processes.watchdog import FIRST_LOOKS_EVERY_S, LOOK_EVERY_S, outward
from healthmon.watch.heartbeat import STUCK, Heart
from healthmon.watch.policy import ProgramState
from healthmon.watch.systemd_notify import Nobody, Systemd, manager
from tests.builders import a_config
from tests.containers import wait_for
from tests.processes.test_watchdog_judging import Supervisord, Watch
from tests.receivers import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.watch.supervisor_rpc import ProgramInfo

TOP = Path(__file__).parents[2]
STARTS_WITHIN_S = 8.0  # of all processes, as measured on a busy host
CONFIG = a_config(Path("/nowhere"), {"name": "s", "url": "http://127.0.0.1:1/"})
ALL = tuple(sorted(set(names(CONFIG)) - {"watchdog"}, key=lambda name: name.startswith("probe-")))  # the prober last


class Systemds:
    """The socket that systemd listens on for what we say."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                found += self.socket.recv(4_096).decode().split("\n")
            except BlockingIOError:
                return found


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemds]:
    made = Systemds(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield made
    made.socket.close()


def watching(directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Watch:
    watch = Watch(directory / "data", monkeypatch, **settings)
    watch.supervisord = Supervisord(**dict.fromkeys(ALL, ProgramState.RUNNING))
    watch.watchdog._rpc = watch.supervisord  # type: ignore[assignment]
    return watch


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systemd: Systemds) -> Iterator[Watch]:
    assert systemd.heard() == []
    made = watching(tmp_path, monkeypatch)
    yield made
    made.watchdog.close()
    made.doorbell.close()


def test_systemd_hears_that_we_are_ready_when_the_last_role_has_beaten_and_once(watch: Watch, systemd: Systemds) -> None:
    watch.live(5, *ALL[:-1])
    assert "READY=1" not in systemd.heard()
    watch.live(1, *ALL)
    assert "READY=1" in systemd.heard()
    watch.live(30, *ALL)
    heard = systemd.heard()
    assert "READY=1" not in heard
    assert heard.count("WATCHDOG=1") == 30 / LOOK_EVERY_S


def test_systemd_hears_nothing_while_a_process_is_silent_and_why(watch: Watch, systemd: Systemds) -> None:
    watch.live(30, *ALL)
    systemd.heard()
    watch.live(25, *ALL[:-1])
    assert set(systemd.heard()) == {"WATCHDOG=1"}
    for _ in range(5):
        watch.live(1, *ALL[:-1])
        if watch.kills:
            break
    assert [line.rpartition(" for ")[0] for line in systemd.heard()] == ["STATUS=probe-default: no heartbeat"]
    watch.live(10, *ALL)
    assert {"WATCHDOG=1", f"STATUS={len(ALL)} processes, all well"} <= set(systemd.heard())


def frozen() -> list[ProgramInfo]:
    raise EngineUnreachableError("supervisord does not answer")


def signs_of_life(watch: Watch, systemd: Systemds, seconds: int, *beating: str) -> list[int]:
    """Let time pass; return the seconds at which systemd heard that all of it is alive."""
    systemd.heard()
    heard = []
    for second in range(seconds):
        watch.live(1, *beating)
        heard += [second] if "WATCHDOG=1" in systemd.heard() else []
    return heard


@pytest.mark.parametrize("lived_s", [30, 34, 38, 42])
def test_systemd_ends_within_a_minute_what_a_frozen_supervisord_began(watch: Watch, systemd: Systemds, lived_s: int) -> None:
    """From the last sign of life it takes as long as the unit says, the pause before a start, and the start."""
    watch.live(lived_s, *ALL)
    watch.supervisord.programs = frozen  # type: ignore[method-assign]
    last = max(signs_of_life(watch, systemd, 60, *ALL), default=0)
    assert last + in_unit("WatchdogSec") + in_unit("RestartSec") + STARTS_WITHIN_S <= 60


def test_systemd_has_patience_while_the_watchdog_itself_replaces_a_worker(watch: Watch, systemd: Systemds) -> None:
    watch.live(30, *ALL)
    heard = signs_of_life(watch, systemd, 90, *ALL[:-1])
    assert watch.kills
    assert max(later - earlier for earlier, later in pairwise(heard)) <= in_unit("WatchdogSec") / 2


def in_unit(key: str) -> float:
    """Return what the shipped unit says, in seconds."""
    text = (TOP / "systemd" / "health-monitor.service").read_text()
    return float(next(line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")))


def test_a_process_in_a_unit_of_its_own_has_time_to_start_and_is_seen_at_once(watch: Watch, systemd: Systemds) -> None:
    del watch.supervisord.states["healer"]
    here = [name for name in ALL if name != "healer"]
    watch.live(2, *here)
    heard = systemd.heard()
    assert "READY=1" in heard
    assert [line for line in heard if line.startswith("STATUS=")][-1] == "STATUS=starting: healer"
    assert watch.watchdog.step() <= FIRST_LOOKS_EVERY_S, "who waits to hear that all is well waits for the next of its usual looks"
    watch.live(1, *ALL)
    assert f"STATUS={len(ALL)} processes, all well" in systemd.heard()
    watch.live(5, *ALL)
    assert watch.watchdog.step() > FIRST_LOOKS_EVERY_S
    watch.live(60, *here)
    assert any(line.startswith("STATUS=healer: no heartbeat") for line in systemd.heard())


def test_what_supervisord_gave_up_on_is_shown_and_no_reason_to_start_everything_anew(watch: Watch, systemd: Systemds) -> None:
    watch.live(30, *ALL)
    watch.supervisord.states["healer"] = ProgramState.FATAL
    systemd.heard()
    watch.live(30, *(name for name in ALL if name != "healer"))
    heard = systemd.heard()
    assert heard.count("WATCHDOG=1") == 30 / LOOK_EVERY_S
    assert any(line.startswith("STATUS=healer: given up") for line in heard)


def test_a_process_in_a_unit_of_its_own_tells_systemd_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systemd: Systemds) -> None:
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    alone = Heart("healer", tmp_path / "nobody")
    alone.beat(is_busy=False)
    assert systemd.heard() == ["READY=1", "WATCHDOG=1"]
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    one_of_many = Heart("healer", tmp_path / "nobody")
    one_of_many.beat(is_busy=False)
    assert systemd.heard() == []
    alone.close()
    one_of_many.close()


@pytest.mark.parametrize(("address", "kind"), [("/run/systemd/notify", Systemd), ("@abstract", Systemd), ("", Nobody), ("x", Nobody)])
def test_who_wants_to_hear_is_known_by_the_environment(address: str, kind: type) -> None:
    assert isinstance(manager({"NOTIFY_SOCKET": address}), kind)


def test_an_abstract_socket_is_spoken_to_and_one_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0healthmon-test")
        manager({"NOTIFY_SOCKET": "@healthmon-test"}).tell("READY=1")
        assert listening.recv(100) == b"READY=1"
    manager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_the_dead_mans_receiver_hears_of_us_while_all_is_well_and_only_then(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Receiver() as outside:
        watch = watching(tmp_path, monkeypatch, ping_url=outside.url, ping_seconds=60)

        def live(seconds: int, **flags: int) -> None:
            for _ in range(0, seconds, 5):
                watch.live(5, *ALL, **flags)
                time.sleep(0.05)  # for the child, whose time is the real one

        def wait_for_ping(count: int) -> None:
            live(5)
            wait_for(lambda: len(outside.requests) == count, what="a ping")
            live(5)

        watch.live(5, *ALL[:-1])
        assert outside.requests == []
        wait_for_ping(1)
        live(45)
        assert len(outside.requests) == 1
        live(5)
        wait_for_ping(2)
        live(100, flags=STUCK)
        assert len(outside.requests) == 2
        outside.answer = Answer(status=500)
        wait_for_ping(3)
        assert [message.split()[1:] for message in caplog.messages if "ping" in message] == [["ping_failed", 'problem="it', "answered", '500"']]
        watch.watchdog.close()
        watch.doorbell.close()


class Answered:
    """A ping that is over as soon as it is begun."""

    def is_over(self) -> bool:
        return True

    def end(self) -> SendResult:
        return SendResult(status=SendStatus.SENT, detail="")


@pytest.fixture
def pinged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pinged]:
    made = Pinged(tmp_path, monkeypatch)
    yield made
    made.watch.watchdog.close()
    made.watch.doorbell.close()


class Pinged:
    """A watchdog, and when it pinged, by its own clock."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[float] = []
        self.watch = watching(directory, monkeypatch, ping_url="http://127.0.0.1:1/")
        monkeypatch.setattr(child, "begin", self._begin)

    def _begin(self, _send: object, *, title: str) -> Answered:
        assert "ping" in title
        self.at.append(self.watch.now)
        return Answered()

    def every(self, seconds: float) -> None:
        settings = self.watch.config.watchdog.model_copy(update={"ping_seconds": seconds})
        self.watch.watchdog.follow(self.watch.config.model_copy(update={"watchdog": settings}))


@pytest.mark.parametrize("every_s", [1, 3, 7, 60])
def test_pings_come_as_often_as_is_set_however_seldom_we_look(pinged: Pinged, every_s: int) -> None:
    pinged.every(every_s)
    pinged.watch.live(300, *ALL)
    assert {later - earlier for earlier, later in pairwise(pinged.at)} == {every_s}
    assert pinged.watch.watchdog.step() <= every_s, "it would sleep for longer"
    pinged.watch.supervisord.states["evaluator"] = ProgramState.FATAL
    pinged.watch.live(LOOK_EVERY_S, *ALL)
    before = len(pinged.at)
    pinged.watch.live(300, *ALL)
    assert len(pinged.at) == before, "it pings, and all is not well"


def test_other_seconds_between_pings_count_at_once(pinged: Pinged) -> None:
    pinged.every(3_600)
    pinged.watch.live(10, *ALL)
    pinged.every(2)
    pinged.watch.live(10, *ALL)
    assert len(pinged.at) >= 4


def test_a_receiver_that_never_answers_is_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(answer=Answer(pause_s=3.0)) as outside:
        watch = watching(tmp_path, monkeypatch, ping_url=outside.url, ping_seconds=30)
        watch.live(5, *ALL)
        wait_for(lambda: len(outside.requests) == 1, what="a ping")
        watch.live(outward.PING_LIMIT_S + 6, *ALL)
        assert [message.split()[1] for message in caplog.messages if "ping" in message] == ["ping_failed"]
        watch.watchdog.close()
        watch.doorbell.close()
