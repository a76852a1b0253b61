"""What may be set about a rule that raises alerts?"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema, field_validator

from healthmon.model.alert import HEALING_QUARANTINED, HEALING_STORM, HISTORY_LOST, AlertSeverity
from healthmon.rules.language import examined
from healthmon.rules.problems import ConditionError
from healthmon.rules.tokens import MAX_CHARS
from healthmon.settings import DAY_MINUTES, Settings, Text

MAX_MINUTES = 30 * DAY_MINUTES


RESERVED = frozenset({HEALING_QUARANTINED, HEALING_STORM, HISTORY_LOST})  # alerts of ours that no rule raises


def _printable(name: str) -> str:
    if name in RESERVED:
        raise ValueError("is the name of an alert of healthmon's own: choose another")
    if not name.isprintable() or name != name.strip():
        raise ValueError("must be printable text without spaces around it: it is the alert's type in the database")
    return name


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("must not be empty: leave it out for a rule that is for all")
    return names


def told_in_words(schema: dict[str, Any]) -> None:
    """Keep an editor from filling in a default that only the description can tell."""
    schema.pop("default", None)


Names = Annotated[tuple[Text, ...], AfterValidator(_some), WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1})]


class RuleSettings(Settings):
    """One entry of `alert_rules`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)] = Field(
        description="What the alert is called: the alert_type of the database. Each name once.",
    )
    threshold: float | None = Field(None, allow_inf_nan=False, description="A number that the condition can use by the name threshold.")
    condition: str = Field(
        min_length=1,
        max_length=MAX_CHARS,
        pattern=r"\S",
        description="When it holds, the alert is pending: for example status == 'unhealthy'.",
    )
    severity: AlertSeverity = Field(strict=False, description="critical, warning, or info: an event that is told once.")
    duration_minutes: float = Field(0, ge=0, le=MAX_MINUTES, description="How long the condition must hold before the alert fires.")
    keep_firing_minutes: float = Field(0, ge=0, le=MAX_MINUTES, description="How long the condition must be over before the alert ends.")
    services: Names = Field(
        (),
        description="The rule is for these services, and those of its groups, only. Default: for all.",
        json_schema_extra=told_in_words,
    )
    groups: Names = Field(
        (),
        description="The rule is for the services of these groups, and its services, only. Default: for all.",
        json_schema_extra=told_in_words,
    )
    enabled: bool = Field(default=True, description="false keeps the rule in the file without effect.")

    @field_validator("condition")
    @classmethod
    def _has_meaning(cls, condition: str, info: ValidationInfo) -> str:
        """Judge the condition, with any threshold when the rule's own is wrong: that is told elsewhere."""
        try:
            examined(condition, threshold=info.data.get("threshold", 1.0))
        except ConditionError as error:
            raise ValueError(str(error)) from None
        return condition

    def holds_for(self, service: str, group: str) -> bool:
        """Tell whether the rule is asked for a service of this name and group."""
        return not (self.services or self.groups) or service in self.services or group in self.groups
