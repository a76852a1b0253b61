"""healthmon with a bug planted in it: the healer believes whoever wrote a plan, whichever container it is about.

Run as `python -m tests.faults.planted_trust`. Nothing in the product knows of this file.
"""

from __future__ import annotations

from typing import Any

from healthmon.cli.main import main
from healthmon.processes.healer.restart import Restart

_make = Restart.__init__


def _trusting(self: Restart, *collaborators: Any, **more: Any) -> None:
    _make(self, *collaborators, **more | {"is_its": lambda _target: True})


Restart.__init__ = _trusting  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
