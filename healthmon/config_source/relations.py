"""Do the entries of a configuration fit together? Judged on plain values, so that one bad key hides no other problem."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from healthmon.config_source.node import Finding, Path, Plain
from healthmon.spelling import MATCHED_CHARS, nearest, quoted

MAX_CYCLES = 10
MAX_SHOWN = 10
EMPTY = "is empty: name at least one service to monitor, or write discovery, so that it is meant: then containers whose labels ask for it are enough"


def findings(values: Plain) -> list[Finding]:
    """Return what is wrong between the services and between the rules of a file."""
    services = entries(values, "services")
    return [
        *duplicates(("services",), services),
        *duplicates(("alert_rules",), entries(values, "alert_rules")),
        *_strangers(services),
        *_cycles(services),
        *_none_enabled(values, services),
    ]


def entries(values: Plain, key: str) -> dict[int, dict[str, Plain]]:
    """Return the entries of a list that are objects, by their positions."""
    entries = values.get(key) if isinstance(values, dict) else None
    if not isinstance(entries, tuple):
        return {}
    return {number: entry for number, entry in enumerate(entries) if isinstance(entry, dict)}


def _names(entries: dict[int, dict[str, Plain]]) -> dict[str, int]:
    """Return the position at which each name stands first."""
    names: dict[str, int] = {}
    for number, entry in entries.items():
        if isinstance(name := entry.get("name"), str):
            names.setdefault(name, number)
    return names


def _dependencies(entry: dict[str, Plain]) -> list[tuple[int, str]]:
    depends_on = entry.get("depends_on")
    texts = depends_on if isinstance(depends_on, tuple) else ()
    return [(number, name) for number, name in enumerate(texts) if isinstance(name, str)]


def duplicates(path: Path, entries: dict[int, dict[str, Plain]]) -> list[Finding]:
    """Return the entries of a list that bear the name of an earlier one."""
    first = _names(entries)
    return [
        Finding(path=(*path, number, "name"), message=f"{quoted(name)} is already the name of {'.'.join(map(str, path))}[{first[name]}]: rename one")
        for number, entry in entries.items()
        if isinstance(name := entry.get("name"), str) and first[name] != number
    ]


def _strangers(services: dict[int, dict[str, Plain]]) -> list[Finding]:
    known = _names(services)
    return [
        _stranger(("services", number, "depends_on", position), name, known)
        for number, service in services.items()
        for position, name in _dependencies(service)
        if name not in known
    ]


def _stranger(path: Path, name: str, known: dict[str, int]) -> Finding:
    advice = nearest(name, known) or ": add it to services, or take it out here"
    return Finding(path=path, message=f"{quoted(name)} is not a monitored service{advice}")


def _cycles(services: dict[int, dict[str, Plain]]) -> list[Finding]:
    places = _names(services)
    graph = {name: {other for _, other in _dependencies(services[number])} for name, number in places.items()}
    found: list[Finding] = []
    while len(found) < MAX_CYCLES and (cycle := _cycle(graph)):
        start = cycle.index(min(cycle, key=lambda name: places[name]))
        cycle = cycle[start:] + cycle[:start]
        graph[cycle[0]].discard(cycle[1 % len(cycle)])
        found.append(_circle(cycle, places))
    return found


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return a ring of services of which each depends on the next, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1][1:]
        return ring[::-1]
    return []


def _circle(cycle: list[str], places: dict[str, int]) -> Finding:
    shown = cycle if len(cycle) <= MAX_SHOWN else [*cycle[:MAX_SHOWN], f"({len(cycle) - MAX_SHOWN} more)"]
    ring = " → ".join(name[:MATCHED_CHARS] if name.isprintable() else quoted(name) for name in [*shown, cycle[0]])
    message = f"the services depend on each other in a circle: {ring}; take one of these dependencies out"
    return Finding(path=("services", places[cycle[0]], "depends_on"), message=message)


def _none_enabled(values: Plain, services: dict[int, dict[str, Plain]]) -> list[Finding]:
    if isinstance(values, dict) and values.get("services") == ():
        return [] if _means_labels(values.get("discovery")) else [Finding(path=("services",), message=EMPTY)]
    if services and all(service.get("enabled") is False for service in services.values()):
        return [Finding(path=("services",), message="none is enabled: set enabled to true for one, or remove it there")]
    return []


def watches_labels(discovery: Plain) -> bool:
    """Tell whether containers may ask to be watched, by what a file says of that, if it says anything."""
    said = discovery if isinstance(discovery, dict) else {}
    return said.get("label", "by default") is not None or said.get("autoheal_labels") is True


def _means_labels(discovery: Plain) -> bool:
    """Tell whether a file says itself that containers may ask to be watched: by default they may, but nobody has meant it."""
    return isinstance(discovery, dict) and watches_labels(discovery)
