"""Where is it told that a configuration was refused? In the database: an alert, and a fact for who shows how things are."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError
from healthmon.log import clean
from healthmon.model.alert import CONFIGURATION_REFUSED, Alert, AlertSeverity
from healthmon.processes.doorbell import ring
from healthmon.redaction import redact
from healthmon.store import alerts, facts
from healthmon.store.opening import open_for_writing

if TYPE_CHECKING:
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

MAX_CHARS = 4_000
PATIENCE_S = 2.0


def note(paths: Paths, author: str, problem: str) -> None:
    """Keep why a configuration was refused, until one is applied. Best effort: who asked hears it anyway, and so does the log."""
    now = clock.now()
    why = redact(clean(problem.replace("\n", " | ")))[:MAX_CHARS]
    with suppress(HealthmonError):
        connection = open_for_writing(paths.database, patience_s=PATIENCE_S)
        try:
            with connection.transaction(durable=True):
                told = {"at": clock.to_iso(now), "author": author, "problem": why}
                before = facts.noted(connection, facts.CONFIGURATION_REFUSED)
                facts.note(connection, facts.CONFIGURATION_REFUSED, json.dumps(told, ensure_ascii=False))
                if before and json.loads(before)["problem"] == why:
                    return  # told already: who starts again and again is no news each time
                alerts.resolve(connection, None, CONFIGURATION_REFUSED, at=now)  # one that was refused for something else
                alert = Alert(
                    service_id=None,
                    alert_type=CONFIGURATION_REFUSED,
                    severity=AlertSeverity.WARNING,
                    message=f"the configuration was not applied, the one before goes on: {why}",
                    triggered_at=now,
                )
                alerts.fire(connection, alert)
        finally:
            connection.close()
    ring(paths.doorbell("notifier"))


def clear(paths: Paths) -> None:
    """Take in that one was applied."""
    with suppress(HealthmonError):
        connection = open_for_writing(paths.database, patience_s=PATIENCE_S)
        try:
            settle(connection)
        finally:
            connection.close()


def settle(connection: Connection) -> None:
    """End what `note` has begun."""
    if facts.noted(connection, facts.CONFIGURATION_REFUSED):
        with connection.transaction(durable=True):
            facts.note(connection, facts.CONFIGURATION_REFUSED, "")
            alerts.resolve(connection, None, CONFIGURATION_REFUSED, at=clock.now())
