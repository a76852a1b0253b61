"""What is to be monitored, and how? Composes the settings of every topic into one, from one file.

Reading text, finding places in it and wording problems is `config_source`'s work, resolving secrets is `secrets`'.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, WithJsonSchema, field_validator

from healthmon import secrets
from healthmon.config_source import commands, conditions, file, limits, names, relations, wording
from healthmon.errors import UsageError
from healthmon.heal.settings import DiscoverySettings, HealSettings
from healthmon.history.settings import BackupSettings, RetentionSettings, SloSettings
from healthmon.notify.settings import AlertingSettings
from healthmon.paths import Paths
from healthmon.probes.settings import MIN_DURATION_S, TIMEOUT_EXCEEDS_INTERVAL, require_within_interval
from healthmon.rules.defaults import DEFAULT_RULES
from healthmon.rules.settings import RuleSettings, told_in_words
from healthmon.service_settings import ServiceSettings
from healthmon.settings import DAY_S, Settings, Text
from healthmon.spelling import nearest
from healthmon.watch.settings import WatchSettings
from healthmon.web.settings import DashboardSettings, WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from healthmon.config_source.node import Finding, Plain, Source
    from healthmon.config_source.node import Path as KeyPath

__all__ = ["Config", "ServiceSettings", "build", "build_again", "json_schema", "load", "with_discovered"]

DATA_DIR = "HEALTHMON_DATA_DIR"  # for a unit of systemd, whose file has it beside what the unit may write

# What a service does not set is taken from the file: its key -> the file's.
FILE_WIDE = {
    "interval_seconds": "check_interval_seconds",
    "timeout_seconds": "timeout_seconds",
    "confirmations": "confirmations",
    "retry_interval_seconds": "retry_interval_seconds",
}


def _upper(level: Any) -> Any:
    return level.upper() if isinstance(level, str) else level


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(_upper),
    WithJsonSchema({"enum": [cased for level in LEVELS for cased in (level, level.lower())]}),
]


class Config(Settings):
    """Everything that one agent is told. Made by `load`, which also judges how the services fit together."""

    schema_url: str | None = Field(None, alias="$schema", description="Schema for editors, such as healthmon.schema.json; ignored.")
    check_interval_seconds: float = Field(30, ge=MIN_DURATION_S, le=DAY_S, description="Time between two checks of a service.")
    timeout_seconds: float = Field(
        10,
        ge=MIN_DURATION_S,
        le=DAY_S,
        description="Longest time for a whole answer.",
        validate_default=True,
    )
    max_consecutive_failures: int = Field(5, ge=1, le=1_000_000, description="Failed checks in a row after which a critical alert is raised.")
    confirmations: int = Field(2, ge=0, le=100, description="Re-checks that must fail, too, before a service counts as unhealthy.")
    retry_interval_seconds: float = Field(2, ge=MIN_DURATION_S, le=DAY_S, description="Time between two re-checks.")
    database_path: Text = Field("health_monitoring.db", description="The SQLite database. A relative path lies in data_dir.")
    data_dir: Text | None = Field(
        None,
        description="Directory of everything that is written: database, logs, backups. Default: $HEALTHMON_DATA_DIR, else the working directory.",
    )
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    services: tuple[ServiceSettings, ...] = Field(
        description="The services to monitor, each with its name and url. May be empty where discovery is written.",
    )
    alert_rules: tuple[RuleSettings, ...] = Field(
        DEFAULT_RULES,
        description="When to raise which alert. Default: the six rules of the shipped file; [] is none.",
        json_schema_extra=told_in_words,
    )
    alerting: AlertingSettings = Field(AlertingSettings(), description="Who is told of alerts, and how.")
    dashboard: DashboardSettings = Field(DashboardSettings(), description="What the dashboard shows, and how long checks are kept.")
    backup: BackupSettings = Field(BackupSettings(), description="When the database is backed up.")
    slo: SloSettings = Field(SloSettings(), description="The targets of `healthmon slo`.")
    retention: RetentionSettings = Field(RetentionSettings(), description="How long the rest of the history is kept.")
    discovery: DiscoverySettings = Field(DiscoverySettings(), description="Which containers are watched because their labels ask for it.")
    self_healing: HealSettings = Field(HealSettings(), description="Whether and when unhealthy services are restarted.")
    watchdog: WatchSettings = Field(WatchSettings(), description="When a process of our own is started anew.")
    web: WebSettings = Field(WebSettings(), description="Where the pages and the API are served.")

    @field_validator("timeout_seconds")
    @classmethod
    def _within_interval(cls, value: float, info: ValidationInfo) -> float:
        require_within_interval(value, info.data.get("check_interval_seconds", value), key="check_interval_seconds")
        return value

    @property
    def paths(self) -> Paths:
        data_dir = Path(self.data_dir or ".").resolve()
        return Paths(data_dir=data_dir, database=data_dir / self.database_path)

    def enabled_services(self) -> tuple[ServiceSettings, ...]:
        return tuple(service for service in self.services if service.enabled)

    def groups(self) -> dict[str, tuple[ServiceSettings, ...]]:
        """Return the enabled services by their groups, both in the order of the file."""
        return _grouped(self.enabled_services())

    def probed_groups(self) -> dict[str, tuple[ServiceSettings, ...]]:
        """Return those that a probe asks, by the groups that have a program for it.

        What was found last is kept, and so found by forks: each look at a service is a write to its page of their common memory.
        """
        global _probed  # noqa: PLW0603  not in the model, where a copy with other services would keep it
        if _probed[0] is not self.services:
            _probed = self.services, _grouped(service for service in self.enabled_services() if service.is_probed)
        return _probed[1]

    def hook_programs(self) -> tuple[str, ...]:
        """Return the programs that are run before and after restarts, each once."""
        every = [self.self_healing.hooks, *(self.self_healing.for_service(service.heal).hooks for service in self.enabled_services())]
        return tuple(dict.fromkeys(command[0] for hooks in every for command in (hooks.before, hooks.after) if command))

    def service(self, name: str) -> ServiceSettings:
        """Return the service called `name`. Raises UsageError with the name that is most like it."""
        services = {service.name: service for service in self.services}
        if name not in services:
            raise UsageError(f"there is no service {name!r}{nearest(name, services) or ': see services in the configuration'}")
        return services[name]


_probed: tuple[tuple[ServiceSettings, ...], dict[str, tuple[ServiceSettings, ...]]] = ((), {})


def _grouped(services: Iterable[ServiceSettings]) -> dict[str, tuple[ServiceSettings, ...]]:
    groups: dict[str, list[ServiceSettings]] = {}
    for service in services:
        groups.setdefault(service.group, []).append(service)
    return {name: tuple(members) for name, members in groups.items()}


def load(path: Path) -> Config:
    """Read, complete and check the configuration at `path`. Raises ConfigError with all problems of the file."""
    return build(file.read(path))


def build(source: Source, *, discovered: tuple[Plain, ...] = (), with_secrets: bool = True) -> Config:
    """Complete and check what was read, together with services that stand in no file. Raises ConfigError with all problems.

    Without secrets, something else stands in their places: for who shows what is, in another environment than the agent's.
    """
    written = source.root.plain()
    directory = Path(source.file).absolute().parent
    own, missing = secrets.resolve(written, directory=directory) if with_secrets else (secrets.stand_in(written), [])
    values = with_discovered(own, discovered)  # a container's label must not have us read a file
    findings = [
        *source.findings,
        *missing,
        *relations.findings(values),
        *limits.findings(values),
        *conditions.findings(own, written),  # a file is not right or wrong by which containers are there
        *names.findings(own),
        *commands.findings(written),
    ]
    try:
        config = Config.model_validate(_completed(values))
    except ValidationError as error:
        findings += _worded(error, source, told={finding.path for finding in findings})
    if findings:
        raise source.error(findings)
    return config


def build_again(written: Plain, *, directory: Path, discovered: tuple[Plain, ...], with_secrets: bool) -> Config | None:
    """Return the configuration of values that `build` has taken before, without looking for mistakes in them.

    That takes a third of the time. None when they do not do any more, as when a secret is gone: `build` says why.
    """
    values, missing = secrets.resolve(written, directory=directory) if with_secrets else (secrets.stand_in(written), [])
    if missing:
        return None
    try:
        return Config.model_validate(_completed(with_discovered(values, discovered)))
    except ValidationError:
        return None


def with_discovered(written: Plain, discovered: tuple[Plain, ...]) -> Plain:
    """Add services to those of a file. Of two that have one name, the file's counts."""
    services = written.get("services") if isinstance(written, dict) else None
    if not isinstance(written, dict) or not isinstance(services, tuple) or not discovered:
        return written
    names = {service.get("name") for service in services if isinstance(service, dict)}
    new = tuple(service for service in discovered if isinstance(service, dict) and service.get("name") not in names)
    return {**written, "services": (*services, *new)}


def json_schema() -> dict[str, Any]:
    """Return the schema with which an editor completes and explains a configuration."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "healthmon configuration"}


def _completed(values: Plain) -> Plain:
    """Give every service what it leaves to the file, and take out dependencies on services that are switched off."""
    if isinstance(values, dict) and os.environ.get(DATA_DIR):
        values = {"data_dir": os.environ[DATA_DIR], **values}
    services = values.get("services") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(services, tuple):
        return values
    shared = {key: values[wide] for key, wide in FILE_WIDE.items() if wide in values}
    entries = [service for service in services if isinstance(service, dict)]
    off = [service.get("name") for service in entries if service.get("enabled") is False]
    return {**values, "services": tuple(_service(service, shared, off) for service in services)}


def _service(service: Plain, shared: dict[str, Plain], off: list[Plain]) -> Plain:
    if not isinstance(service, dict):
        return service
    depends_on = service.get("depends_on")
    if isinstance(depends_on, tuple):
        service = {**service, "depends_on": tuple(name for name in depends_on if name not in off)}
    return {**shared, **service}


def _worded(error: ValidationError, source: Source, *, told: set[KeyPath]) -> list[Finding]:
    details = error.errors(include_url=False, include_input=False)
    found = [wording.finding(detail, source, Config) for detail in details if not _inherited(detail, source)]
    return [finding for finding in found if finding.path not in told]


def _inherited(detail: ErrorDetails, source: Source) -> bool:
    """Tell whether an error in a service is only the echo of one in the file-wide key, which is told there."""
    path = detail["loc"]
    if len(path) != 3 or path[0] != "services" or path[2] not in FILE_WIDE or source.at(path):  # noqa: PLR2004
        return False
    return detail["type"] != TIMEOUT_EXCEEDS_INTERVAL or source.at((*path[:2], "interval_seconds")) is None
