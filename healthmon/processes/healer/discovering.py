"""The part of the healer that makes services of containers which ask for it by their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthmon import applied, clock
from healthmon.errors import HealthmonError
from healthmon.heal.labels import labelled
from healthmon.processes import configuring

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from healthmon.config import Config
    from healthmon.heal.matching import Match
    from healthmon.log import Log
    from healthmon.model.target import Target
    from healthmon.paths import Paths

AUTHOR = "container labels"
MISSED_FOR_S = 300.0  # a container that is created anew is away for a moment, and stays the same service


class Discovering:
    """Puts them beside the services of the file; all processes follow that as they follow a reload."""

    def __init__(self, paths: Paths, log: Log) -> None:
        self._paths = paths
        self._log = log
        self._missed_s: dict[str, float] = {}  # by service, since when its container is not there
        self._said = ""
        self._has_none = False  # neither asks nor is any there: what costs nothing to know

    def follow(self, config: Config) -> None:
        self._settings = config.discovery

    def look(self, seen: Collection[Target], found: Mapping[str, Match]) -> None:
        """Make what is seen the services that stand in no file. What cannot be done now is said once, and tried again."""
        try:
            self._look(seen, found)
        except HealthmonError as error:
            if str(error) != self._said:
                self._said = str(error)
                self._log.warning("labels_not_followed", error=self._said)

    def _look(self, seen: Collection[Target], found: Mapping[str, Match]) -> None:
        if self._has_none and not labelled(seen, self._settings, watched=(), taken=()):
            return
        present = applied.read(self._paths)
        if present is None:
            return
        self._has_none = not present.discovered
        known = {str(one["name"]): dict(one) for one in present.discovered if isinstance(one, dict)}
        of_file = {name: match.target for name, match in found.items() if name not in known}
        watched = {target.incarnation.target_id for target in of_file.values() if target is not None}
        services = labelled(seen, self._settings, watched=watched, taken=of_file.keys())
        services += self._still_missed(known, {one["name"] for one in services}, {target.name for target in seen})
        services.sort(key=lambda one: str(one["name"]))
        if services != list(known.values()):
            self._has_none = False
            configuring.discover(self._paths, services, author=AUTHOR)
            self._said = ""
            self._log.change("labels_followed", services=", ".join(str(one["name"]) for one in services))

    def _still_missed(self, known: Mapping[str, dict[str, Any]], asking: Collection[str], there: Collection[str]) -> list[dict[str, Any]]:
        """Return what keeps its place although its container is gone: not what is there and asks no more."""
        now = clock.monotonic()
        missed = {name for name in known if name not in asking and name not in there}
        self._missed_s = {name: self._missed_s.get(name, now) for name in missed}
        return [known[name] for name in missed if now - self._missed_s[name] < MISSED_FOR_S]
