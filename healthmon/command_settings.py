"""What may be set about a command of a person's that we run: its words, and what it finds in its environment?"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from healthmon.settings import Text

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
Environment = dict[Annotated[str, AfterValidator(_name)], Annotated[SecretStr, AfterValidator(_value)]]
