"""How are programs of our own supervisord seen and restarted, as the demo's services are?

A restart is a stop and then a start, because supervisord has no such call: when the healer dies in between, the
program stays stopped, as if by a person. The ledger knows better: `adopt` says so, and a later start is allowed.
"""

from __future__ import annotations

import time
import xmlrpc.client  # what it reads comes from our own supervisord, on a socket that is ours alone
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal.engine import Reachability
from healthmon.model.heal import HealAction
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetState
from healthmon.settings import is_our_program
from healthmon.unix_rpc import CUT, RPC_TIMEOUT_S, Transport, remedy, supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from healthmon.heal.forensics import Examined

Info = dict[str, Any]  # what supervisord tells of one program

POLL_S = 0.1
STOP_ALLOWANCE_S = 5.0  # supervisord looks at its children once a second
DEFAULT_STOP_TIMEOUT_S = 10
SHUTDOWN_STATE, BAD_NAME, ALREADY_STARTED, NOT_RUNNING = 6, 10, 60, 70  # faults, see supervisor.xmlrpc.Faults
_STATES = {
    "STARTING": TargetState.RESTARTING,
    "BACKOFF": TargetState.RESTARTING,
    "RUNNING": TargetState.RUNNING,
    "STOPPING": TargetState.RUNNING,
    "STOPPED": TargetState.EXITED,
    "EXITED": TargetState.EXITED,
    "FATAL": TargetState.EXITED,
}
_STOPPED = frozenset({"STOPPED", "EXITED", "FATAL"})
_BY_PERSON = frozenset({"STOPPED", "STOPPING"})


class SupervisorEngine:
    """The programs of the supervisord behind one socket that are not healthmon's own."""

    def __init__(self, socket_path: Path, *, timeout_s: float = RPC_TIMEOUT_S, now: Callable[[], datetime] = clock.now) -> None:
        self._socket_path = socket_path
        self._timeout_s = timeout_s
        self._now = now
        self._reach = Reachability()
        self._restarting: set[str] = set()
        self._stopped_by_us: dict[str, datetime | None] = {}  # until they are seen to run again; by when, where it is in doubt
        self._stop_timeouts_s: dict[str, int] = {}

    @property
    def reachable_since(self) -> datetime | None:
        return self._reach.reachable_since

    @property
    def returned_at(self) -> datetime | None:
        return self._reach.returned_at

    @property
    def is_behind(self) -> bool:
        return False

    def observe(self) -> list[Target]:
        with self._rpc() as rpc:
            infos = [info for info in rpc.getAllProcessInfo() if not _is_ours(info)]
            if any(_target_id(info) not in self._stop_timeouts_s for info in infos):
                self._stop_timeouts_s = {_target_id(found): int(found["stopwaitsecs"]) for found in rpc.getAllConfigInfo()}
        self._reach.answered(self._now())
        return [self._target(info) for info in infos]

    def glance(self) -> None:
        """There are no events: a program is seen when all are."""

    def recall(self) -> list[Target]:
        return self.observe()

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> None:
        """Nobody tells what happens to them in any case."""

    def look(self, target_id: str) -> Target:
        with self._rpc() as rpc:
            info = rpc.getProcessInfo(_namespec(target_id))
        self._reach.answered(self._now())
        return self._target(info)

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
        if action is HealAction.START:
            self._start(target_id)
            return
        self._restarting.add(target_id)
        self._stopped_by_us[target_id] = None
        try:
            self._restart(target_id, stop_timeout_s)
        finally:
            self._restarting.discard(target_id)

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        """Take a stop for ours that ended when ours would have: one that ended later is a person's."""
        self._stopped_by_us.setdefault(target_id, issued_at + timedelta(seconds=stop_timeout_s + STOP_ALLOWANCE_S))

    def has_stopped(self, target_id: str) -> bool:
        return target_id in self._stopped_by_us

    def examine(self, target_id: str) -> Iterator[Examined]:  # noqa: ARG002  the Protocol's
        return iter(())  # what our own programs say is in our own logs

    def read_usage(self, target_id: str) -> None:
        """Nobody asks for it: rules speak of containers."""

    def events(self, on_event: Callable[[], None]) -> None:
        """There are none: supervisord tells its own children alone. The healer sees changes when it observes."""

    def close(self) -> None:
        """Nothing is held: every call has a connection of its own."""

    def _restart(self, target_id: str, stop_timeout_s: int) -> None:
        self._send_stop(target_id)
        try:
            self._await_stop(target_id, stop_timeout_s)
            self._start(target_id)
        except EngineUnreachableError as error:
            raise EngineUnknownError(f"{_namespec(target_id)} was told to stop, and then: {error}") from error

    def _send_stop(self, target_id: str) -> None:
        with self._rpc(acting=True) as rpc:
            try:
                rpc.stopProcess(_namespec(target_id), False)  # noqa: FBT003  wait=False: XML-RPC has no names
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != NOT_RUNNING:
                    raise

    def _await_stop(self, target_id: str, stop_timeout_s: int) -> None:
        deadline = clock.monotonic() + stop_timeout_s + STOP_ALLOWANCE_S
        while not self._is_stopped(target_id):
            if clock.monotonic() > deadline:
                raise EngineUnknownError(f"supervisord could not stop {_namespec(target_id)} in {stop_timeout_s} s: it may still")
            time.sleep(POLL_S)

    def _is_stopped(self, target_id: str) -> bool:
        with self._rpc() as rpc:
            return rpc.getProcessInfo(_namespec(target_id))["statename"] in _STOPPED

    def _start(self, target_id: str) -> None:
        with self._rpc(acting=True) as rpc:
            try:
                rpc.startProcess(_namespec(target_id), False)  # noqa: FBT003  wait=False
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != ALREADY_STARTED:
                    raise

    def _target(self, info: Info) -> Target:
        target_id, state = _target_id(info), info["statename"]
        if state == "RUNNING" and target_id not in self._restarting:
            self._stopped_by_us.pop(target_id, None)
        return Target(
            kind=TargetKind.SUPERVISOR,
            incarnation=Incarnation(target_id=target_id, started=f"{info['start']}:{info['pid']}"),
            name=info["name"] if info["group"] == info["name"] else f"{info['group']}:{info['name']}",
            state=_STATES.get(state, TargetState.DEAD),
            health=TargetHealth.NONE,
            started_at=datetime.fromtimestamp(info["start"], UTC) if info["start"] else None,
            image_id="",
            config_hash="",
            compose_project="",
            compose_service="",
            restart_policy="no",  # supervisord keeps its own counsel: what it gave up on, it leaves
            restart_limit=0,
            restart_count=0,
            exit_code=int(info["exitstatus"]),
            oom_killed=False,
            error=info["spawnerr"] or ("gave up: FATAL" if state == "FATAL" else ""),
            stop_timeout_s=self._stop_timeouts_s.get(target_id, DEFAULT_STOP_TIMEOUT_S),
            published_ports=(),
            stopped_by_person=state in _BY_PERSON and not self._is_by_us(info),
            untouchable="",
            observed_at=self._now(),
        )

    def _is_by_us(self, info: Info) -> bool:
        target_id = _target_id(info)
        if target_id not in self._stopped_by_us:
            return False
        by = self._stopped_by_us[target_id]
        at = self._now() if info["statename"] == "STOPPING" else datetime.fromtimestamp(info["stop"], UTC)
        return by is None or at <= by

    @contextmanager
    def _rpc(self, *, acting: bool = False) -> Iterator[Any]:
        """Open a connection for one or a few calls, and turn what goes wrong into our errors."""
        transport = Transport(self._socket_path, self._timeout_s)
        try:
            yield supervisor(transport)
        except xmlrpc.client.Fault as fault:
            raise _refusal(fault) from fault
        except CUT as error:
            if acting and transport.connected:
                raise EngineUnknownError(f"supervisord gave no answer within {self._timeout_s:g} s: what was asked for may still happen") from error
            self._reach.failed()
            raise EngineUnreachableError(remedy(error, self._socket_path)) from error
        finally:
            transport.close()


def _refusal(fault: xmlrpc.client.Fault) -> EngineError:
    if fault.faultCode == BAD_NAME:
        return EngineGoneError(f"supervisord has no such program any more: {fault.faultString}")
    if fault.faultCode == SHUTDOWN_STATE:  # it says so of any question: nothing is known of what was asked for before
        return EngineUnreachableError("supervisord is stopping")
    return EngineError(f"supervisord refused: {fault.faultString}")


def _is_ours(info: Info) -> bool:
    return is_our_program(str(info["group"])) or is_our_program(str(info["name"]))


def _target_id(info: Info) -> str:
    return f"supervisor:{info['group']}:{info['name']}"


def _namespec(target_id: str) -> str:
    return target_id.removeprefix("supervisor:")
