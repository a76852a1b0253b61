"""The part of the healer that makes restarts, each in a thread of its own: a slow stop holds up no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError
from healthmon.model.heal import HealState
from healthmon.model.hook_run import HookMoment
from healthmon.processes.healer.hooking import Hooking
from healthmon.processes.healer.restart import Restart
from healthmon.processes.healer.spare import Spare
from healthmon.store import heals, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target
    from healthmon.processes.healer.securing import Securing
    from healthmon.store.connection import Connection

STOP_PATIENCE_S = 5.0
UNFINISHED = frozenset({HealState.PLANNED, HealState.ISSUED, HealState.DROPPED})  # nothing was done, or nobody knows yet


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
        target_of: Callable[[str], str | None],
    ) -> None:
        """`target_of` gives the id of what a service runs in, as the healer has found it itself."""
        self._spare = Spare(config.paths.database)
        self.follow(config)
        self._docker = docker
        self._supervisor = supervisor
        self._connection = connection
        self._log = log
        self._wake = wake
        self._target_of = target_of
        self.securing: Securing | None = None  # while forensics are switched on
        self._threads: dict[int, threading.Thread] = {}
        self._stuck: dict[int, str] = {}  # what was said of heals that could not go on: said once
        self._stopping = threading.Event()
        self._hooking = Hooking(log, self._stopping)

    def follow(self, config: Config) -> None:
        """Take in what holds for heals that begin from now on."""
        self._settings = {service.name: config.self_healing.for_service(service.heal) for service in config.enabled_services()}

    def adopt(self) -> None:
        """Tell the engines what an earlier healer left under way, before anything is said of who stopped what."""
        self._spare.open()
        for heal in heals.open_heals(self._connection):
            if heal.state is HealState.ISSUED:
                self._engine_of(heal).adopt(heal.incarnation.target_id, heal.issued_at or heal.planned_at, heal.stop_timeout_s)

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
        """Tell the threads to end at their next wait, and give them a little time to finish what they have begun.

        A supervised program that was told to stop gets its start. What takes longer goes on in the engine, or is
        taken up by the next healer.
        """
        self._stopping.set()
        until_s = clock.monotonic() + STOP_PATIENCE_S
        for thread in self._threads.values():
            thread.join(max(0.0, until_s - clock.monotonic()))
        self._spare.close()

    def _start(self, heal: Heal) -> None:
        arguments = (heal, self._settings_of(heal.service_id))
        thread = threading.Thread(target=self._run, args=arguments, name=f"heal-{heal.heal_id}", daemon=True)
        self._threads[heal.heal_id] = thread
        thread.start()

    def _settings_of(self, service_id: int) -> HealSettings | None:
        """Return what holds for a service; None when it is not configured, or not any more."""
        names = {service.service_id: name for name, service in services.by_name(self._connection).items()}
        return self._settings.get(names.get(service_id, ""))

    def _engine_of(self, heal: Heal) -> Engine:
        return self._supervisor if heal.incarnation.target_id.startswith("supervisor:") else self._docker

    def _run(self, heal: Heal, settings: HealSettings | None) -> None:
        engine = self._engine_of(heal)
        try:
            with self._spare.lent() as connection:
                self._carry_out(heal, engine, settings, connection)
            self._stuck.pop(heal.heal_id, None)
        except HealthmonError as error:
            if self._is_new(heal, str(error)):
                self._log.error("heal_stuck", heal=heal.heal_id, target=heal.target_name, error=str(error))
            self._stopping.wait(1.0)
        except Exception as error:  # noqa: BLE001  one heal's bug is not the others'; the ledger still has it open
            if self._is_new(heal, repr(error)):
                self._log.exception("heal_stuck", heal=heal.heal_id, target=heal.target_name)
            self._stopping.wait(5.0)
        finally:
            self._wake()

    def _carry_out(self, heal: Heal, engine: Engine, settings: HealSettings | None, connection: Connection) -> None:
        def prepare() -> None:
            self._beside(heal, "forensics", lambda: self._secure(heal, connection))
            self._beside(heal, "hook", lambda: self._hook(HookMoment.BEFORE, heal, settings, connection))

        def is_its(target: Target) -> bool:
            own = self._target_of(_name_of(heal, connection))
            return own == heal.incarnation.target_id or (heal.follows is not None and own == target.network_of)

        Restart(heal, engine, connection, self._log, self._stopping, prepare=prepare, is_its=is_its).run(settings)
        made = heals.get(connection, heal.heal_id)
        if made.issued_at is not None and made.state not in UNFINISHED and not self._stopping.is_set():
            self._beside(made, "hook", lambda: self._hook(HookMoment.AFTER, made, settings, connection))

    def _beside(self, heal: Heal, what: str, do: Callable[[], None]) -> None:
        """Do what belongs to a restart and is no reason against it, whatever goes wrong with it."""
        try:
            do()
        except HealthmonError as error:
            self._log.warning(f"{what}_lost", heal=heal.heal_id, error=str(error))
        except Exception:  # noqa: BLE001  a bug in what stands beside must not stop a restart
            self._log.exception(f"{what}_failed", heal=heal.heal_id)

    def _secure(self, heal: Heal, connection: Connection) -> None:
        if self.securing is not None:
            self.securing.before(heal, connection)

    def _hook(self, moment: HookMoment, heal: Heal, settings: HealSettings | None, connection: Connection) -> None:
        """Run a person's command, unless the restart was taken back while evidence was kept."""
        now = heals.get(connection, heal.heal_id)
        if settings is None or (moment is HookMoment.BEFORE and now.state is not HealState.PLANNED):
            return
        self._hooking.run(moment, now, _name_of(heal, connection), settings, connection)

    def _is_new(self, heal: Heal, trouble: str) -> bool:
        """Tell whether this trouble of a heal was not said last: it is tried again every few seconds."""
        said, self._stuck[heal.heal_id] = self._stuck.get(heal.heal_id), trouble
        return said != trouble


def _name_of(heal: Heal, connection: Connection) -> str:
    return next(name for name, service in services.by_name(connection).items() if service.service_id == heal.service_id)
