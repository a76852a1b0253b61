"""What may be set about healing, for all services and for one?"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from healthmon.heal.hook_settings import HookSettings
from healthmon.settings import DAY_MINUTES, DAY_S, Settings

MAX_COUNT = 1_000


class DiscoverySettings(Settings):
    """The `discovery` block."""

    label: Annotated[str, StringConstraints(pattern=r"^healthmon\.[a-z0-9.-]{1,60}$")] | None = Field(
        "healthmon.enable",
        description="A container that no service names and whose label of this name is true is a service of type docker, in the group labelled. null: none is.",
    )
    autoheal_labels: bool = Field(
        default=False,
        description="Whether docker-autoheal's labels count, too: autoheal=true as label does, and autoheal.stop.timeout.",
    )


class HealOverrides(Settings):
    """What one service wants otherwise than `self_healing` says. None leaves it as it is there."""

    enabled: bool | None = Field(
        None,
        description="false never restarts this service. true changes nothing: only self_healing switches healing on.",
    )
    max_restart_attempts: int | None = Field(None, ge=1, le=MAX_COUNT, description="As in self_healing, for this service.")
    restart_cooldown_minutes: float | None = Field(None, ge=0, le=DAY_MINUTES, description="As in self_healing, for this service.")
    service_budget_per_hour: int | None = Field(None, ge=1, le=MAX_COUNT, description="As in self_healing, for this service.")
    service_budget_per_day: int | None = Field(None, ge=1, le=MAX_COUNT, description="As in self_healing, for this service.")
    min_unhealthy_seconds: float | None = Field(None, ge=0, le=DAY_S, description="As in self_healing, for this service.")
    start_grace_seconds: float | None = Field(None, ge=0, le=DAY_S, description="As in self_healing, for this service.")
    hooks: HookSettings | None = Field(None, description="In place of self_healing.hooks, for this service; {} runs none.")


class HealSettings(Settings):
    """The `self_healing` block."""

    enabled: bool = Field(default=False, description="Master switch. Nothing is restarted unless restart_unhealthy_services is true too.")
    restart_unhealthy_services: bool = Field(default=False, description="Restart the container of a service that is confirmed unhealthy.")
    max_restart_attempts: int = Field(3, ge=1, le=MAX_COUNT, description="Restarts of one service in one incident; then it is quarantined.")
    restart_cooldown_minutes: float = Field(5, ge=0, le=DAY_MINUTES, description="Least time between two restarts of one service.")
    dry_run: bool = Field(default=False, description="Decide and record as if, but restart nothing.")
    min_unhealthy_seconds: float = Field(20, ge=0, le=DAY_S, description="How long a service must have failed before its first restart.")
    start_grace_seconds: float = Field(60, ge=0, le=DAY_S, description="A container that started less than this ago is left alone; longer where its health check, or earlier starts, say so. 0: no grace at all.")
    first_healthy_hold_seconds: float = Field(
        900,
        ge=0,
        le=DAY_S,
        description="A new image or configuration is not restarted before it was healthy once, and after so long a person has to look; what is only another container is restarted then. 0: neither.",
    )
    startup_hold_seconds: float = Field(60, ge=0, le=DAY_S, description="Nothing is restarted for this long after the agent starts.")
    engine_settle_seconds: float = Field(60, ge=0, le=DAY_S, description="Nothing is restarted for this long after Docker comes back.")
    reset_after_minutes: float = Field(10, ge=0, le=DAY_MINUTES, description="Healthy for this long, a service gets a fresh set of attempts.")
    quarantine_retries: int = Field(0, ge=0, le=MAX_COUNT, description="Further restarts, far apart, once the attempts are used up.")
    service_budget_per_hour: int = Field(
        6,
        ge=1,
        le=MAX_COUNT,
        description="Restarts of one service within an hour, over all its incidents. Default: 6, or max_restart_attempts where that is more.",
    )
    service_budget_per_day: int = Field(
        24,
        ge=1,
        le=MAX_COUNT,
        description="Restarts of one service within 24 hours, over all its incidents. Default: 24, or service_budget_per_hour where that is more.",
    )
    host_budget_per_10_minutes: int = Field(5, ge=1, le=MAX_COUNT, description="Restarts of all services together within 10 minutes.")
    host_budget_per_hour: int = Field(
        20,
        ge=1,
        le=MAX_COUNT,
        description="Restarts of all services together within an hour.",
        validate_default=True,
    )
    concurrency: int = Field(2, ge=1, le=32, description="Restarts under way at the same time.")
    storm_guard: bool = Field(default=True, description="Restart nothing while so many services are ill that the cause must lie elsewhere.")
    forensics: bool = Field(default=True, description="Keep what a restart would erase: state, log, processes, checks and more; take 5 s for it at most.")
    hooks: HookSettings = Field(HookSettings(), description="Commands that are run before and after each restart.")

    @field_validator("host_budget_per_hour")
    @classmethod
    def _hour_covers_ten_minutes(cls, value: int, info: ValidationInfo) -> int:
        short = info.data.get("host_budget_per_10_minutes", value)
        if short > value:
            raise ValueError(
                f"must be at least host_budget_per_10_minutes ({short}), not {value}, or that many could never be used",
            )
        return value

    @property
    def switched_on(self) -> bool:
        return self.enabled and self.restart_unhealthy_services

    @property
    def hourly_limit(self) -> int:
        """What one service may use in an hour. The attempts that are promised to an incident are never cut by a default."""
        limit = self.service_budget_per_hour
        return limit if "service_budget_per_hour" in self.model_fields_set else max(limit, self.max_restart_attempts)

    @property
    def daily_limit(self) -> int:
        limit = self.service_budget_per_day
        return limit if "service_budget_per_day" in self.model_fields_set else max(limit, self.hourly_limit)

    def for_service(self, overrides: HealOverrides) -> HealSettings:
        """Return the settings that hold for one service. A service may opt out of healing, never into it."""
        update = {key: value for key in type(overrides).model_fields if (value := getattr(overrides, key)) is not None}
        return self.model_copy(update={**update, "enabled": self.enabled and overrides.enabled is not False})
