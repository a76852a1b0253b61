"""What does supervisord know of our programs, and how is one it gave up on started again?"""

from __future__ import annotations

import xmlrpc.client  # what it reads comes from our own supervisord, on a socket that is ours alone
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from healthmon.errors import EngineError, EngineUnreachableError
from healthmon.unix_rpc import CUT, RPC_TIMEOUT_S, Transport, remedy, supervisor
from healthmon.watch.policy import ProgramState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD_NAME, ALREADY_ADDED = 10, 90  # faults, see supervisor.xmlrpc.Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramInfo:
    """One program as supervisord sees it. `pid` is 0 when it does not run."""

    name: str
    state: ProgramState
    pid: int
    started_at: datetime | None = None  # of the process that runs
    group: str = ""


class SupervisorRpc:
    """Asks and starts; every call ends within a few seconds, also when supervisord is frozen."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def programs(self) -> list[ProgramInfo]:
        """Return every program. Raises EngineUnreachableError when supervisord does not answer."""
        with self._call() as rpc:
            infos = rpc.getAllProcessInfo()
        return [
            ProgramInfo(
                name=str(info["name"]),
                state=ProgramState(info["statename"]),
                pid=int(info["pid"]),
                group=str(info["group"]),
                started_at=datetime.fromtimestamp(int(info["start"]), UTC) if info["pid"] else None,
            )
            for info in infos
        ]

    def supervisor_pid(self) -> int:
        """Return the pid of supervisord itself."""
        with self._call() as rpc:
            return int(rpc.getPID())

    def start(self, name: str) -> None:
        """Start a program, without waiting for it. Raises EngineError when supervisord refuses."""
        with self._call() as rpc:
            rpc.startProcess(name, False)  # noqa: FBT003  XML-RPC knows no names

    def reread(self) -> None:
        """Have it read its files again; what runs is not touched. Raises EngineError for a file that it cannot read."""
        with self._call() as rpc:
            rpc.reloadConfig()

    def add(self, name: str) -> None:
        """Have it run a program that it has read, unless it does."""
        with self._call(unless=ALREADY_ADDED) as rpc:
            rpc.addProcessGroup(name)

    def stop(self, name: str) -> None:
        """Tell a program to end, without waiting for it."""
        with self._call(unless=BAD_NAME) as rpc:
            rpc.stopProcessGroup(name, False)  # noqa: FBT003  wait=False: XML-RPC knows no names

    def remove(self, name: str) -> None:
        """Have it forget a program that has ended."""
        with self._call(unless=BAD_NAME) as rpc:
            rpc.removeProcessGroup(name)

    @contextmanager
    def _call(self, *, unless: int | None = None) -> Iterator[Any]:
        """Make a call; the fault `unless` says that what is asked for is so already."""
        transport = Transport(self._path, RPC_TIMEOUT_S)
        try:
            yield supervisor(transport)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == unless:
                return
            raise EngineError(f"supervisord refused: {fault.faultString}") from fault
        except CUT as error:
            raise EngineUnreachableError(remedy(error, self._path)) from error
        finally:
            transport.close()
