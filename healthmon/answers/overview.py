"""What does the first page rest on? How all services are, what is told and done about it, and the last day of those shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.answers import live
from healthmon.answers.live import Known
from healthmon.store import alerts, channel_states, conversations, heals, history, incidents, percentiles, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.config import Config
    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.delivery import ChannelState
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.history import Point
    from healthmon.store.targets import TargetReport

DAY = timedelta(hours=24)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How everything is now. Conversations are by service, heals by incident, oldest first; alerts are those that fire."""

    report: LiveReport
    targets: Mapping[int, TargetReport]
    alerts: tuple[Alert, ...]
    conversations: Mapping[int, Conversation]
    heals: Mapping[int, tuple[Heal, ...]]
    failing_channels: tuple[ChannelState, ...]
    week: tuple[Heal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A stretch of time of one service. The last hour is as far as it has come."""

    since: datetime
    until: datetime
    hours: tuple[Point, ...]
    percentiles_us: tuple[float, float] | None  # median and 95th, as they were counted last; None before
    incidents: tuple[Incident, ...]


def read(connection: Connection, config: Config, known: Known | None = None) -> Standing:
    """Return how everything is now."""
    known = known or Known()
    report = live.read(connection, config, known)
    return Standing(
        report=report,
        targets=targets.load(connection, known.targets),
        alerts=tuple(alerts.firing(connection)),
        conversations={one.service_id: one for one in conversations.open_conversations(connection)},
        heals={one.incident_id: tuple(heals.of_incident(connection, one.incident_id)) for one in report.incidents.values()},
        failing_channels=tuple(one for one in channel_states.load(connection).values() if one.failing_since is not None),
        week=tuple(heals.since(connection, report.at - WEEK)),
    )


def read_past(connection: Connection, service_ids: Iterable[int], *, until: datetime, span: timedelta = DAY) -> dict[int, Past]:
    """Return the past of some services."""
    since = until - span
    outages: dict[int, list[Incident]] = {}
    counted = percentiles.load(connection)
    for incident in incidents.touching(connection, since):
        outages.setdefault(incident.service_id, []).append(incident)
    return {
        sid: Past(
            since=since, until=until, hours=tuple(hours), percentiles_us=counted.get(sid), incidents=tuple(outages.get(sid, ()))
        )
        for sid, hours in history.hourly_of(connection, service_ids, since, until).items()
    }

