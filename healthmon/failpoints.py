"""Where may a test end this process, as if the power went at just that moment?

Random kills do not find mistakes in the order of two steps: the gap is microseconds wide. A named point between them
does. `HEALTHMON_FAILPOINT=name` kills the process that reaches that point, `name:3` at its third time. Without it, which
is always but in such tests, a point costs one look at a variable.
"""

from __future__ import annotations

import os
import signal

ENVIRONMENT = "HEALTHMON_FAILPOINT"
_passed: dict[str, int] = {}


def reach(name: str) -> None:
    """Be at the point `name`; end here without a word if a test wants it so."""
    wanted = os.environ.get(ENVIRONMENT)
    if wanted is None:
        return
    point, _, times = wanted.partition(":")
    if point != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
