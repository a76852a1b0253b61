"""healthmon with a bug planted in one of its workers, by the word in PLANTED. Nothing in the product knows of this file.

hang         the prober's loop blocks for ever
deaf_hang    the same, while a thread of its own goes on sending heartbeats
leak         the prober keeps 4 MiB a step
busy_leak    the healer is large from its start, and says for a while that it must not be ended
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

from healthmon.cli.main import main
from healthmon.processes.healer import Healer
from healthmon.processes.prober import Prober
from healthmon.watch.heartbeat import Heart

PLANTED = "HEALTHMON_PLANTED"
STEPS = 20  # so many go well
PIECE = 4 * 2**20
LARGE = 120 * 2**20
BUSY_S = 6.0
NO_MORE_BUSY = "no_more_busy"  # made in the working directory, which is data_dir

_kept: list[bytes] = []
_steps = itertools.count()
_step = Prober.step
_heal = Healer.step
_make_heart = Heart.__init__


def _hang(self: Prober) -> float:
    if next(_steps) >= STEPS:
        threading.Event().wait()
    return _step(self)


def _beat_from_a_thread(self: Heart, program: str, path: Path) -> None:
    _make_heart(self, program, path)

    def beat_on() -> None:
        while True:
            time.sleep(1)
            self._beaten_at = float("-inf")
            Heart.beat(self, is_busy=False)

    threading.Thread(target=beat_on, daemon=True).start()


def _leak(self: Prober) -> float:
    _kept.append(b"x" * PIECE)
    return _step(self)


def _be_large(self: Healer) -> float:
    if not _kept:
        _kept.append(b"x" * LARGE)
        _kept.append(str(time.monotonic()).encode())
    return min(1.0, _heal(self))


def _be_busy(self: Healer) -> bool:  # noqa: ARG001  what it stands in for names it so
    if _kept and time.monotonic() - float(_kept[1]) > BUSY_S:
        Path(NO_MORE_BUSY).touch()
        return False
    return True


def plant(bug: str) -> None:
    """Put one bug in."""
    if bug in {"hang", "deaf_hang"}:
        Prober.step = _hang  # type: ignore[method-assign]
    if bug == "deaf_hang":
        Heart.__init__ = _beat_from_a_thread  # type: ignore[method-assign]
    if bug == "leak":
        Prober.step = _leak  # type: ignore[method-assign]
    if bug == "busy_leak":
        Healer.step = _be_large  # type: ignore[method-assign]
        Healer.is_busy = _be_busy  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(os.environ[PLANTED])
    main()
