"""Which kinds of probe are there? Our own, and those of installed packages, as entry points of the group `healthmon.probes`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from healthmon.spelling import nearest, quoted

GROUP = "healthmon.probes"
OURS = ("http", "tcp", "tls", "command", "process", "host", "docker")
WITHOUT_URL = frozenset({"docker", "command", "process", "host"})


def require_kind(name: str) -> str:
    """Return a kind's name. Raises ValueError where there is none of that name."""
    if name in OURS or added(name) is not None:
        return name
    raise ValueError(f"must be one of {', '.join(OURS)}, or what an installed package adds{nearest(name, OURS)}; no package adds {quoted(name)}")


def added(name: str) -> EntryPoint | None:
    """Return what a package says under this name; None where none does."""
    return next(iter(entry_points(group=GROUP, name=name)), None)
