"""The only process near the Docker socket: says what containers look like, and makes the restarts that were planned."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from healthmon.errors import HealthmonError
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.supervisor_target import SupervisorEngine
from healthmon.log import Log
from healthmon.processes.doorbell import ring
from healthmon.processes.healer.acting import Acting
from healthmon.processes.healer.answering import Answering
from healthmon.processes.healer.discovering import Discovering
from healthmon.processes.healer.measuring import Measuring
from healthmon.processes.healer.observing import Observing
from healthmon.processes.healer.securing import Securing
from healthmon.rules.language import asked_of
from healthmon.rules.variables import CONTAINER_USAGE
from healthmon.store import services
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.heal.engine import Engine
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.connection import Connection

PROGRAM = "healer"
RECONCILE_S = 20.0  # the engine's events are hints: they can be lost
RECONCILE_MAX_S = 30.5  # where that saves looks
RECONCILE_PROGRAMS_S = 2.0  # supervisord sends no hints at all
BLIND_S = 5.0  # while an engine does not answer: a stream that broke off tells nobody when it comes back
BEHIND_S = 1.0  # when a look had no time for all that is new
MIN_PAUSE_S = 0.1  # between two looks at everything
MIN_GLANCE_S = 0.02  # between two looks at what events told of, however many come
POLL_S = 5.0


def make(config: Config) -> Callable[[Doorbell], Healer]:
    """Return what makes the healer once its role is held."""
    log = Log(PROGRAM)

    def healer(doorbell: Doorbell) -> Healer:
        connection = open_for_working(config.paths.database)
        supervisor = SupervisorEngine(config.paths.supervisor_socket)
        return Healer(config, doorbell, connection, log, docker=DockerEngine(log), supervisor=supervisor)

    return healer


class Healer:
    """One step looks at everything when there is a reason to, and starts what was planned."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        config: Config,
        doorbell: Doorbell,
        connection: Connection,
        log: Log,
        *,
        docker: Engine,
        supervisor: Engine,
    ) -> None:
        self._paths = config.paths
        self._doorbell = doorbell
        self._connection = connection
        self._log = log
        self._docker = docker
        self._engines = (docker, supervisor)
        self._observing = Observing(config.enabled_services(), config.discovery, docker=docker, supervisor=supervisor, connection=connection, log=log)
        self._securing: Securing | None = None
        self._measuring: Measuring | None = None
        self._acting = Acting(
            config,
            docker=docker,
            supervisor=supervisor,
            connection=connection,
            log=log,
            wake=self._something_ended,
            target_of=self._target_of,
        )
        self._looked_at = self._glanced_at = 0.0
        self._has_events = False
        self._answering = Answering(connection, log)
        self._discovering = Discovering(config.paths, log)
        self._suit(config)
        self._acting.adopt()
        docker.events(self._something_happened)

    def step(self) -> float:
        """Look and act; return the seconds until the next reconciling look."""
        self._answering.read_requests()
        if self._look_if_due():
            ring(self._paths.doorbell("evaluator"))
        if self._securing is not None:
            self._securing.secure(self._connection)
        if self._acting.advance():
            ring(self._paths.doorbell("evaluator"))
        wait_s = min(self._observe_at(), self._glance_at()) - time.monotonic()
        return max(0.0, min(wait_s, POLL_S))

    def follow(self, config: Config) -> bool:
        """Look after other services from now on. A restart that is under way goes on, and so do the engine's events."""
        self._observing.follow(config.enabled_services(), config.discovery)  # raises where the database cannot be read: then nothing has changed
        self._acting.follow(config)
        self._suit(config)
        return True

    def _look_if_due(self) -> bool:
        """Look at everything, or at what events told of; return whether there is news for the evaluator."""
        now = time.monotonic()
        is_due, is_told = now >= self._observe_at(), now >= self._glance_at()
        if not is_due and not is_told:
            return False
        self._has_events = False
        self._glanced_at = now
        try:
            has_news = self._observe(now) if is_due else self._observing.glance()
            has_looks = self._answering.publish(self._observing.found, self._observing.found_at)
        except HealthmonError:
            self._look_at = 0.0  # what could not be written is news still
            raise
        if is_due:
            self._look_at = min(self._look_at, self._reconcile_at(now))  # now that it is known when looks are due again
        return has_news or has_looks

    def _observe(self, now: float) -> bool:
        self._looked_at, self._look_at = now, math.inf
        has_news = self._observing.observe()
        if self._observing.seen is not None:
            self._discovering.look(self._observing.seen, self._observing.found)
        self._look_again_soon()
        return has_news

    def _reconcile_at(self, now: float) -> float:
        """Return when all is looked at again: together with looks that are due then anyway, where those are not far."""
        reconcile_at, due_at = now + self._reconcile_s, self._answering.next_at()
        return due_at if reconcile_at < due_at <= now + RECONCILE_MAX_S and not self._has_programs else reconcile_at

    def _observe_at(self) -> float:
        return max(min(self._look_at, self._answering.next_at()), self._looked_at + MIN_PAUSE_S)

    def _glance_at(self) -> float:
        return self._glanced_at + MIN_GLANCE_S if self._has_events else math.inf

    def _look_again_soon(self) -> None:
        if self._observing.is_blind:
            self._look_at = min(self._look_at, time.monotonic() + BLIND_S)
        if any(engine.is_behind for engine in self._engines):
            self._look_at = min(self._look_at, time.monotonic() + BEHIND_S)

    def is_busy(self) -> bool:
        return self._acting.is_busy

    def close(self) -> None:
        self._acting.stop()
        if self._securing is not None:
            self._securing.close()
        if self._measuring is not None:
            self._measuring.close()
        for engine in self._engines:
            engine.close()
        self._connection.close()

    def _suit(self, config: Config) -> None:
        """Look at once, and keep and measure what the configuration wants kept and measured."""
        self._has_programs = any(service.supervisor_program for service in config.enabled_services())
        self._reconcile_s = RECONCILE_PROGRAMS_S if self._has_programs else RECONCILE_S
        self._look_at = 0.0
        self._discovering.follow(config)
        self._answering.follow(config.enabled_services(), self._observing.ids)
        self._securing = self._suitable_securing(config) if config.self_healing.forensics else None
        self._acting.securing = self._securing
        if _needs_usage(config) and self._measuring is None:
            self._measuring = Measuring(self._paths.database, self._docker, self._log)
            self._measuring.start()
        elif not _needs_usage(config) and self._measuring is not None:
            self._measuring.close()
            self._measuring = None

    def _suitable_securing(self, config: Config) -> Securing:
        known = services.by_name(self._connection)
        depends_on = {known[one.name].service_id: one.depends_on for one in config.enabled_services() if one.name in known}
        if self._securing is None:
            return Securing(self._docker, self._paths.database, depends_on, self._log, on_kept=self._kept)
        self._securing.follow(depends_on)
        return self._securing

    def _target_of(self, service: str) -> str | None:
        found = self._observing.found.get(service)
        return None if found is None or found.target is None else found.target.incarnation.target_id

    def _kept(self) -> None:
        """Have the evaluator tell of it, and begin what had no place."""
        ring(self._paths.doorbell("evaluator"))
        self._doorbell.ring_self()

    def _something_ended(self) -> None:
        """Containers tell by their events what became of a restart; programs do not."""
        if self._has_programs:
            self._look_at = 0.0
        self._doorbell.ring_self()

    def _something_happened(self) -> None:
        self._has_events = True
        self._doorbell.ring_self()


def _needs_usage(config: Config) -> bool:
    conditions = (asked_of(rule.condition, threshold=rule.threshold) for rule in config.alert_rules if rule.enabled)
    return any(not CONTAINER_USAGE.isdisjoint(names) for names in conditions)
