"""healthmon with a bug planted in it: what a harness must catch before its silence means anything.

Run as `python -m tests.faults.planted`. The evaluator takes checks from the inbox first and books their effects in a
second transaction: a crash between the two loses them. Nothing in the product knows of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.cli.main import main
from healthmon.processes.evaluator import Evaluator
from healthmon.store import checks

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.checks import InboxEntry

_take = Evaluator._take


def _mark_before_act(self: Evaluator, entries: list[InboxEntry], now: datetime) -> None:
    if entries:
        with self._connection.transaction(durable=True):
            checks.delete_inbox_until(self._connection, entries[-1].inbox_id)
    _take(self, entries, now)


Evaluator._take = _mark_before_act  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
