"""How is an engine reached, and what does it mean when it does not answer?"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
from healthmon.heal.docker_inspections import UnansweredError
from healthmon.heal.engine import Reachability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from healthmon.model.heal import HealAction

DEFAULT_HOST = "unix:///var/run/docker.sock"
ACTION_ALLOWANCE_S = 30.0  # on top of the stop timeout: the engine's own kill, its second kill, and the start
_FAILURES = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


class DockerConnection:
    """Connects at the first call, and again after the engine was away. Turns what the library raises into our errors."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str] = os.environ,
        allowance_s: float = ACTION_ALLOWANCE_S,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._environment = {"DOCKER_HOST": DEFAULT_HOST, **{key: value for key, value in environment.items() if value}}
        self.host = self._environment["DOCKER_HOST"]
        self._allowance_s = allowance_s
        self._now = now
        self._api: Client | None = None
        self.reach = Reachability()

    def client(self) -> Client:
        """Return the client, after agreeing on a version with the engine. Raises what the library raises.

        Another thread may lose the connection at any moment: what is returned is never read from `self` again.
        """
        api = self._api
        if api is None:
            api = self._api = self._connect()
        return api

    @property
    def api_version(self) -> str:
        api = self._api
        return "" if api is None else str(api.api_version)

    def answered(self) -> None:
        self.reach.answered(self._now())

    def require_answer(self) -> None:
        """Find out whether the engine as a whole is silent: then what was sent to it may still happen when it thaws."""
        with self.losing(), self.reading("tell its version"):
            self.client().version(api_version=False)
        self.answered()

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Take no answer to a question that every engine can answer at once as the absence of the whole engine."""
        try:
            yield
        except EngineUnreachableError:
            self._lose()
            raise

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
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
    def acting(self, action: HealAction, target_id: str) -> Iterator[None]:
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

    def close(self) -> None:
        api = self._api
        if api is not None:
            api.close()

    def _connect(self) -> Client:
        if self.host.startswith("ssh:"):
            raise EngineUnreachableError(f"DOCKER_HOST={self.host} is not followed: run an agent on that host instead")
        with self._new_client(version_text(OLDEST_API)) as first:
            offered = first.version(api_version=False)
        return self._new_client(agree_on_version(offered))

    def _new_client(self, version: str) -> Client:
        tls = kwargs_from_env(self._environment).get("tls", False)
        return Client(self.host, version=version, timeout_s=self._allowance_s, tls=tls)

    def _explain(self, error: Exception, what: str) -> EngineError:
        if isinstance(error, APIError):
            if error.status_code == requests.codes.not_found:
                return EngineGoneError(f"cannot {what}: it is not there any more")
            return UnansweredError(f"Docker cannot {what}: {first_line(error)}; see its own log")
        if took_too_long(error):
            return UnansweredError(f"Docker at {self.host} did not {what} in time: it is overloaded or frozen, see its own log")
        return EngineUnreachableError(f"cannot {what}: {remedy(error, self.host)}")

    def _lose(self) -> None:
        """Forget the connection: what comes back may be another engine, of another version."""
        self.reach.failed()
        self._api = None
