"""How is an agent asked to apply its file anew, and how does it answer? Over a Unix socket that the watchdog serves.

The command writes nothing and reads no secret, so anybody whom the directory lets in may type it, root too: the agent
does it, in the environment and with the credentials that it was started with.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from healthmon.errors import EXIT_FAILED, EngineUnreachableError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ASKED_BYTES = 256
MAX_ANSWER_BYTES = 65_536
BACKLOG = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it, as a command line ends: its exit code and what it says. `number` is the configuration that counts now."""

    exit_code: int
    lines: tuple[str, ...]
    number: int = 0

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_bytes(said: bytes) -> Answer:
        """Read what `to_bytes` wrote; what is none was cut off."""
        try:
            found = json.loads(said)
            return Answer(exit_code=int(found["exit_code"]), lines=tuple(map(str, found["lines"])), number=int(found["number"]))
        except (ValueError, KeyError, TypeError):
            return Answer(exit_code=EXIT_FAILED, lines=("nobody knows what came of it: what was at it ended; `healthmon status` tells what counts",))


class Line:
    """Where people ask. Who listened last gets the questions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.socket, self._file = _listening(path)

    def accept(self) -> list[socket.socket]:
        """Return who has come since the last call."""
        found = []
        with suppress(OSError):  # there is nobody more, or no descriptor left: then they wait
            while True:
                asking, _ = self.socket.accept()
                asking.settimeout(0.0)
                found.append(asking)
        return found

    def put_back(self) -> None:
        """Listen again where somebody removed our path. Raises OSError when that cannot be done."""
        with suppress(OSError):
            if os.path.samestat(self._path.lstat(), self._file):
                return
        again, self._file = _listening(self._path)
        os.dup2(again.fileno(), self.socket.fileno(), inheritable=False)
        again.close()

    def close(self) -> None:
        self.socket.close()


def tell(path: Path, *, author: str) -> bool:
    """Ask, and do not wait for the answer; return whether anybody heard it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as asking, suppress(OSError):
        asking.connect(str(path))
        asking.send(author.encode()[:MAX_ASKED_BYTES])
        return True
    return False


def ask(path: Path, *, author: str, timeout_s: float) -> Answer:
    """Ask, and wait for the answer. Raises EngineUnreachableError when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.settimeout(timeout_s)
        try:
            asking.connect(str(path))
            asking.send(author.encode()[:MAX_ASKED_BYTES])
            said = asking.recv(MAX_ANSWER_BYTES)
        except OSError as error:
            raise EngineUnreachableError(_remedy(error, path, timeout_s)) from error
    return Answer.from_bytes(said)


def _remedy(error: OSError, path: Path, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"the agent gave no answer within {timeout_s:.0f} s: `healthmon ctl status` shows whether its watchdog runs"
    if isinstance(error, PermissionError):
        return f"no permission for {path}: use the account that healthmon runs as, or sudo"
    return f"no agent hears at {path}: `healthmon run` starts one, and `healthmon ctl start watchdog` what is missing of one"


def _listening(path: Path) -> tuple[socket.socket, os.stat_result]:
    path.unlink(missing_ok=True)
    box = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        box.bind(str(path))
        box.listen(BACKLOG)
        return box, path.lstat()
    except BaseException:
        box.close()
        raise
