"""What is examined, in which order, and what if a check itself fails?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from healthmon.cli import agents
from healthmon.doctor import files, service, surroundings, world
from healthmon.doctor.finding import Finding, bad, fine, note, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.paths import Paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What there is to examine. Without a configuration that can be used, only some of it."""

    paths: Paths
    source: Path | None
    config: Config | None
    problem: str  # why there is no configuration; empty when there is one
    holders: Sequence[str]  # who listens on the port of the pages


def examine(patient: Patient, *, security: bool) -> list[Finding]:
    """Return everything that was found; with `security`, also what only matters to an attacker."""
    return [finding for check in _checks(patient, security=security) for finding in _made(check)]


def _checks(patient: Patient, *, security: bool) -> list[Callable[[], list[Finding]]]:
    paths = patient.paths
    checks: list[Callable[[], list[Finding]]] = [
        partial(_configuration, patient),
        service.version,
        partial(service.agent, paths),
        service.unit,
        surroundings.sqlite,
        partial(surroundings.file_system, paths),
        partial(surroundings.space, paths),
        surroundings.timekeeping,
        partial(files.data, paths),
        partial(files.closed, paths, patient.source),
    ]
    if patient.config is not None:
        checks += [
            partial(files.hooks, patient.config),
            partial(world.database, patient.paths),
            partial(world.docker, patient.config),
            partial(world.channels, patient.config),
            partial(world.port, patient.config, patient.holders),
        ]
    if security:
        checks += [service.exposure, partial(files.secrets, patient.source)]
    return checks


def _made(check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  what one check stumbles over must not hide what the others find
        name = getattr(check, "func", check).__name__.replace("_", " ").strip()
        return [unknown(name, f"could not be examined: {error}")]


def _configuration(patient: Patient) -> list[Finding]:
    topic = "configuration"
    agent = None if patient.source is None else agents.of(patient.source)
    if patient.config is None:
        is_gone = patient.source is not None and not patient.source.exists()
        remedy = "healthmon config applied prints what it was" if is_gone and agent is not None else f"healthmon validate {patient.source or ''}".strip()
        found = [bad(topic, problem, remedy) for problem in patient.problem.splitlines()]
        return found if agent is None else [*found, note(topic, f"the agent goes on with {agents.named(agent.applied)}")]
    services = len(patient.config.enabled_services())
    found = [fine(topic, f"{patient.source} is valid, with {services} services")]
    if patient.source is not None and agent is not None:
        found += [note(topic, told, "healthmon reload") for told in agents.notes(patient.source, agent)]
    return found
