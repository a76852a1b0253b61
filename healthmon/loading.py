"""How is code loaded fast? Without the collector: it would look through all that is being made, again and again, for nothing.

Measured: a seventh of the CPU seconds from the first instruction to an agent that is ready.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quickly() -> Iterator[None]:
    """Have nothing collected inside."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
