"""Which commands are run before and after a restart?"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from healthmon.settings import Settings, Text

LONGEST_S = 30.0  # with the evidence that is kept, a plan is not yet stale when both are over
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = "HEALTHMON_"


def _command(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and not command[0].startswith("/"):
        raise ValueError(f"must begin with the full path of a program, not {command[0]!r}: no shell looks for it")
    if any("\0" in word for word in command):
        raise ValueError("must not hold a NUL: no program can be given one")
    return command


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be letters, digits and '_', as names in an environment are")
    if name.startswith(_OURS):
        raise ValueError(f"must not begin with {_OURS}: those are healthmon's own")
    return name


def _value(value: SecretStr) -> SecretStr:
    if "\0" in value.get_secret_value():
        raise ValueError("must not hold a NUL: no environment can")
    return value


Command = Annotated[tuple[Text, ...], AfterValidator(_command)]


class HookSettings(Settings):
    """Argument lists, run without a shell and with an environment of their own."""

    before: Command = Field((), description="Run before a restart: a program and its arguments. What comes of it stops no restart.")
    after: Command = Field((), description="Run once a restart is made, or has failed: a program and its arguments.")
    environment: dict[Annotated[str, AfterValidator(_name)], Annotated[SecretStr, AfterValidator(_value)]] = Field(
        {},
        description="What the programs find in their environment beside HEALTHMON_*; the place for ${env:…}, ${file:…} and ${cred:…}.",
    )
    timeout_seconds: float = Field(LONGEST_S, ge=0.1, le=LONGEST_S, description="After this long a hook is killed, with all that it started.")
