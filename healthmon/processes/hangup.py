"""What does a SIGHUP mean: was our terminal closed, or does somebody want the file applied anew?

The kernel takes a closed terminal away from all its processes before it tells them, so whoever still has the one that it
began with was told by a person, or by a shell that is left while its terminal stays.
"""

from __future__ import annotations

import errno
import os

TERMINAL = "/dev/tty"  # whichever is ours


class Terminal:
    """The terminal that this process belongs to, if there is one."""

    def __init__(self) -> None:
        self._was_there = _answer() == 0

    def was_closed(self) -> bool:
        """Tell whether there was one in the beginning that is gone."""
        return self._was_there and _answer() == errno.ENXIO


def _answer() -> int:
    """Return why our terminal cannot be opened, 0 when it can."""
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or errno.EIO
    return 0
