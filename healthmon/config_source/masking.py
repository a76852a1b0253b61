"""How may a configuration be shown and kept? As it was written, without the secrets that stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr

from healthmon.redaction import redact
from healthmon.settings import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from healthmon.config_source.node import Path, Plain

_ONLY_REFERENCES = re.compile(r"(\$\{[^{}]*\})+")  # they say where a secret is, and not what it is
_SAYS_A_CHANGE = "secret as of configuration {number}"


def masked(written: Plain, settings: BaseModel, *, known: Mapping[str, str], number: int) -> tuple[Plain, dict[str, str]]:
    """Return `written` as it may be shown, and what each secret in it is shown as.

    `settings` is what became of it. A secret is shown by the number of the configuration that brought it, so that a
    change of it can be seen: `known` is what those of the last one are shown as.
    """
    masking = _Masking(frozenset(_prefixes(_secret_paths(settings))), known, number)
    return masking.value(written, ()), masking.shown


class _Masking:
    def __init__(self, secret: frozenset[Path], known: Mapping[str, str], number: int) -> None:
        self.shown: dict[str, str] = {}
        self._secret = secret
        self._known = known
        self._number = number

    def value(self, value: Plain, path: Path) -> Plain:
        if isinstance(value, dict):
            return {key: self.value(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, tuple):
            return tuple(self.value(child, (*path, number)) for number, child in enumerate(value))
        if not isinstance(value, str) or _ONLY_REFERENCES.fullmatch(value):
            return value
        return self._mask(value) if path in self._secret else redact(_without_credentials(value))

    def _mask(self, secret: str) -> str:
        self.shown[secret] = self._known.get(secret, _SAYS_A_CHANGE.format(number=self._number))
        return f"({self.shown[secret]})"


def _without_credentials(text: str) -> str:
    """Take user, password and query out of an address; a service's address is no secret by its type."""
    if "://" not in text:
        return text
    try:
        return without_secrets(text)
    except ValueError:
        return "(an address)"


def _secret_paths(settings: object, path: Path = ()) -> Iterator[Path]:
    if isinstance(settings, SecretStr):
        yield path
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from _secret_paths(getattr(settings, name), (*path, name))
    elif isinstance(settings, dict):
        for key, value in settings.items():
            yield from _secret_paths(value, (*path, key))
    elif isinstance(settings, tuple):
        for number, value in enumerate(settings):
            yield from _secret_paths(value, (*path, number))


def _prefixes(paths: Iterator[Path]) -> Iterator[Path]:
    """Yield every path, and what is around it: a text may be written where a list is meant."""
    for path in paths:
        for length in range(len(path) + 1):
            yield path[:length]
