"""Where may a test end or halt this process, as if the power went, or a person acted, at just that moment?

Random kills do not find mistakes in the order of two steps: the gap is microseconds wide. A named point between them
does. `HEALTHMON_FAILPOINT=name` kills the process that reaches that point, `name:3` at its third time, and
`name@/a/file` only the one that can create that file: so a process that is started again lives. `name!stop` stops it
(SIGSTOP) until somebody sends it SIGCONT. Several of these may be given, with `;` between them. Without the variable, which
is always but in such tests, a point costs one look at it.
"""

from __future__ import annotations

import os
import re
import signal
import threading

ENVIRONMENT = "HEALTHMON_FAILPOINT"
_WANTED = re.compile(r"(?P<point>[^:!@]+)(:(?P<times>[0-9]+))?(?P<stop>!stop)?(@(?P<marker>.+))?")
_passed: dict[str, int] = {}


def reach(name: str) -> None:
    """Be at the point `name`; end or halt here without a word if a test wants it so."""
    said = os.environ.get(ENVIRONMENT)
    if said is None:
        return
    for one in said.split(";"):
        wanted = _WANTED.fullmatch(one)
        if wanted is not None and wanted["point"] == name:
            _meet(wanted)


def _meet(wanted: re.Match[str]) -> None:
    point = wanted["point"]
    _passed[point] = _passed.get(point, 0) + 1
    if _passed[point] >= int(wanted["times"] or 1) and _is_first(wanted["marker"]):
        # To this very thread: a signal to the process may be taken by another one, and this one would run on for a while.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP if wanted["stop"] else signal.SIGKILL)


def _is_first(marker: str | None) -> bool:
    if marker is None:
        return True
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
