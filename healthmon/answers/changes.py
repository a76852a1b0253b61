"""What was done to a service in a time: restarts, other images, other settings?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from healthmon.applied import frozen
from healthmon.config_changes import compare
from healthmon.store import configurations, heals, target_starts

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.configuration import Configuration
    from healthmon.model.heal import Heal
    from healthmon.store.connection import Connection
    from healthmon.store.target_starts import Start

NEWEST = 100
CONFIGURATIONS = 20  # to compare two of a thousand services takes some milliseconds
NO_MATTER = frozenset({"web", "dashboard", "log_level", "backup", "database_path"})  # to any service


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconfigured:
    """A configuration that changed something for the service: `keys` of its own, or of all."""

    at: datetime
    author: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """All of one time, oldest first. The first of `starts` may lie before it: it tells what ran then."""

    since: datetime
    starts: tuple[Start, ...]
    heals: tuple[Heal, ...]
    reconfigured: tuple[Reconfigured, ...]


def read(connection: Connection, service_id: int, name: str, *, since: datetime, until: datetime) -> Done:
    """Return what was done to a service."""
    made = heals.page(connection, before=None, limit=NEWEST, service_id=service_id, incident_id=None)
    applied = configurations.between(connection, since, until, limit=CONFIGURATIONS)
    return Done(
        since=since,
        starts=tuple(target_starts.between(connection, service_id, since, until)),
        heals=tuple(heal for heal in reversed(made) if since <= heal.planned_at < until),
        reconfigured=tuple(found for older, newer in pairwise(applied) if (found := _changed(older, newer, name)) is not None),
    )


def _changed(older: Configuration, newer: Configuration, name: str) -> Reconfigured | None:
    found = compare(frozen(json.loads(older.content)), frozen(json.loads(newer.content)))
    keys = (*found.changed.get(name, ()), *(key for key in found.keys if key not in NO_MATTER))
    if name in found.added:
        keys = ("added", *keys)
    return Reconfigured(at=newer.applied_at, author=newer.author, keys=keys) if keys else None
