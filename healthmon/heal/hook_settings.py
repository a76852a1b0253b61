"""Which commands are run before and after a restart?"""

from __future__ import annotations

from pydantic import Field

from healthmon.command_settings import Command, Environment  # noqa: TC001  pydantic reads them
from healthmon.settings import Settings

LONGEST_S = 30.0  # with the evidence that is kept, a plan is not yet stale when both are over

class HookSettings(Settings):
    """Argument lists, run without a shell and with an environment of their own."""

    before: Command = Field((), description="Run before a restart: a program and its arguments. What comes of it stops no restart.")
    after: Command = Field((), description="Run once a restart is made, or has failed: a program and its arguments.")
    environment: Environment = Field(
        {},
        description="What the programs find in their environment beside HEALTHMON_*; the place for ${env:…}, ${file:…} and ${cred:…}.",
    )
    timeout_seconds: float = Field(LONGEST_S, ge=0.1, le=LONGEST_S, description="After this long a hook is killed, with all that it started.")
