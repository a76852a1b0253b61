"""What may be set about one service: how it is asked, what it belongs to, and what is restarted to heal it?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from healthmon.heal.settings import HealOverrides
from healthmon.probes.settings import MIN_DURATION_S, ProbeSettings, inherited
from healthmon.settings import DAY_S, HEALER_PROGRAM, PROBE_PROGRAM, HttpUrl, is_our_program

BLIND_AFTER_INTERVALS = 3
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_GROUP = re.compile(r"[A-Za-z0-9_-]{1,32}")
_PROGRAM = re.compile(r"[^\s:/]+(:[^\s:/]+)?")


def _service_name(name: str) -> str:
    if "/" in name or not name.isprintable() or name != name.strip() or name in (".", ".."):
        raise ValueError("must be printable, without '/' and without spaces around it: it is part of addresses and queries")
    return name


def _group(name: str) -> str:
    if not _GROUP.fullmatch(name):
        raise ValueError("must be 1 to 32 letters, digits, '_' or '-': it names the program probe-<group>")
    return name


def _container(name: str) -> str:
    if not _CONTAINER.fullmatch(name):
        raise ValueError("is not a name that Docker allows: only letters, digits, '_', '.' and '-', as `docker ps` shows it")
    return name


def _program(name: str) -> str:
    if not _PROGRAM.fullmatch(name):
        raise ValueError("must be a program as supervisorctl names it: 'name' or 'group:name'")
    ours = [part for part in name.split(":") if is_our_program(part)]
    if ours:
        raise ValueError(f"{ours[0]} is a program of healthmon's own, which the watchdog looks after: name the service's")
    return name


ServiceName = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_service_name)]


class ServiceSettings(ProbeSettings):
    """One entry of `services`."""

    name: ServiceName = Field(description="What the service is called everywhere: pages, messages, database. Each name once.")
    critical: bool = Field(default=False, description="Whether the whole system is down when this service is.")
    group: Annotated[str, AfterValidator(_group)] = Field("default", description="Services of one group share a probe process, probe-<group>.")
    container: Annotated[str, AfterValidator(_container)] | None = Field(None, description="Name of the container to restart.")
    compose_service: Annotated[str, AfterValidator(_container)] | None = Field(
        None,
        description="Name in the Compose file, instead of container. '-' and '_' count as the same.",
        validate_default=True,
    )
    supervisor_program: Annotated[str, AfterValidator(_program)] | None = Field(
        None,
        description="Program of our own supervisord to restart, instead of a container.",
    )
    depends_on: tuple[ServiceName, ...] = Field(
        (),
        description="Services that this one cannot do without: while one of them is ill, this one is not restarted.",
    )
    heal: HealOverrides = Field(HealOverrides(), description="What this service wants otherwise than self_healing says.")
    runbook_url: HttpUrl | None = Field(None, description="Page that tells people what to do; every alert links to it.")
    enabled: bool = Field(default=True, description="false keeps the service in the file without monitoring it.")
    confirmations: int = Field(
        2,
        ge=0,
        le=100,
        description="Re-checks that must fail, too, before the service counts as unhealthy. Default: confirmations of the file.",
        json_schema_extra=inherited,
    )
    retry_interval_seconds: float = Field(
        2,
        ge=MIN_DURATION_S,
        le=DAY_S,
        description="Time between two re-checks. Default: retry_interval_seconds of the file.",
        json_schema_extra=inherited,
    )

    @property
    def looks_believed(self) -> timedelta:
        """How long a look's result is believed."""
        return timedelta(seconds=BLIND_AFTER_INTERVALS * self.interval_seconds + self.timeout_seconds)

    @property
    def program(self) -> str:
        """The program of ours that looks at it."""
        return f"{PROBE_PROGRAM}{self.group}" if self.is_probed else HEALER_PROGRAM

    @field_validator("compose_service")
    @classmethod
    def _names_its_container(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("type") == "docker" and value is None and info.data.get("container") is None:
            raise ValueError("is missing, and container too: where type is docker, one of them says which container is meant")
        return value

    @field_validator("compose_service", "supervisor_program")
    @classmethod
    def _one_target(cls, value: str | None, info: ValidationInfo) -> str | None:
        others = [key for key in ("container", "compose_service") if info.data.get(key) is not None]
        if value is not None and others:
            raise ValueError(f"cannot stand beside {others[0]}: keep the one that names what to restart")
        return value
