"""In what do two configurations differ? Told by the names of services, the way a person would say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.config_source.node import Plain

SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be done to come from one to the other. `changed` holds the keys that differ of each service."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: tuple[str, ...] = ()  # that differ, beside the services

    def lines(self) -> list[str]:
        """Return it in words, nothing for nothing."""
        services = [f"{name} ({', '.join(keys)})" for name, keys in self.changed.items()]
        said = (("added", self.added), ("removed", self.removed), ("changed", services), ("also changed", self.keys))
        return [f"{word}: {_listed(names)}" for word, names in said if names]


def compare(before: Plain, after: Plain) -> Changes:
    """Compare what two files say, as it was written."""
    old, new = _services(before), _services(after)
    both = [name for name in new if name in old]
    differing = {name: _differing(old[name], new[name]) for name in both}
    return Changes(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed={name: keys for name, keys in differing.items() if keys},
        keys=tuple(key for key in _differing(_object(before), _object(after)) if key != "services"),
    )


def _services(configuration: Plain) -> dict[str, dict[str, Plain]]:
    """Return the services that are watched, by their names."""
    services = _object(configuration).get("services")
    entries = [service for service in services if isinstance(service, dict)] if isinstance(services, tuple) else []
    return {str(service.get("name")): service for service in entries if service.get("enabled") is not False}


def _object(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _differing(before: dict[str, Plain], after: dict[str, Plain]) -> tuple[str, ...]:
    absent = object()
    return tuple(key for key in dict.fromkeys((*before, *after)) if before.get(key, absent) != after.get(key, absent))


def _listed(names: tuple[str, ...] | list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
