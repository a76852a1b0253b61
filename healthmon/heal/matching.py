"""Which target belongs to which service? By what a person wrote, by name, by port; never by a guess between two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from healthmon.model.target import Target, TargetKind, TargetState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

HOLDING_A_PORT = frozenset({TargetState.RUNNING, TargetState.PAUSED, TargetState.RESTARTING})
_LOCAL_NAMES = frozenset({"localhost", "::1", "0.0.0.0"})  # noqa: S104  compared, not bound
_PORTS = {"http": 80, "https": 443}
_NONE: Mapping[str, str] = {}


class MatchedBy(StrEnum):
    CONTAINER = "container"
    COMPOSE_SERVICE = "compose_service"
    PORT = "port"
    SUPERVISOR_PROGRAM = "supervisor_program"


class MatchProblem(StrEnum):
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    ENGINE_UNREACHABLE = "engine_unreachable"  # said by who asked the engine, never by `match`


class Settings(Protocol):
    """What of a service's settings is read here."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def container(self) -> str | None: ...
    @property
    def compose_service(self) -> str | None: ...
    @property
    def supervisor_program(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a service says about its target. `host` and `port` are its URL's; 0 where it names none."""

    name: str
    host: str = ""
    port: int = 0
    container: str | None = None
    compose_service: str | None = None
    supervisor_program: str | None = None

    @classmethod
    def of(cls, service: Settings) -> Wanted:
        """Read it from a service's settings."""
        host, port = _address(service.url)
        return cls(
            name=service.name,
            host=host,
            port=port,
            container=service.container,
            compose_service=service.compose_service,
            supervisor_program=service.supervisor_program,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Either a target and what told it, or a problem and its text for a person."""

    target: Target | None = None
    matched_by: MatchedBy | None = None
    problem: MatchProblem | None = None
    text: str = ""


def match(services: Iterable[Wanted], targets: Collection[Target], before: Mapping[str, str] = _NONE) -> dict[str, Match]:
    """Match each service to at most one target.

    `before` holds the target ids that services were matched to last: a container that has exited publishes nothing,
    and a service that is known by its port alone would lose it just when it is needed.
    """
    return {service.name: _match_one(service, targets, before.get(service.name, "")) for service in services}


def _match_one(service: Wanted, targets: Collection[Target], before: str) -> Match:
    if service.supervisor_program:
        return _by_program(service.supervisor_program, targets)
    containers = [target for target in targets if target.kind is TargetKind.DOCKER]
    if service.container:
        return _by_container(service.container, containers)
    by_label = _by_label(service, containers)
    if by_label is not None:
        return by_label
    return _by_port(service, containers, before)


def _by_program(program: str, targets: Collection[Target]) -> Match:
    candidates = [
        target
        for target in targets
        if target.kind is TargetKind.SUPERVISOR and program in {target.name, target.name.partition(":")[2]}
    ]
    found = _only(candidates, MatchedBy.SUPERVISOR_PROGRAM, "set supervisor_program to one of them, as group:name")
    return found or _not_found(f"supervisord runs no program {program}")


def _by_container(name: str, containers: list[Target]) -> Match:
    candidates = [target for target in containers if target.name == name]
    found = _only(candidates, MatchedBy.CONTAINER, "remove all but one")
    return found or _not_found(f"there is no container named {name}")


def _by_label(service: Wanted, containers: list[Target]) -> Match | None:
    """Match by Compose's label. None when the service's own name is no label: its port may still tell.

    That name alone is no proof: another project may have a `redis` of its own. The address must not speak against it.
    """
    label = fold(service.compose_service or service.name)
    candidates = [
        target
        for target in containers
        if target.compose_service
        and target.untouchable != "one_off"
        and fold(target.compose_service) == label
        and (service.compose_service or _may_answer(service, target))
    ]
    if len(candidates) > 1:
        candidates = _narrow(candidates, _publishes(service)) or candidates
    found = _only(candidates, MatchedBy.COMPOSE_SERVICE, f"set container for {service.name} to one of them")
    if found is None and service.compose_service:
        return _not_found(f"no container belongs to the Compose service {service.compose_service}")
    return found


def _by_port(service: Wanted, containers: list[Target], before: str) -> Match:
    publishes = _publishes(service)
    open_now = [target for target in containers if holds_port(target) and publishes(target)]
    candidates = open_now or [target for target in containers if target.incarnation.target_id == before and publishes(target)]
    found = _only(candidates, MatchedBy.PORT, f"set container for {service.name} to one of them")
    if found is not None:
        return found
    ports = f", and none publishes port {service.port} on this host" if service.port and _is_local(service.host) else ""
    address = f" at {service.host}:{service.port}" if service.host else ""
    return _not_found(f"no container belongs to a Compose service {service.name}{address}{ports}: set container or compose_service")


def holds_port(target: Target) -> bool:
    """Tell whether the ports that a container publishes are open now, or will be again by themselves."""
    return target.state in HOLDING_A_PORT


def _may_answer(service: Wanted, target: Target) -> bool:
    """Say whether a container can be what answers at the service's address. One that publishes nothing may, by a proxy."""
    if service.host and not _is_local(service.host):
        return False
    return not target.published_ports or service.port in target.published_ports


def _publishes(service: Wanted) -> Callable[[Target], bool]:
    port = service.port if _is_local(service.host) else 0
    return lambda target: port in target.published_ports


def _narrow(candidates: list[Target], wanted: Callable[[Target], bool]) -> list[Target]:
    """Return the one candidate that the port decides for; none when it does not."""
    decided = [target for target in candidates if wanted(target)]
    return decided if len(decided) == 1 else []


def _only(candidates: list[Target], matched_by: MatchedBy, remedy: str) -> Match | None:
    if not candidates:
        return None
    if len(candidates) == 1:
        return Match(target=candidates[0], matched_by=matched_by)
    names = ", ".join(sorted(target.name for target in candidates))
    return Match(problem=MatchProblem.AMBIGUOUS, text=f"{len(candidates)} could be meant ({names}): {remedy}")


def _not_found(text: str) -> Match:
    return Match(problem=MatchProblem.NOT_FOUND, text=text)


def _address(url: str) -> tuple[str, int]:
    """Return host and port of a URL; the port that its scheme stands for where it names none."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def fold(name: str) -> str:
    """Return a name as Compose and people write it, in one of the two ways."""
    return name.replace("-", "_")


def _is_local(host: str) -> bool:
    bare = host.strip("[]").lower()
    return bare in _LOCAL_NAMES or bare.startswith("127.")
