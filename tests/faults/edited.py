"""An agent whose file is edited while it runs, held to the invariants of every row."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults import invariants
from tests.faults.signs import Signs
from tests.reloading import ALWAYS, Host, reloading

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.paths import Paths


@dataclass(kw_only=True)
class _Edited:
    """What the invariants are judged of."""

    paths: Paths
    source: Path
    signs: Signs
    process: subprocess.Popen[bytes]
    host: Host

    def pids(self) -> dict[str, int]:
        return self.host.pids()


@contextmanager
def edited(**environment: str) -> Iterator[Host]:
    """Run `reloading` for the length of a block."""
    signs = Signs()
    with reloading(NOTIFY_SOCKET=signs.address, **environment) as host:
        subject = _Edited(host=host, signs=signs, paths=host.paths, source=host.source, process=host.agent)
        before = invariants.Before(sizes=invariants.sizes(host.pids().values()))
        yield host
        invariants.judge_running(subject, before, ALWAYS)
        invariants.judge_left(subject, before, host.pids())
    signs.close()
