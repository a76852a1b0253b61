"""Where is it told that a configuration was refused? In the database: who shows how things are reads it there."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError
from healthmon.log import clean
from healthmon.processes.doorbell import ring
from healthmon.redaction import redact
from healthmon.store import facts
from healthmon.store.connection import open_for_writing

if TYPE_CHECKING:
    from healthmon.paths import Paths

MAX_CHARS = 4_000


def note(paths: Paths, author: str, problem: str) -> None:
    """Keep why a configuration was refused, until one is applied."""
    told = {"at": clock.to_iso(clock.now()), "author": author, "problem": redact(clean(problem.replace("\n", " | ")))[:MAX_CHARS]}
    _write(paths, json.dumps(told, ensure_ascii=False))


def clear(paths: Paths) -> None:
    """Take in that one was applied."""
    _write(paths, "")


def _write(paths: Paths, value: str) -> None:
    """Best effort: who asked hears it anyway, and so does the log."""
    with suppress(HealthmonError):
        connection = open_for_writing(paths.database, patience_s=2.0)
        try:
            if (facts.noted(connection, facts.CONFIGURATION_REFUSED) or "") != value:
                with connection.transaction(durable=True):
                    facts.note(connection, facts.CONFIGURATION_REFUSED, value)
        finally:
            connection.close()
    ring(paths.doorbell("evaluator"))
