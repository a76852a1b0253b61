"""How are containers seen and restarted? Which calls that takes, and no others, is in docker_client.py."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
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
    version_text,
    was_not_sent,
)
from healthmon.heal.docker_events import FOLLOWED, EventMemory, Follower
from healthmon.heal.docker_facts import (
    Container,
    Event,
    finish,
    is_stale,
    own_container_ids,
    read_container,
    read_event,
    row_key,
)
from healthmon.heal.engine import Reachability
from healthmon.log import Log
from healthmon.model.heal import HealAction
from healthmon.model.target import TargetHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from docker.types.daemon import CancellableStream

    from healthmon.model.target import Target

DEFAULT_HOST = "unix:///var/run/docker.sock"
ACTION_ALLOWANCE_S = 30.0  # on top of the stop timeout: the engine's own kill, its second kill, and the start
INSPECT_AGAIN_S = 300.0  # what neither the list nor our events tell: a changed restart policy
UNANSWERED_PAUSE_S = 60.0
_FAILURES = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


class _UnansweredError(EngineUnreachableError):
    """The engine is there, but not this answer: it was too slow for it, or failed at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is known of a container: the list row it was inspected for, and the answer."""

    row: tuple[str, ...]
    container: Container
    at_s: float


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
        self._seen: dict[str, _Seen] = {}
        self._unanswered_until_s: dict[str, float] = {}
        self._own_ids = _read_own_ids()

    @property
    def reachable_since(self) -> datetime | None:
        return self._reach.reachable_since

    @property
    def returned_at(self) -> datetime | None:
        return self._reach.returned_at

    def observe(self) -> list[Target]:
        """Return every container. One list; an inspect only where that, an event or doubt about the health calls for it."""
        rows = self._list()
        self._reach.answered(self._now())
        changed = self._memory.take_changed()
        for target_id, row in rows.items():
            if self._is_due(target_id, row, changed=target_id in changed):
                self._refresh(target_id, row)
        self._forget_all_but(rows)
        now = self._now()
        return [finish(seen.container, self._memory.recall(target_id), now=now) for target_id, seen in list(self._seen.items())]

    def look(self, target_id: str) -> Target:
        container = self._inspect(target_id)
        self._seen[target_id] = _Seen(row=(), container=container, at_s=clock.monotonic())
        return finish(container, self._memory.recall(target_id), now=self._now())

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
        with self._reading(f"{action} container {target_id[:12]}"):
            client = self._client()
        if action is HealAction.START:
            with self._acting(action, target_id):
                client.start(target_id)
        else:
            self._restart(client, target_id, stop_timeout_s)

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        self._memory.claim(target_id, issued_at, stop_timeout_s)

    def events(self, on_event: Callable[[], None]) -> None:
        if self._follower is None:
            self._follower = Follower(self._open_stream, self._memory, on_event, self._records)

    def close(self) -> None:
        if self._follower is not None:
            self._follower.close()
        if self._api is not None:
            self._api.close()

    def _restart(self, client: Client, target_id: str, stop_timeout_s: int) -> None:
        """Restart one, and have its events known as ours for as long as the engine can still act on the call."""
        self._memory.claim(target_id, self._now(), stop_timeout_s)
        try:
            with self._acting(HealAction.RESTART, target_id):
                client.restart(target_id, timeout=stop_timeout_s)
        except EngineUnknownError:
            raise
        except EngineError:
            self._memory.settle(target_id, self._now())
            raise
        self._memory.settle(target_id, self._now())

    def _list(self) -> dict[str, tuple[str, ...]]:
        try:
            with self._reading("list the containers"):
                return {row["Id"]: row_key(row) for row in self._client().containers(all=True)}
        except EngineUnreachableError:
            self._lose()
            raise

    def _is_due(self, target_id: str, row: tuple[str, ...], *, changed: bool) -> bool:
        """Say whether a container must be inspected. An unhealthy one always: its streak is not in the list."""
        seen = self._seen.get(target_id)
        if seen is None or changed or seen.row != row or clock.monotonic() - seen.at_s >= INSPECT_AGAIN_S:
            return True
        check = seen.container.health_check
        if check is None or check.status is TargetHealth.STARTING:
            return False
        return check.status is TargetHealth.UNHEALTHY or is_stale(check, now=self._now())

    def _refresh(self, target_id: str, row: tuple[str, ...]) -> None:
        """Inspect one of the list. One that the engine cannot tell of keeps its last facts, and delays the others rarely."""
        if self._unanswered_until_s.get(target_id, 0.0) > clock.monotonic():
            return
        try:
            container = self._inspect(target_id)
        except EngineGoneError:
            self._seen.pop(target_id, None)
        except _UnansweredError as error:
            self._unanswered_until_s[target_id] = clock.monotonic() + UNANSWERED_PAUSE_S
            self._records.warning("inspect_unanswered", container=target_id, error=str(error))
        else:
            self._unanswered_until_s.pop(target_id, None)
            self._seen[target_id] = _Seen(row=row, container=container, at_s=clock.monotonic())

    def _inspect(self, target_id: str) -> Container:
        with self._reading(f"inspect container {target_id[:12]}"):
            return read_container(self._client().inspect_container(target_id), own_ids=self._own_ids, now=self._now())

    def _forget_all_but(self, rows: Mapping[str, tuple[str, ...]]) -> None:
        known: dict[str, Any]
        for known in (self._seen, self._unanswered_until_s):
            for gone in known.keys() - rows.keys():
                known.pop(gone, None)
        self._memory.keep_only(rows.keys())

    def _client(self) -> Client:
        """Return the client, after agreeing on a version with the engine. Raises what the library raises."""
        if self._api is None:
            self._api = self._connect()
        return self._api

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
    def _reading(self, what: str) -> Iterator[None]:
        """Turn what the library raises for a question into our errors."""
        try:
            yield
        except _FAILURES as error:
            found = self._explain(error, what)
            if not isinstance(found, EngineGoneError | _UnansweredError):
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
            return _UnansweredError(f"Docker cannot {what}: {first_line(error)}; see its own log")
        if isinstance(error, requests.ReadTimeout):
            return _UnansweredError(f"Docker at {self._host} did not {what} in time: it is overloaded or frozen, see its own log")
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
                event = read_event(raw)
                if event is not None:
                    yield event

    def close(self) -> None:
        with suppress(OSError, AttributeError):  # AttributeError: the library's, when the stream has just ended by itself
            self._raw.close()


def _read_own_ids() -> frozenset[str]:
    texts = []
    for name in ("cgroup", "mountinfo"):
        try:
            texts.append(Path("/proc/self", name).read_text())
        except OSError:
            texts.append("")
    return own_container_ids(hostname=socket.gethostname(), cgroup=texts[0], mountinfo=texts[1])
