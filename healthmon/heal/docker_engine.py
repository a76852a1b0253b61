"""How are containers seen and restarted? Which calls that takes, and no others, is in docker_client.py."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError
from healthmon.heal.docker_connection import ACTION_ALLOWANCE_S, DockerConnection
from healthmon.heal.docker_events import FOLLOWED, Event
from healthmon.heal.docker_examination import examine
from healthmon.heal.docker_facts import Container, read_container, row_key
from healthmon.heal.docker_follower import Follower
from healthmon.heal.docker_forensics import TOP_ARGUMENTS
from healthmon.heal.docker_inspections import Inspections, NotUnderstoodError, UnansweredError, understanding
from healthmon.heal.docker_logs import LINES, MAX_BYTES
from healthmon.heal.docker_memory import EventMemory
from healthmon.heal.docker_stops import Remembered, is_ours
from healthmon.heal.docker_stream import EngineStream
from healthmon.heal.docker_target import finish, in_network
from healthmon.heal.docker_usage import Reading, read_usage
from healthmon.heal.docker_words import Json, read_id
from healthmon.heal.engine import Glimpse
from healthmon.heal.off_limits import off_limits
from healthmon.heal.own_container import read_own_container_ids
from healthmon.log import Log
from healthmon.model.heal import HealAction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from healthmon.heal.docker_client import Client
    from healthmon.heal.forensics import Examined
    from healthmon.model.target import Target, TargetState

MAX_GLANCED = 16  # inspects that cost no more than a list


class DockerEngine:
    """The containers of one Docker Engine."""

    def __init__(
        self,
        records: Log | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        allowance_s: float = ACTION_ALLOWANCE_S,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._records = records or Log("healer")
        self._now = now
        self._connection = DockerConnection(environment=environment, allowance_s=allowance_s, now=now)
        self._memory = EventMemory()
        self._follower: Follower | None = None
        self._on_event: Callable[[], None] = lambda: None
        self._inspections = Inspections(self._records, now)
        self._is_behind = False
        self._off_limits: Mapping[str, str] = {}
        self._own_ids = read_own_container_ids()

    @property
    def reachable_since(self) -> datetime | None:
        return self._connection.reach.reachable_since

    @property
    def returned_at(self) -> datetime | None:
        return self._connection.reach.returned_at

    @property
    def api_version(self) -> str:
        """What was agreed on with the engine; empty before the first question."""
        return self._connection.api_version

    @property
    def is_behind(self) -> bool:
        return self._is_behind

    def observe(self) -> list[Target]:
        """Return every container. One list; an inspect only where that, an event or doubt about the health calls for it."""
        self._is_behind = False
        rows = self._list()
        self._is_behind = self._inspections.refresh(rows, self._memory.take_all_changed(), self._inspect)
        self._memory.keep_only(rows.keys())
        return self.recall()

    def glance(self) -> Glimpse | None:
        has_lost_track, changed = self._memory.has_lost_track(), self._memory.take_changed()
        if has_lost_track or len(changed) > MAX_GLANCED or self._connection.reach.reachable_since is None:
            self._memory.put_back(changed)
            return None
        found = {target_id: self._inspections.renew(target_id, self._inspect) for target_id in changed}
        now = self._now()
        seen = [self._finish(target_id, container, now) for target_id, container in found.items() if container is not None]
        return Glimpse(targets=seen, gone=frozenset(target_id for target_id, container in found.items() if container is None))

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> None:
        if self._memory.heed(concerning, bystanders, new=new):
            self._on_event()

    def recall(self) -> list[Target]:
        known = self._inspections.containers()
        self._off_limits = off_limits(known, self._connection.host)
        now = self._now()
        found = [self._finish(target_id, container, now) for target_id, container in known.items()]
        states = {target.incarnation.target_id: target.state for target in found}
        if self._is_behind:  # who has not seen all yet calls nothing gone
            return found
        return [in_network(target, states.get(target.network_of)) for target in found]

    def look(self, target_id: str) -> Target:
        try:
            container = self._inspect(target_id)
        except UnansweredError:
            self._connection.require_answer()
            raise
        self._inspections.keep(target_id, container)
        target = self._finish(target_id, container, self._now())
        return in_network(target, self._provider_state(target)) if target.network_of else target

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
        with self._connection.reading(f"{action} container {target_id[:12]}"):
            client = self._connection.client()
        if action is HealAction.START:
            with self._connection.acting(action, target_id):
                client.start(target_id)
        else:
            self._restart(client, target_id, stop_timeout_s)

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        self._memory.adopt(target_id, issued_at, stop_timeout_s)

    def has_stopped(self, target_id: str) -> bool:
        remembered = self._recall(target_id)
        return any(is_ours(stop, remembered) for stop in remembered.stops)

    def examine(self, target_id: str) -> Iterator[Examined]:
        return examine(self, target_id)

    def read_inspection(self, target_id: str) -> Json:
        with self._connection.reading(f"inspect container {target_id[:12]}"):
            found: Json = self._connection.client().inspect_container(target_id)
        return found

    def read_logs(self, target_id: str) -> bytes:
        with self._connection.reading(f"read the logs of container {target_id[:12]}"):
            return self._connection.client().read_logs(target_id, lines=LINES, max_bytes=MAX_BYTES)

    def read_processes(self, target_id: str) -> Json:
        with self._connection.reading(f"list the processes of container {target_id[:12]}"):
            return self._connection.client().read_processes(target_id, TOP_ARGUMENTS)

    def journal(self, target_id: str) -> tuple[Event, ...]:
        return self._memory.journal(target_id)

    def read_usage(self, target_id: str) -> Reading | None:
        with self._connection.reading(f"tell what container {target_id[:12]} uses"):
            answer = self._connection.client().read_stats(target_id)
        with understanding(answer):
            return read_usage(answer)

    def events(self, on_event: Callable[[], None]) -> None:
        if self._follower is None:
            self._on_event = on_event
            self._follower = Follower(self._open_stream, self._memory, on_event, self._records)

    def close(self) -> None:
        if self._follower is not None:
            self._follower.close()
        self._connection.close()

    def _provider_state(self, target: Target) -> TargetState | None:
        try:
            return self._inspect(target.network_of).facts.state
        except EngineGoneError:
            return None

    def _finish(self, target_id: str, container: Container, now: datetime) -> Target:
        """Add what time and events say. Without events nobody knows what a person stopped: then it is not touched."""
        target = finish(container, self._recall(target_id), now=now)
        unseen = self._follower is not None and bool(self._follower.refusal)
        why = target.untouchable or self._off_limits.get(target_id, "") or ("no_events" if unseen else "")
        return target if why == target.untouchable else replace(target, untouchable=why)

    def _recall(self, target_id: str) -> Remembered:
        return replace(self._memory.recall(target_id), engine_returned_at=self._connection.reach.returned_at)

    def _restart(self, client: Client, target_id: str, stop_timeout_s: int) -> None:
        """Restart one, and have its events known as ours for as long as the engine can still act on the call."""
        self._memory.claim(target_id, self._now(), stop_timeout_s)
        try:
            with self._connection.acting(HealAction.RESTART, target_id):
                client.restart(target_id, timeout=stop_timeout_s)
        except EngineUnknownError:
            self._memory.doubt(target_id, self._now())
            raise
        except EngineError:
            self._memory.settle(target_id, self._now())
            raise
        self._memory.settle(target_id, self._now())

    def _list(self) -> dict[str, tuple[str, ...]]:
        with self._connection.losing(), self._connection.reading("list the containers"):
            rows = self._read_rows(self._connection.client().containers(all=True))
        self._connection.answered()
        return rows

    def _read_rows(self, listed: Any) -> dict[str, tuple[str, ...]]:
        """Read the list. One odd row is left out; raises ValueError when it is no list of containers at all."""
        if not isinstance(listed, list):
            raise ValueError("it sent no list")  # noqa: TRY004  what the engine says is wrong, not what we gave
        rows: dict[str, tuple[str, ...]] = {}
        for row in listed:
            try:
                with understanding(row):
                    rows[read_id(row)] = row_key(row)
            except NotUnderstoodError as error:
                self._inspections.tell_odd(error)
        if listed and not rows:
            raise ValueError("nothing of its list is understood")
        return rows

    def _inspect(self, target_id: str) -> Container:
        with self._connection.reading(f"inspect container {target_id[:12]}"):
            answer = self._connection.client().inspect_container(target_id)
        self._connection.answered()
        with understanding(answer):
            return read_container(answer, own_ids=self._own_ids, now=self._now())

    def _open_stream(self, since: datetime) -> EngineStream:
        filters = {"type": ["container"], "event": list(FOLLOWED)}
        with self._connection.reading("follow its events"):
            raw = self._connection.client().events(since=int(since.timestamp()), filters=filters, decode=True)
        return EngineStream(raw, lambda: self._connection.reading("follow its events"))
