"""The short lives of one notifier: each is ended by kill -9 at a named point, until there were enough of them.

Run as `python -m tests.faults.lives CONFIG KILLS [planted]`; prints how many were killed and how many messages were queued.
With `planted`, deliveries are marked before they are sent: the harness must then find losses, or its silence means nothing.
"""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon import config as configuration
from healthmon.failpoints import ENVIRONMENT
from healthmon.log import Log
from healthmon.processes import notifier
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.notifier.lane import POLL_S
from healthmon.store import deliveries, outbox
from healthmon.store.opening import create_or_open
from tests.builders import a_notification

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.store.connection import Connection

POINTS = ("notifier.begun", "notifier.sent", "notifier.marked")
PER_LIFE = 3  # messages that are queued for each
CHANNEL = "webhook"

_begin = deliveries.begin


def mark_before_send(connection: Connection, delivery_id: int, *, next_attempt_at: datetime) -> bool:
    done = _begin(connection, delivery_id, next_attempt_at=next_attempt_at)
    deliveries.sent(connection, delivery_id, proof="planted", now=clock.now())
    return done


def queue_and_make_due(config: Config, numbers: range) -> None:
    connection = create_or_open(config.paths.database)
    with connection.transaction(durable=True):
        for number in numbers:
            told = replace(a_notification(conversation_id=number, service=f"svc-{number}"), created_at=clock.now())
            outbox.enqueue(connection, told, [CHANNEL], lifetime=timedelta(hours=24))
        connection.change("UPDATE deliveries SET next_attempt_at = ? WHERE closed_at IS NULL", clock.to_sql(clock.now()))
    connection.close()


def live(config: Config, point: str) -> bool:
    """Be a notifier in a fork until nothing waits; tell whether it was killed."""
    pid = os.fork()
    if pid:
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    os.environ[ENVIRONMENT] = point
    doorbell = Doorbell()
    mortal = notifier.make(config)(doorbell)
    while mortal.step() < POLL_S or mortal.is_busy():
        doorbell.wait(0.01)
    mortal.close()
    os._exit(0)


def main() -> None:
    config, kills = configuration.load(Path(sys.argv[1])), int(sys.argv[2])
    if "planted" in sys.argv:
        deliveries.begin = mark_before_send
    Log("lives")
    killed = told = 0
    while killed < kills:
        queue_and_make_due(config, range(told + 1, told + 1 + PER_LIFE))
        told += PER_LIFE
        killed += live(config, f"{random.choice(POINTS)}:{random.randint(1, 2)}")
    for _ in range(20):
        queue_and_make_due(config, range(0))
        live(config, "none")
    sys.stdout.write(json.dumps({"killed": killed, "told": told}))


if __name__ == "__main__":
    main()
