"""What do `${env:NAME}`, `${file:PATH}` and `${cred:NAME}` in a configuration stand for?

They keep secrets out of the file. Each may stand anywhere inside a text; what it stands for is put in once and never
looked at again, so that a secret which happens to contain `${` stays as it is. `$${` writes a plain `${`.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon.config_source.file import usable
from healthmon.config_source.node import Finding, Plain
from healthmon.redaction import hide
from healthmon.spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config_source.node import Path as KeyPath

MAX_BYTES = 65_536
CREDENTIALS = Path("/etc/healthmon/credentials")  # what the unit of an installation passes on to the agent
ELSEWHERE = ("${file:", "${cred:")  # how a reference to what may be something else tomorrow begins
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")


STAND_IN = "unknown-here"
STAND_IN_WHOLE = f"https://{STAND_IN}.invalid/"  # passes for an address, and for most else that a secret can be


class _Missing(Exception):  # noqa: N818  it never leaves this file
    """What a reference stands for cannot be had. The text says what to do."""


def resolve(values: Plain, *, directory: Path) -> tuple[Plain, list[Finding]]:
    """Put in what every reference stands for; a relative file is looked for in `directory`.

    Return the values, and what could not be had; its text stays as it was.
    """
    resolver = _Resolver(directory)
    return resolver.value(values, ()), resolver.findings


def stand_in(values: Plain) -> Plain:
    """Put something into the place of every reference, for who needs no secret and may not be able to read any."""
    if isinstance(values, dict):
        return {key: stand_in(child) for key, child in values.items()}
    if isinstance(values, tuple):
        return tuple(map(stand_in, values))
    if not isinstance(values, str) or "${" not in values:
        return values
    return STAND_IN_WHOLE if _REFERENCE.fullmatch(values) and values[1] == "{" else _REFERENCE.sub(_stand_in_part, values)


def _stand_in_part(found: re.Match[str]) -> str:
    return "${" if found[1] is None else STAND_IN


class _Resolver:
    def __init__(self, directory: Path) -> None:
        self.findings: list[Finding] = []
        self._kinds: dict[str, Callable[[str], str]] = {
            "env": _environment,
            "file": lambda name: _file(directory / name),
            "cred": _credential,
        }

    def value(self, value: Plain, path: KeyPath) -> Plain:
        if isinstance(value, dict):
            return {key: self.value(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, tuple):
            return tuple(self.value(child, (*path, number)) for number, child in enumerate(value))
        return self._text(value, path) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, path: KeyPath) -> str:
        try:
            return _REFERENCE.sub(self._replacement, text)
        except _Missing as missing:
            self.findings.append(Finding(path=path, message=str(missing)))
            return text

    def _replacement(self, found: re.Match[str]) -> str:
        if found[1] is None:
            return "${"
        kind, colon, name = found[1].partition(":")
        if not colon or kind not in self._kinds or not name:
            raise _Missing(
                f"{quoted(found[0])} is no reference: write ${{env:NAME}}, ${{file:PATH}} or ${{cred:NAME}}, or $${{ for a plain ${{",
            )
        secret = self._kinds[kind](name)
        hide(secret)
        return secret


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise _Missing(f"the environment variable {quoted(name)} is not set: set it where the agent is started")
    return _usable(value, f"the environment variable {quoted(name)}")


def _credential(name: str) -> str:
    if "/" in name or name in (".", ".."):
        raise _Missing(f"{quoted(name)} is not the name of a credential: it must not contain '/'")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(directory or CREDENTIALS, name)
    try:
        is_there = path.exists()
    except OSError as error:  # a command that is typed gets none from systemd, and only root may look where they are kept
        raise _Missing(f"no credential {quoted(name)}: {path} cannot be read ({error.strerror}); use sudo") from error
    if not is_there:
        whence = f"add LoadCredential={name}:/path to the unit" if directory else f"put it into {CREDENTIALS}, and run `sudo tools/install` again"
        raise _Missing(f"no credential {quoted(name)}: {whence}")
    return _file(path)


def _file(path: Path) -> str:
    shown = quoted(str(path), limit=200)
    try:
        data = _bytes(path)
    except OSError as error:
        raise _Missing(f"{shown} cannot be read: {error.strerror}; check its path, owner and mode") from None
    if data is None or len(data) > MAX_BYTES:
        raise _Missing(f"{shown} is not a file of at most {MAX_BYTES // 1024} KiB: name one that holds the secret alone")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _Missing(f"{shown} is not UTF-8 text: save it as such") from None
    return _usable(text.removesuffix("\n").removesuffix("\r"), shown)


def _bytes(path: Path) -> bytes | None:
    """Read a regular file; None for what is none, such as a pipe, which would keep us waiting."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read(MAX_BYTES + 1)


def _usable(value: str, where: str) -> str:
    if not usable(value):
        raise _Missing(f"{where} holds a NUL character or is not UTF-8: it cannot be used as text")
    return value
