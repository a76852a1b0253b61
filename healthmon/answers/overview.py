"""What does the first page rest on? How all services are, what is told and done about it, and the last day of those shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.answers import live
from healthmon.answers.live import Known
from healthmon.history.rollups import DAY
from healthmon.model.delivery import DeliveryState
from healthmon.status.uptime import HOUR
from healthmon.store import (
    alerts,
    channel_states,
    container_usage,
    conversations,
    deliveries,
    heals,
    history,
    incidents,
    percentiles,
    silences,
    targets,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.config import Config
    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.delivery import ChannelState, Delivery
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.silence import Silence
    from healthmon.model.usage import Usage
    from healthmon.status.uptime import Booked
    from healthmon.store.connection import Connection
    from healthmon.store.history import Point
    from healthmon.store.rollups import Rollup
    from healthmon.store.targets import TargetReport

WEEK = timedelta(days=7)
USAGE_HOLDS = timedelta(seconds=100)  # the healer looks every 30 s: what is older says nothing of now
MESSAGES = 200  # the newest, of what people were told of what is open
BY_HOUR_UP_TO = timedelta(hours=48)  # on a page of a hundred services


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
    deliveries: Mapping[int, Mapping[str, Delivery]] = field(default_factory=dict)  # the newest to each channel, by conversation
    silences: tuple[Silence, ...] = ()
    usages: Mapping[int, Usage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A stretch of time of one service, in points of the length `step`. The last one is as far as it has come."""

    since: datetime
    until: datetime
    step: timedelta
    points: tuple[Point, ...]
    percentiles_us: tuple[float, float] | None  # median and 95th; None where none are counted yet
    booked: Booked | None  # None of the last 24 hours: then the uptime is that which is told everywhere
    incidents: tuple[Incident, ...]


def read(connection: Connection, config: Config, known: Known | None = None) -> Standing:
    """Return how everything is now."""
    known = known or Known()
    report = live.read(connection, config, known)
    spoken = conversations.open_conversations(connection)
    return Standing(
        report=report,
        targets=targets.load(connection, known.targets),
        alerts=tuple(alerts.firing(connection)),
        conversations={one.service_id: one for one in spoken},
        heals={one.incident_id: tuple(heals.of_incident(connection, one.incident_id)) for one in report.incidents.values()},
        failing_channels=tuple(one for one in channel_states.load(connection).values() if one.failing_since is not None),
        week=tuple(heals.since(connection, report.at - WEEK)),
        deliveries=_deliveries(connection, spoken),
        silences=tuple(silences.not_over(connection, now=report.at)),
        usages=container_usage.load(connection, since=report.at - USAGE_HOLDS),
    )


def _deliveries(connection: Connection, spoken: Iterable[Conversation]) -> dict[int, dict[str, Delivery]]:
    """Return what became of the last message of each conversation, channel by channel."""
    announced = [one.announced_at for one in spoken if one.announced_at is not None]
    found: dict[int, dict[str, Delivery]] = {}
    if announced:
        for one in deliveries.created_since(connection, min(announced), limit=MESSAGES):
            if one.delivery.state is not DeliveryState.SUPERSEDED:
                for affected in one.notification.affected:
                    found.setdefault(affected.conversation_id, {}).setdefault(one.delivery.channel, one.delivery)
    return found


def read_past(
    connection: Connection, service_ids: Iterable[int], *, since: datetime, until: datetime, is_usual: bool = True
) -> dict[int, Past]:
    """Return the past of some services, by the hour, or of a longer time by the day; it `is_usual` when it is the last 24 hours."""
    shown = tuple(service_ids)
    outages: dict[int, list[Incident]] = {}
    for incident in incidents.touching(connection, since):
        if incident.started_at < until:
            outages.setdefault(incident.service_id, []).append(incident)
    counted = percentiles.load(connection) if is_usual else {}
    whole = {} if is_usual else history.between(connection, shown, since, until)
    step = step_of(since, until)
    return {
        sid: Past(
            since=since,
            until=until,
            step=step,
            points=tuple(points),
            percentiles_us=_percentiles(whole[sid]) if sid in whole else counted.get(sid),
            booked=whole[sid].time if sid in whole else None,
            incidents=tuple(outages.get(sid, ())),
        )
        for sid, points in _points(connection, shown, since, until, step).items()
    }


def step_of(since: datetime, until: datetime) -> timedelta:
    """Return how long the points of the past of many services are."""
    return HOUR if until - since <= BY_HOUR_UP_TO else DAY


def _points(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime, step: timedelta) -> dict[int, list[Point]]:
    if step < DAY:
        return history.hourly_of(connection, service_ids, since, until)
    return history.daily_of(connection, service_ids, since, until)


def _percentiles(whole: Rollup) -> tuple[float, float] | None:
    median, high = whole.checks.percentile_us(50), whole.checks.percentile_us(95)
    return None if median is None or high is None else (median, high)
