"""What may be said to Docker, how long is an answer waited for, and what does a failure mean?

Of the Engine's API these calls are made and no others, `Client.send` refuses the rest: version, list, inspect,
logs, top, stats, events, restart, start; containers are only ever named by their full id. Never `kill` or `stop`: they cancel the
container's restart policy.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import requests
import urllib3
from docker.errors import APIError, create_api_error_from_http_exception
from docker.transport import UnixHTTPAdapter

from healthmon.errors import EngineError, EngineUnreachableError
from healthmon.heal.docker_answer import AnswerTooLargeError, BoundedAdapter, read_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST_API, NEWEST_API = (1, 24), (1, 51)  # what the library speaks at least, and what we know the answers of
ONE_SHOT_API = (1, 41)
CONNECT_S = 2.0
_ID = r"/containers/[0-9a-f]{64}"
_CALLS: tuple[tuple[str, str, float | None], ...] = (  # method, path, and how long the answer may take, or be silent in a stream
    ("GET", r"/version", 5.0),
    ("GET", r"/containers/json", 10.0),
    ("GET", rf"{_ID}/json", 5.0),
    ("GET", rf"{_ID}/logs", 5.0),
    ("GET", rf"{_ID}/top", 5.0),
    ("GET", rf"{_ID}/stats", 5.0),
    ("GET", r"/events", 60.0),
    ("POST", rf"{_ID}/(restart|start)", None),  # None: as the caller asks
)


class NotSentError(ConnectionError):
    """The engine could not even be connected to."""


class EventsRefusedError(EngineError):
    """Nobody lets us follow events, as a socket proxy may not: then a person's stop looks like any other end."""


class EventsFailedError(EventsRefusedError):
    """The engine cannot tell its events now: it is in trouble."""

    permanent = False


class _UnixAdapter(BoundedAdapter, UnixHTTPAdapter):
    """Over a Unix socket; `BoundedAdapter` alone is for TCP."""


class Client(docker.APIClient):
    """The library's client with our rules: every answer bounded, nothing from the environment, a fresh connection a call."""

    def __init__(self, base_url: str, *, version: str, timeout_s: float, tls: Any) -> None:
        super().__init__(base_url=base_url, version=version, timeout=timeout_s, tls=tls)  # type: ignore[arg-type]  # a fraction does
        self.trust_env = False
        self._socket_path = base_url.removeprefix("unix://") if base_url.startswith("unix://") else ""
        self.headers["Connection"] = "close"  # an engine that came back is not met on a connection that died
        if self._socket_path:
            self._custom_adapter = _UnixAdapter(self._socket_path)
            self.mount("http+docker://", self._custom_adapter)
        else:
            for scheme in ("http://", "https://"):
                self.mount(scheme, BoundedAdapter())

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        read_s = _patience_s(request, kwargs.get("timeout"))
        if self._socket_path:
            _knock(self._socket_path)
        response = super().send(request, **{**kwargs, "timeout": (CONNECT_S, read_s)})
        if _path(request) == "/events" and response.status_code != requests.codes.ok:  # the library does not look
            with response:
                raise _no_events(response.status_code)
        return response

    def read_logs(self, target_id: str, *, lines: int, max_bytes: int) -> bytes:
        """Return the last lines of a container. The library's own way reads them to their end, however long they are."""
        asked = {"stdout": 1, "stderr": 1, "tail": lines, "follow": 0, "timestamps": 1}
        where = f"{self.base_url}/v{self.api_version}/containers/{target_id}/logs"
        with self.get(where, params=asked, stream=True) as response:
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                raise create_api_error_from_http_exception(error) from error
            return bytes(response.raw.read(max_bytes))

    def read_processes(self, target_id: str, arguments: str) -> dict[str, Any]:
        """Return the processes of a container as this host's `ps` shows them: with its plain columns where it has not those."""
        try:
            return dict(self.top(target_id, arguments))
        except APIError:
            return dict(self.top(target_id))

    def read_stats(self, target_id: str) -> dict[str, Any]:
        """Return the engine's statistics of now; one that cannot be asked for a single reading takes two, a second apart."""
        one_shot = True if _version(self.api_version) >= ONE_SHOT_API else None
        found: dict[str, Any] = self.stats(target_id, stream=False, one_shot=one_shot)
        return found

    def _stream_helper(self, response: requests.Response, decode: bool = False) -> Iterator[dict[str, Any]]:  # noqa: ARG002, FBT001, FBT002  the library's
        """Read events. The library's own way keeps for ever what never becomes one."""
        return read_events(response.raw._fp)  # noqa: SLF001  the library goes the same way


def _no_events(status: int) -> EventsRefusedError:
    if status >= requests.codes.internal_server_error:
        return EventsFailedError(f"Docker cannot tell its events (HTTP {status}): nothing is restarted without them, see its own log")
    return EventsRefusedError(
        f"Docker lets nobody follow its events (HTTP {status}): nothing is restarted without them, "
        "allow GET /events in the socket proxy"
    )


def _knock(path: str) -> None:
    """Connect and hang up: a failure here is surely one before anything was sent, and leaks no socket as the library's does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(CONNECT_S)
        try:
            knocking.connect(path)
        except OSError as error:
            raise NotSentError(error.strerror or "timed out") from error


def _patience_s(request: requests.PreparedRequest, asked_s: float | None) -> float | None:
    path = _path(request)
    for method, pattern, read_s in _CALLS:
        if request.method == method and re.fullmatch(pattern, path):
            return asked_s if read_s is None else read_s
    raise EngineError(f"refused to ask Docker for {request.method} {path}: not among the calls that healthmon makes")


def _path(request: requests.PreparedRequest) -> str:
    return re.sub(r"^/v\d+\.\d+(?=/)", "", urlsplit(request.url or "").path)


def agree_on_version(offered: Mapping[str, Any]) -> str:
    """Return the version to speak: the engine's newest, but none newer than the one we know."""
    try:
        newest, oldest = _version(offered.get("ApiVersion")), _version(offered.get("MinAPIVersion") or "0.0")
    except (AttributeError, TypeError, ValueError) as error:
        raise EngineUnreachableError(f"what answers does not tell the version of a Docker Engine ({error}): is it Docker?") from error
    if newest < OLDEST_API:
        raise EngineUnreachableError(f"this Docker Engine speaks API {version_text(newest)}: healthmon needs {version_text(OLDEST_API)}, upgrade Docker")
    if oldest > NEWEST_API:
        raise EngineUnreachableError(f"this Docker Engine speaks no API older than {version_text(oldest)}: healthmon knows {version_text(NEWEST_API)}, upgrade healthmon")
    return version_text(min(newest, NEWEST_API))


def _version(text: str | None) -> tuple[int, int]:
    major, _, minor = (text or "").partition(".")
    return int(major), int(minor)


def version_text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def remedy(error: Exception, host: str) -> str:
    """Say what is wrong with the way to the engine, and what to do about it."""
    where = host.removeprefix("unix://")
    causes = [type(cause) for cause in _causes(error)]
    if FileNotFoundError in causes:
        return f"no Docker socket at {where}: is Docker installed and running?"
    if PermissionError in causes:
        return f"no permission for the Docker socket at {where}: add the user to group docker, or run the healer as root"
    if ConnectionRefusedError in causes:
        return f"nothing listens at {where}: start Docker, for instance with systemctl start docker"
    if AnswerTooLargeError in causes:
        return f"what answers at {where} sends far more than Docker has to say: is it Docker? See its own log"
    return f"no answer from Docker at {where} ({first_line(error)}): is it running?"


def was_not_sent(error: Exception) -> bool:
    sure = (NotSentError, urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return any(isinstance(cause, sure) for cause in _causes(error))


def took_too_long(error: Exception) -> bool:
    """Tell whether a call was sent, and its answer, or the rest of it, did not come in time."""
    slow = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
    return any(isinstance(cause, slow) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what lies under it: the libraries chain some and wrap others as arguments."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        cause = left.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            left += [*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
    yield from seen


def first_line(error: Exception) -> str:
    text = (error.explanation if isinstance(error, APIError) else None) or str(error)
    return (text.splitlines() or [""])[0][:300]
