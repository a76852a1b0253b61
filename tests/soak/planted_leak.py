"""healthmon with a leak planted: the prober keeps some bytes of each look. Nothing in the product knows of this file."""

from __future__ import annotations

import os
from typing import Any

from healthmon.cli.main import main
from healthmon.processes.prober.journal import Journal

BYTES = int(os.environ.get("HEALTHMON_LEAK_BYTES", "1024"))  # a look

_kept: list[bytes] = []
_add = Journal.add


def _leak(self: Journal, *given: Any, **named: Any) -> None:
    _kept.append(os.urandom(BYTES))
    _add(self, *given, **named)


Journal.add = _leak  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
