"""What may be set about the care for our own processes?"""

from __future__ import annotations

from pydantic import Field

from healthmon.settings import DAY_S, SecretHttpUrl, Settings


class WatchSettings(Settings):
    """The `watchdog` block."""

    max_memory_mb: float = Field(256, gt=0, description="A process of ours that has more than this to itself, three samples in a row, is started anew.")
    sample_seconds: float = Field(60, ge=0.1, le=DAY_S, description="Time between two samples of what our processes use.")
    ping_url: SecretHttpUrl | None = Field(
        None,
        description="URL outside that is asked while all of healthmon is well, such as a check of healthchecks: who misses it can tell you that we are gone.",
    )
    ping_seconds: float = Field(60, ge=1, le=DAY_S, description="Time between two pings.")
