"""What has changed, for everybody who looks on? One look for all viewers, and none while there is nobody.

Of each thing (a service, an incident, …) only the newest word is kept, under the number of the change that brought it. Who was
away asks for all above the last number that it saw: nothing is lost however long it was gone, and who is slow gets less.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.answers import alerts, heals, incidents, operator_actions
from healthmon.answers.report import as_text, read_report
from healthmon.errors import HealthmonError
from healthmon.store.checks import commits_elsewhere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from healthmon.config import Config
    from healthmon.store.connection import Connection
    from healthmon.web.reader import Reader

LOOK_EVERY_S = 0.25  # whether anybody wrote: 20 µs
REST = 9.0  # of the time at least nine parts are rest, however long a look takes
BEAT_EVERY_S = 5.0  # what changes by the mere passing of time is seen as late as this
FOLLOWED = 50  # the newest alerts, incidents, heals and acts of people; with all alerts and incidents that last


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest word on one thing. `kind` is `service`, `summary`, `incident`, `alert`, `heal` or `operator_action`."""

    number: int
    kind: str
    text: str  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a viewer is told at once. `newest_check` is when the newest check was made: how old the page's data is."""

    number: int
    changes: tuple[Change, ...]
    newest_check: str | None
    trouble: str  # why nothing can be read now; empty while it can


@dataclass(slots=True, kw_only=True)
class Seen:
    """One look: the things by their keys, `service/doc_store` or `alert/17`, as JSON."""

    things: dict[str, str] = field(default_factory=dict)
    newest_check: str | None = None


class Hub:
    """Belongs to the event loop of the server. `life` tells the numbers of this process from those of an earlier one."""

    def __init__(self, config: Config, reader: Reader) -> None:
        self._config = config
        self._reader = reader
        self.life = f"{clock.now():%Y%m%d%H%M%S%f}"[:17]
        self.number = 0
        self.viewers = 0
        self._changes: dict[str, Change] = {}  # the last to change is last
        self._since: tuple[int, int, tuple[Change, ...]] = (0, 0, ())
        self._newest_check: str | None = None
        self._trouble = ""
        self._commits = -1
        self._looked_at_s = float("-inf")
        self._looking = asyncio.Lock()
        self._news = asyncio.Event()  # set once, and replaced then
        self._ticker: asyncio.Task[None] | None = None
        self._has_ended = False

    async def follow(self, last: int) -> AsyncIterator[News]:
        """Yield what changed since the change `last`, then whatever changes, and every few seconds that nothing did."""
        self.viewers += 1
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick())
        try:
            await self.look()
            while not self._has_ended:
                news, found, last = self._news, self._shared_since(last), self.number
                yield News(number=last, changes=found, newest_check=self._newest_check, trouble=self._trouble)
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), BEAT_EVERY_S)
        finally:
            self.viewers -= 1
            if self.viewers == 0 and self._ticker is not None:
                self._ticker.cancel()
                self._ticker = None

    def end(self) -> None:
        """Let all viewers go: they would never end by themselves."""
        self._has_ended = True
        self._news.set()

    def changes_since(self, number: int) -> tuple[Change, ...]:
        """Return the newest word on each thing that changed after the change `number`, in the order of the changes."""
        found = []
        for change in reversed(self._changes.values()):
            if change.number <= number:
                break
            found.append(change)
        return tuple(reversed(found))

    def _shared_since(self, number: int) -> tuple[Change, ...]:
        """Return the same: one tuple for all viewers who saw as much, so that it is written for the network once, too."""
        if self._since[:2] != (number, self.number):
            self._since = number, self.number, self.changes_since(number)
        return self._since[2]

    async def commits(self) -> int:
        """Return a number that is another one when somebody wrote since."""
        return await self._reader.ask(commits_elsewhere)

    async def look(self) -> int:
        """Take in what was written since the last look; return the number of the newest change."""
        async with self._looking:
            now_s = clock.monotonic()
            try:
                commits = await self._reader.ask(commits_elsewhere)
                if commits != self._commits or now_s - self._looked_at_s >= BEAT_EVERY_S:
                    self._take(await self._reader.ask(self._see))
                    self._commits, self._looked_at_s = commits, now_s
                self._trouble = ""
            except HealthmonError as error:
                self._trouble = str(error)
        return self.number

    async def _tick(self) -> None:
        while True:
            before, began_s = (self.number, self._trouble), clock.monotonic()
            await self.look()
            if (self.number, self._trouble) != before:
                self._news.set()
                self._news = asyncio.Event()
            await asyncio.sleep(max(LOOK_EVERY_S, REST * (clock.monotonic() - began_s)))

    def _take(self, seen: Seen) -> None:
        for key, text in seen.things.items():
            known = self._changes.get(key)
            if known is None or known.text != text:
                self.number += 1
                self._changes.pop(key, None)
                self._changes[key] = Change(number=self.number, kind=key.partition("/")[0], text=text)
        for key in self._changes.keys() - seen.things.keys():
            del self._changes[key]  # too old to be followed; who is away longer than that reads it anew
        self._newest_check = seen.newest_check

    def _see(self, connection: Connection) -> Seen:
        """Runs in a thread of the reader's."""
        report = read_report(connection, self._config, self._reader.known)
        services = report["services"]
        seen = Seen(newest_check=max((one["last_updated"] for one in services if one["last_updated"]), default=None))
        for service in services:
            name = service["service_name"]
            seen.things[f"service/{name}"] = as_text(service, self._reader.known)
        seen.things["summary"] = _json({"overall_health": report["overall_health"], **report["summary"]})
        for incident in incidents.read_followed(connection, newest=FOLLOWED, also=self._lasting("incident")):
            seen.things[f"incident/{incident['incident_id']}"] = _json(incident)
        for alert in alerts.read_followed(connection, newest=FOLLOWED, also=self._lasting("alert")):
            seen.things[f"alert/{alert['alert_id']}"] = _json(alert)
        for heal in heals.read_page(connection, before=None, limit=FOLLOWED, service_id=None, incident_id=None):
            seen.things[f"heal/{heal['heal_id']}"] = _json(heal)
        for act in operator_actions.read_newest(connection, limit=FOLLOWED):
            seen.things[f"operator_action/{act['action_id']}"] = _json(act)
        return seen

    def _lasting(self, kind: str) -> list[int]:
        """Return the ids of what was not over at the last look: its end is to be told, however old it is."""
        return [int(key.partition("/")[2]) for key, one in list(self._changes.items()) if one.kind == kind and '"resolved_at": null' in one.text]


def _json(thing: Mapping[str, object]) -> str:
    return json.dumps(thing, ensure_ascii=False)
