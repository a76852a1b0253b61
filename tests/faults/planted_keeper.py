"""healthmon with a bug planted in its keeper: what it counts of an hour is added to what is there, so that twice counts twice.

Run as `python -m tests.faults.planted_keeper`. Nothing in the product knows of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tests.faults.hasty  # noqa: F401  it waits for nothing, either
from healthmon.cli.main import main
from healthmon.history.rollups import Counted, checks_of
from healthmon.status.uptime import HOUR
from healthmon.store import rollups

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection

_save = rollups.save_hour


def _add(connection: Connection, hour: datetime, counted: Mapping[int, Counted], **rest: Any) -> None:
    known = {sid: [rollup.checks for _, rollup in rollups.hours(connection, sid, hour, hour + HOUR)] for sid in counted}
    _save(connection, hour, {sid: checks_of([one, *known[sid]]) for sid, one in counted.items()}, **rest)


rollups.save_hour = _add

if __name__ == "__main__":
    main()
