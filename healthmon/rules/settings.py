"""What may be set about a rule that raises alerts?"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from healthmon.model.alert import AlertSeverity  # noqa: TC001  pydantic needs it at run time
from healthmon.settings import DAY_MINUTES, Settings

MAX_CONDITION_CHARS = 512


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("must be printable text without spaces around it: it is the alert's type in the database")
    return name


class RuleSettings(Settings):
    """One entry of `alert_rules`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)] = Field(
        description="What the alert is called: the alert_type of the database. Each name once.",
    )
    condition: str = Field(
        min_length=1,
        max_length=MAX_CONDITION_CHARS,
        pattern=r"\S",
        description="When it holds, the alert is pending: for example status == 'unhealthy'.",
    )
    severity: AlertSeverity = Field(strict=False, description="critical, warning, or info: an event that is told once.")
    threshold: float | None = Field(None, allow_inf_nan=False, description="A number that the condition can use by the name threshold.")
    duration_minutes: float = Field(0, ge=0, le=30 * DAY_MINUTES, description="How long the condition must hold before the alert fires.")
    enabled: bool = Field(default=True, description="false keeps the rule in the file without effect.")
