"""The part of the healer that makes restarts, each in a thread of its own: a slow stop holds up no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from healthmon.errors import HealthmonError
from healthmon.model.heal import HealState
from healthmon.processes.healer.restart import Restart
from healthmon.store import heals
from healthmon.store.connection import open_for_writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.heal.engine import Engine
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.store.connection import Connection


class Acting:
    """Gives every open heal a thread until it has returned."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        config: Config,
        *,
        docker: Engine,
        supervisor: Engine,
        connection: Connection,
        log: Log,
        wake: Callable[[], None],
    ) -> None:
        self._database = config.paths.database
        self._settings = config.self_healing
        self._docker = docker
        self._supervisor = supervisor
        self._connection = connection
        self._log = log
        self._wake = wake
        self._threads: dict[int, threading.Thread] = {}
        self._stopping = threading.Event()

    def advance(self) -> bool:
        """Start what is planned and take up what a crash left; return whether something ended since the last call."""
        ended = [heal_id for heal_id, thread in self._threads.items() if not thread.is_alive()]
        for heal_id in ended:
            del self._threads[heal_id]
        for heal in heals.open_heals(self._connection):
            if heal.state in {HealState.PLANNED, HealState.ISSUED} and heal.heal_id not in self._threads:
                self._start(heal)
        return bool(ended)

    @property
    def is_busy(self) -> bool:
        return bool(self._threads)

    def stop(self) -> None:
        """Tell the threads to end at their next wait. A restart that is under way goes on in the engine."""
        self._stopping.set()

    def _start(self, heal: Heal) -> None:
        thread = threading.Thread(target=self._run, args=(heal,), name=f"heal-{heal.heal_id}", daemon=True)
        self._threads[heal.heal_id] = thread
        thread.start()

    def _run(self, heal: Heal) -> None:
        engine = self._supervisor if heal.incarnation.target_id.startswith("supervisor:") else self._docker
        try:
            connection = open_for_writing(self._database)
            try:
                Restart(heal, engine, connection, self._log, self._stopping).run(self._settings)
            finally:
                connection.close()
        except HealthmonError as error:
            self._log.error("heal_stuck", heal=heal.heal_id, target=heal.target_name, error=str(error))
            self._stopping.wait(1.0)
        except Exception:  # noqa: BLE001  one heal's bug is not the others'; the ledger still has it open
            self._log.exception("heal_stuck", heal=heal.heal_id, target=heal.target_name)
            self._stopping.wait(5.0)
        finally:
            self._wake()
