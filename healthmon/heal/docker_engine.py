"""How are containers seen and restarted? Which calls that takes, and no others, is in docker_client.py."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal.docker_client import (
    OLDEST_API,
    Client,
    agree_on_version,
    first_line,
    remedy,
    took_too_long,
    version_text,
    was_not_sent,
)
from healthmon.heal.docker_events import FOLLOWED, EventMemory, Follower
from healthmon.heal.docker_examination import examine
from healthmon.heal.docker_facts import (
    Container,
    Event,
    Json,
    Remembered,
    finish,
    in_network,
    is_ours,
    read_container,
    read_event,
    read_id,
    row_key,
)
from healthmon.heal.docker_forensics import TOP_ARGUMENTS
from healthmon.heal.docker_inspections import Inspections, NotUnderstoodError, UnansweredError, understanding
from healthmon.heal.docker_logs import LINES, MAX_BYTES
from healthmon.heal.docker_usage import Reading, read_usage
from healthmon.heal.engine import Reachability
from healthmon.heal.off_limits import off_limits
from healthmon.heal.own_container import read_own_container_ids
from healthmon.log import Log
from healthmon.model.heal import HealAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from docker.types.daemon import CancellableStream

    from healthmon.heal.forensics import Examined
    from healthmon.model.target import Target, TargetState

DEFAULT_HOST = "unix:///var/run/docker.sock"
MAX_GLANCED = 16  # inspects that cost no more than a list
ACTION_ALLOWANCE_S = 30.0  # on top of the stop timeout: the engine's own kill, its second kill, and the start
_FAILURES = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


class DockerEngine:
    """The containers of one Docker Engine. Connects at the first call, and again after the engine was away."""

    def __init__(
        self,
        records: Log | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        allowance_s: float = ACTION_ALLOWANCE_S,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._records = records or Log("healer")
        self._environment = {"DOCKER_HOST": DEFAULT_HOST, **{key: value for key, value in environment.items() if value}}
        self._host = self._environment["DOCKER_HOST"]
        self._allowance_s = allowance_s
        self._now = now
        self._api: Client | None = None
        self._reach = Reachability()
        self._memory = EventMemory()
        self._follower: Follower | None = None
        self._inspections = Inspections(self._records, now)
        self._is_behind = False
        self._off_limits: Mapping[str, str] = {}
        self._own_ids = read_own_container_ids()

    @property
    def reachable_since(self) -> datetime | None:
        return self._reach.reachable_since

    @property
    def returned_at(self) -> datetime | None:
        return self._reach.returned_at

    @property
    def is_behind(self) -> bool:
        return self._is_behind

    def observe(self) -> list[Target]:
        """Return every container. One list; an inspect only where that, an event or doubt about the health calls for it."""
        self._is_behind = False
        rows = self._list()
        self._is_behind = self._inspections.refresh(rows, self._memory.take_changed(), self._inspect)
        self._memory.keep_only(rows.keys())
        return self._all()

    def glance(self) -> list[Target]:
        has_lost_track, changed = self._memory.has_lost_track(), self._memory.take_changed()
        if has_lost_track or len(changed) > MAX_GLANCED or self._reach.reachable_since is None:
            self._memory.put_back(changed)
            return self.observe()
        for target_id in changed:
            self._inspections.renew(target_id, self._inspect)
        return self._all()

    def look(self, target_id: str) -> Target:
        try:
            container = self._inspect(target_id)
        except UnansweredError:
            self._require_answer()
            raise
        self._inspections.keep(target_id, container)
        target = self._finish(target_id, container, self._now())
        return in_network(target, self._provider_state(target)) if target.network_of else target

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
        with self._reading(f"{action} container {target_id[:12]}"):
            client = self._client()
        if action is HealAction.START:
            with self._acting(action, target_id):
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
        with self._reading(f"inspect container {target_id[:12]}"):
            found: Json = self._client().inspect_container(target_id)
        return found

    def read_logs(self, target_id: str) -> bytes:
        with self._reading(f"read the logs of container {target_id[:12]}"):
            return self._client().read_logs(target_id, lines=LINES, max_bytes=MAX_BYTES)

    def read_processes(self, target_id: str) -> Json:
        with self._reading(f"list the processes of container {target_id[:12]}"):
            return self._client().read_processes(target_id, TOP_ARGUMENTS)

    def journal(self, target_id: str) -> tuple[Event, ...]:
        return self._memory.journal(target_id)

    def read_usage(self, target_id: str) -> Reading | None:
        with self._reading(f"tell what container {target_id[:12]} uses"):
            answer = self._client().read_stats(target_id)
        with understanding(answer):
            return read_usage(answer)

    def events(self, on_event: Callable[[], None]) -> None:
        if self._follower is None:
            self._follower = Follower(self._open_stream, self._memory, on_event, self._records)

    def close(self) -> None:
        if self._follower is not None:
            self._follower.close()
        api = self._api
        if api is not None:
            api.close()

    def _all(self) -> list[Target]:
        """Return what is known of every container."""
        known = self._inspections.containers()
        self._off_limits = off_limits(known, self._host)
        now = self._now()
        found = [self._finish(target_id, container, now) for target_id, container in known.items()]
        states = {target.incarnation.target_id: target.state for target in found}
        if self._is_behind:  # who has not seen all yet calls nothing gone
            return found
        return [in_network(target, states.get(target.network_of)) for target in found]

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
        return replace(self._memory.recall(target_id), engine_returned_at=self._reach.returned_at)

    def _restart(self, client: Client, target_id: str, stop_timeout_s: int) -> None:
        """Restart one, and have its events known as ours for as long as the engine can still act on the call."""
        self._memory.claim(target_id, self._now(), stop_timeout_s)
        try:
            with self._acting(HealAction.RESTART, target_id):
                client.restart(target_id, timeout=stop_timeout_s)
        except EngineUnknownError:
            self._memory.doubt(target_id, self._now())
            raise
        except EngineError:
            self._memory.settle(target_id, self._now())
            raise
        self._memory.settle(target_id, self._now())

    def _list(self) -> dict[str, tuple[str, ...]]:
        with self._losing(), self._reading("list the containers"):
            rows = self._read_rows(self._client().containers(all=True))
        self._reach.answered(self._now())
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

    def _require_answer(self) -> None:
        """Find out whether the engine as a whole is silent: then what was sent to it may still happen when it thaws."""
        with self._losing(), self._reading("tell its version"):
            self._client().version(api_version=False)
        self._reach.answered(self._now())

    def _inspect(self, target_id: str) -> Container:
        with self._reading(f"inspect container {target_id[:12]}"):
            answer = self._client().inspect_container(target_id)
        self._reach.answered(self._now())
        with understanding(answer):
            return read_container(answer, own_ids=self._own_ids, now=self._now())

    def _client(self) -> Client:
        """Return the client, after agreeing on a version with the engine. Raises what the library raises.

        Another thread may lose the connection at any moment: what is returned is never read from `self` again.
        """
        api = self._api
        if api is None:
            api = self._api = self._connect()
        return api

    def _connect(self) -> Client:
        if self._host.startswith("ssh:"):
            raise EngineUnreachableError(f"DOCKER_HOST={self._host} is not followed: run an agent on that host instead")
        with self._new_client(version_text(OLDEST_API)) as first:
            offered = first.version(api_version=False)
        return self._new_client(agree_on_version(offered))

    def _new_client(self, version: str) -> Client:
        tls = kwargs_from_env(self._environment).get("tls", False)
        return Client(self._host, version=version, timeout_s=self._allowance_s, tls=tls)

    def _open_stream(self, since: datetime) -> _Stream:
        filters = {"type": ["container"], "event": list(FOLLOWED)}
        with self._reading("follow its events"):
            raw = self._client().events(since=int(since.timestamp()), filters=filters, decode=True)
        return _Stream(raw, lambda: self._reading("follow its events"))

    @contextmanager
    def _losing(self) -> Iterator[None]:
        """Take no answer to a question that every engine can answer at once as the absence of the whole engine."""
        try:
            yield
        except EngineUnreachableError:
            self._lose()
            raise

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Turn what the library raises for a question into our errors."""
        try:
            yield
        except _FAILURES as error:
            found = self._explain(error, what)
            if not isinstance(found, EngineGoneError | UnansweredError):
                self._lose()
            raise found from error
        except EngineUnreachableError:  # no version in common
            self._lose()
            raise

    @contextmanager
    def _acting(self, action: HealAction, target_id: str) -> Iterator[None]:
        """Turn what the library raises for an order into our errors: what matters is whether it may still happen."""
        what = f"{action} container {target_id[:12]}"
        try:
            yield
        except _FAILURES as error:
            found = self._explain(error, what)
            if isinstance(found, EngineGoneError):
                raise found from error
            if was_not_sent(error):
                self._lose()
                raise found from error
            status = error.status_code if isinstance(error, APIError) else None
            if status is not None and status < 500:  # noqa: PLR2004  HTTP's own line: the engine refused
                raise EngineError(f"Docker refused to {what}: {first_line(error)}") from error
            raise EngineUnknownError(f"Docker gave no clear answer when asked to {what}: {first_line(error)}") from error

    def _explain(self, error: Exception, what: str) -> EngineError:
        if isinstance(error, APIError):
            if error.status_code == requests.codes.not_found:
                return EngineGoneError(f"cannot {what}: it is not there any more")
            return UnansweredError(f"Docker cannot {what}: {first_line(error)}; see its own log")
        if took_too_long(error):
            return UnansweredError(f"Docker at {self._host} did not {what} in time: it is overloaded or frozen, see its own log")
        return EngineUnreachableError(f"cannot {what}: {remedy(error, self._host)}")

    def _lose(self) -> None:
        """Forget the connection: what comes back may be another engine, of another version."""
        self._reach.failed()
        self._api = None


class _Stream:
    """The library's stream, read as our events. Silence longer than the read timeout ends it like any other end."""

    def __init__(self, raw: CancellableStream[dict[str, Any]], reading: Callable[[], AbstractContextManager[None]]) -> None:
        self._raw = raw
        self._reading = reading

    def __iter__(self) -> Iterator[Event]:
        with self._reading(), suppress(urllib3.exceptions.ReadTimeoutError):
            for raw in self._raw:
                event = _read(raw)
                if event is not None:
                    yield event

    def close(self) -> None:
        with suppress(OSError, AttributeError):  # AttributeError: the library's, when the stream has just ended by itself
            self._raw.close()


def _read(raw: dict[str, Any]) -> Event | None:
    """Read one event; None also for one that is not understood: the next look sees what it told of."""
    try:
        with understanding(raw):
            return read_event(raw)
    except NotUnderstoodError:
        return None
