"""What runs here that could be watched? Containers, ports of the host that answer as a health check does, and Compose files."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon import probes
from healthmon.model.check import CheckStatus
from healthmon.model.target import TargetHealth, TargetState
from healthmon.probes.settings import ProbeSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from healthmon.model.target import Target

PATHS = ("/health", "/healthz", "/api/health", "/ping", "/")
HEALTH_PATHS = PATHS[:3]  # of a port that belongs to no container, only who answers these is meant to be asked
PATIENCE_S = 2.0
AT_ONCE = 16
FLEETING = frozenset({"one_off", "auto_remove", "ourselves"})  # nobody expects these to be there
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?(/[^\s\"'|;&\]]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that could be watched. `kind` and `url` are how; `said` is what a health check of its own asks for."""

    name: str
    group: str = ""
    container: str = ""
    compose_service: str = ""
    ports: tuple[int, ...] = ()
    depends_on: tuple[str, ...] = ()  # by the names of Compose, in the same group
    has_own_check: bool = False
    said: str = ""
    kind: str = "docker"
    url: str = ""
    answers: bool = False


def of_containers(targets: Iterable[Target]) -> list[Found]:
    """Return the containers that run and are meant to."""
    return [
        Found(
            name=one.compose_service or one.name,
            group=one.compose_project,
            container=one.name,
            compose_service=one.compose_service,
            ports=one.published_ports,
            depends_on=one.compose_depends_on,
            has_own_check=one.health is not TargetHealth.NONE,
        )
        for one in sorted(targets, key=lambda one: (one.compose_project, one.name))
        if one.state is TargetState.RUNNING and one.untouchable not in FLEETING
    ]


def of_ports(listening: Mapping[int, str], taken: Iterable[int]) -> list[Found]:
    """Return what listens on the host itself, under the name of its process."""
    known = set(taken)
    return [Found(name=name or f"port-{port}", ports=(port,)) for port, name in sorted(listening.items()) if port not in known]


def of_compose(document: object, project: str) -> list[Found]:
    """Return the services of a Compose file, running or not. What it cannot make sense of it leaves out."""
    services = document.get("services") if isinstance(document, dict) else None
    found = services.items() if isinstance(services, dict) else ()
    return [_of_compose(str(name), entry, project) for name, entry in found if isinstance(entry, dict)]


def asked(found: Iterable[Found], *, paths: tuple[str, ...] = PATHS) -> list[Found]:
    """Find out how each can be asked, all at once: over HTTP, else by its own health check, else whether its port is open."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: _asked(one, paths), found))


def _of_compose(name: str, entry: dict[object, object], project: str) -> Found:
    check = entry.get("healthcheck")
    test = str(check.get("test", "")) if isinstance(check, dict) else ""
    path = _URL.search(test)
    container, needs = entry.get("container_name"), entry.get("depends_on") or ()
    return Found(
        name=name,
        group=project,
        container=container if isinstance(container, str) else "",
        compose_service=name,
        ports=tuple(_ports(entry.get("ports"))),
        depends_on=tuple(map(str, needs)) if isinstance(needs, (list, dict, tuple)) else (),
        has_own_check=bool(test),
        said=(path[1] or "/") if path else "",
    )


def _ports(entries: object) -> Iterator[int]:
    """Yield the ports of the host that a Compose file publishes: `8080:80`, `127.0.0.1:8080:80/tcp`, or the long form."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            text = str(entry.get("published", "")) if entry.get("protocol", "tcp") == "tcp" else ""
        else:
            parts = str(entry).removesuffix("/tcp").split(":")
            text = parts[-2] if len(parts) > 1 else ""
        if text.isdecimal() and 0 < int(text) < 65_536:  # noqa: PLR2004  what a port can be
            yield int(text)


def _asked(one: Found, paths: tuple[str, ...]) -> Found:
    for port in one.ports:
        for path in dict.fromkeys((one.said, *paths) if one.said else paths):
            url = f"http://localhost:{port}{path}"
            if _is_healthy(ProbeSettings(url=url, timeout_seconds=PATIENCE_S)):
                return replace(one, kind="http", url=url, answers=True)
    if one.said and one.ports:
        return replace(one, kind="http", url=f"http://localhost:{one.ports[0]}{one.said}")
    if one.has_own_check or not one.ports:
        return replace(one, kind="docker", answers=one.has_own_check)
    url = f"tcp://localhost:{one.ports[0]}"
    return replace(one, kind="tcp", url=url, answers=_is_healthy(ProbeSettings(type="tcp", url=url, timeout_seconds=PATIENCE_S)))


def _is_healthy(settings: ProbeSettings) -> bool:
    return probes.make(settings).ask().status is CheckStatus.HEALTHY
