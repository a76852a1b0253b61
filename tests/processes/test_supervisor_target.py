"""How are programs of our own supervisord seen and restarted, on a real one?"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal import outcome
from healthmon.heal.outcome import Outcome
from healthmon.heal.supervisor_target import SupervisorEngine
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import Target, TargetKind, TargetState
from tests.builders import a_heal
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

RESTART, START = HealAction.RESTART, HealAction.START
CONF = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/supervisord.pid
[unix_http_server]
file={folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/s.sock
[program:evaluator]
command=sleep 1000
[program:probe-default]
command=sleep 1000
[program:supervisord]
command=sleep 1000
[program:shop]
command=sleep 1000
startsecs=0
stopwaitsecs=7
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.1; done"
startsecs=0
stopwaitsecs=2
stopasgroup=true
killasgroup=true
[program:hopeless]
command=false
startretries=0
[program:done]
command=sh -c "exit 3"
startsecs=0
autorestart=false
[program:absent]
command=/not/there
startretries=0
[program:member]
command=sleep 1000
[group:team]
programs=member
[program:keeper]
command=sleep 1000
[group:healthmon]
programs=keeper
"""


class Supervisord:
    """A supervisord of the test's own, with a person's command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "s.sock"
        self._conf = folder / "supervisord.conf"
        self._conf.write_text(CONF.format(folder=folder))
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(self._conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def ctl(self, *arguments: str) -> str:
        command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisorctl", "-c", str(self._conf), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def supervisord() -> Iterator[Supervisord]:
    with tempfile.TemporaryDirectory(prefix="hm") as folder:  # a socket's path must be short
        made = Supervisord(Path(folder))
        try:
            wait_for(lambda: "RUNNING" in made.ctl("status", "shop"), timeout_s=20, what="supervisord")
            yield made
        finally:
            made.close()


@pytest.fixture
def engine(supervisord: Supervisord) -> SupervisorEngine:
    return SupervisorEngine(supervisord.socket)


def observed(engine: SupervisorEngine, name: str) -> Target:
    return {target.name: target for target in engine.observe()}[name]


def test_programs_are_seen_but_never_our_own(engine: SupervisorEngine) -> None:
    """The healer does not restart its own kind: that is the watchdog's."""
    names = {target.name for target in engine.observe()}
    assert names == {"shop", "stubborn", "hopeless", "done", "absent", "team:member"}
    shop = observed(engine, "shop")
    assert (shop.kind, shop.state, shop.incarnation.target_id) == (TargetKind.SUPERVISOR, TargetState.RUNNING, "supervisor:shop:shop")
    assert (shop.stop_timeout_s, shop.stopped_by_person, shop.untouchable) == (7, False, "")
    assert shop.started_at is not None
    assert engine.look(shop.incarnation.target_id).incarnation == shop.incarnation
    assert observed(engine, "team:member").incarnation.target_id == "supervisor:team:member"


def test_what_supervisord_gave_up_on_says_why(engine: SupervisorEngine) -> None:
    """FATAL and EXITED are ends that no person made."""
    wait_for(lambda: observed(engine, "hopeless").state is TargetState.EXITED, what="FATAL")
    wait_for(lambda: observed(engine, "absent").error, what="FATAL")
    hopeless, done, absent = (observed(engine, name) for name in ("hopeless", "done", "absent"))
    assert "Exited too quickly" in hopeless.error
    assert (done.state, done.exit_code) == (TargetState.EXITED, 3)
    assert "can't find command '/not/there'" in absent.error
    assert not any(target.stopped_by_person for target in (hopeless, done, absent))


def test_a_restart_makes_another_incarnation(engine: SupervisorEngine) -> None:
    """Also for a program in a group."""
    for name in ("shop", "team:member"):
        wait_for(lambda name=name: observed(engine, name).state is TargetState.RUNNING, what="RUNNING")  # type: ignore[misc]
        before = observed(engine, name).incarnation
        engine.carry_out(RESTART, before.target_id, 7)
        after = wait_for(lambda name=name: observed(engine, name), what="RUNNING")  # type: ignore[misc]
        assert after.incarnation.target_id == before.target_id
        assert after.incarnation.started != before.started
        assert not after.stopped_by_person


def test_a_stop_by_a_person_is_known_and_a_start_lifts_it(supervisord: Supervisord, engine: SupervisorEngine) -> None:
    """The supervisor itself remembers that it was told to."""
    supervisord.ctl("stop", "shop")
    stopped = observed(engine, "shop")
    assert (stopped.state, stopped.stopped_by_person) == (TargetState.EXITED, True)
    engine.carry_out(START, stopped.incarnation.target_id, 7)
    started = observed(engine, "shop")
    assert (started.state, started.stopped_by_person) == (TargetState.RUNNING, False)


def test_a_restart_that_a_crash_cut_in_half_can_be_finished(supervisord: Supervisord) -> None:
    """The ledger knows that the stop was ours; supervisord does not."""
    supervisord.ctl("stop", "shop")
    next_healer = SupervisorEngine(supervisord.socket)
    next_healer.adopt("supervisor:shop:shop", clock.now(), 7)
    assert not observed(next_healer, "shop").stopped_by_person
    next_healer.carry_out(START, "supervisor:shop:shop", 7)
    wait_for(lambda: observed(next_healer, "shop").state is TargetState.RUNNING, what="RUNNING")
    supervisord.ctl("stop", "shop")
    assert observed(next_healer, "shop").stopped_by_person
    supervisord.ctl("start", "shop")


def test_a_healer_that_dies_between_stop_and_start_leaves_its_stop_to_be_finished(supervisord: Supervisord, engine: SupervisorEngine) -> None:
    """What is stopped has no pid: that is no new run."""
    wait_for(lambda: observed(engine, "shop").state is TargetState.RUNNING, what="RUNNING")
    run, issued_at = observed(engine, "shop").incarnation, clock.now()
    heal = a_heal(HealState.ISSUED, incarnation=run, issued_at=issued_at, stop_timeout_s=7)
    engine._send_stop(run.target_id)
    wait_for(lambda: observed(engine, "shop").state is TargetState.EXITED, what="the stop")
    next_healer = SupervisorEngine(supervisord.socket)
    next_healer.adopt(run.target_id, issued_at, 7)
    later = issued_at + timedelta(minutes=1)
    assert outcome.read(heal, next_healer.look(run.target_id), later, may_begin_until=None) is Outcome.STOPPED_ONLY
    assert next_healer.has_stopped(run.target_id)
    next_healer.carry_out(START, run.target_id, 7)
    wait_for(lambda: observed(next_healer, "shop").state is TargetState.RUNNING, what="RUNNING")
    assert outcome.read(heal, next_healer.look(run.target_id), later, may_begin_until=None) is Outcome.HAPPENED


def test_a_stop_long_after_an_unfinished_restart_is_a_persons(supervisord: Supervisord) -> None:
    next_healer = SupervisorEngine(supervisord.socket)
    supervisord.ctl("stop", "shop")
    next_healer.adopt("supervisor:shop:shop", clock.now() - timedelta(seconds=30), 7)
    assert observed(next_healer, "shop").stopped_by_person
    supervisord.ctl("start", "shop")


def test_a_stop_that_outlasts_our_patience_is_unknown(engine: SupervisorEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may still stop; it is never ours to guess."""
    monkeypatch.setattr("healthmon.heal.supervisor_target.STOP_ALLOWANCE_S", 0.2)
    with pytest.raises(EngineUnknownError, match="could not stop stubborn:stubborn in 0 s"):
        engine.carry_out(RESTART, "supervisor:stubborn:stubborn", 0)
    stopping = observed(engine, "stubborn")
    assert (stopping.state, stopping.stopped_by_person) == (TargetState.RUNNING, False)
    wait_for(lambda: observed(engine, "stubborn").state is TargetState.EXITED, what="the kill")
    assert not observed(engine, "stubborn").stopped_by_person
    engine.carry_out(START, "supervisor:stubborn:stubborn", 2)


def test_what_is_not_there_is_gone(engine: SupervisorEngine) -> None:
    """By every way of asking."""
    with pytest.raises(EngineGoneError):
        engine.look("supervisor:nobody:nobody")
    for action in HealAction:
        with pytest.raises(EngineGoneError):
            engine.carry_out(action, "supervisor:nobody:nobody", 1)


def test_a_start_that_fails_is_refused(engine: SupervisorEngine) -> None:
    """The text is supervisord's."""
    with pytest.raises(EngineError, match=r"refused: .*/not/there") as refused:
        engine.carry_out(START, "supervisor:absent:absent", 1)
    assert refused.type is EngineError


def test_a_frozen_supervisord_costs_a_bounded_wait(supervisord: Supervisord) -> None:
    """A question is unanswered; an order may still be carried out."""
    engine = SupervisorEngine(supervisord.socket, timeout_s=0.3)
    engine.observe()
    first = engine.reachable_since
    assert engine.returned_at is None
    with supervisord.frozen():
        begun = time.monotonic()
        with pytest.raises(EngineUnreachableError, match="frozen or stopping"):
            engine.observe()
        with pytest.raises(EngineUnknownError, match="may still happen"):
            engine.carry_out(START, "supervisor:shop:shop", 1)
        assert time.monotonic() - begun < 2
        assert engine.reachable_since is None
    wait_for(lambda: _answers(engine), what="the thaw")
    assert first is not None
    assert engine.returned_at is not None
    assert engine.returned_at > first


def _answers(engine: SupervisorEngine) -> bool:
    try:
        return bool(engine.observe())
    except EngineUnreachableError:
        return False


def test_an_absent_supervisord_is_named_with_its_remedy(tmp_path: Path) -> None:
    """No socket, and one that nobody listens at."""
    with pytest.raises(EngineUnreachableError, match=r"no supervisord socket at .*: is healthmon running\?"):
        SupervisorEngine(tmp_path / "none").observe()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "left"))
    for action in HealAction:
        with pytest.raises(EngineUnreachableError, match="does not run"):
            SupervisorEngine(tmp_path / "left").carry_out(action, "supervisor:shop:shop", 1)


def test_a_supervisord_that_is_stopping_leaves_open_what_became_of_a_restart() -> None:
    with tempfile.TemporaryDirectory(prefix="hm") as folder:
        own = Supervisord(Path(folder))
        try:
            wait_for(lambda: "RUNNING" in own.ctl("status", "stubborn"), timeout_s=20, what="supervisord")
            engine = SupervisorEngine(own.socket)
            threading.Timer(0.5, own.process.terminate).start()
            with pytest.raises(EngineUnknownError, match="was told to stop, and then: supervisord is stopping"):
                engine.carry_out(RESTART, "supervisor:stubborn:stubborn", 5)
        finally:
            own.close()
