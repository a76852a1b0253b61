"""Brings the outbox to its receivers: each channel in its own order and at its own pace.

Written down after it was sent: a message may come twice after a crash, with the same key and a word about it, but it
is never lost.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon import clock, redaction
from healthmon.alerts.maintenance import windows
from healthmon.errors import HealthmonError
from healthmon.log import Log
from healthmon.model.notification import NotificationKind
from healthmon.notify import channels, message, retry
from healthmon.notify.alertmanager_pace import Pace
from healthmon.processes.notifier.alertmanager_lane import AlertmanagerLane
from healthmon.processes.notifier.lane import POLL_S, Lane
from healthmon.processes.notifier.standing import Stock, runbooks
from healthmon.store import channel_states, channel_targets, deliveries, facts, outbox
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.model.notification import Notification
    from healthmon.notify.channels import Alertmanager, Channel
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.connection import Connection

PROGRAM = "notifier"
STOP_PATIENCE_S = 5.0
PACE = Pace()
NOT_CONFIGURED = "the channel is not configured any more"
NOT_REPORTED = (NotificationKind.UNDELIVERED, NotificationKind.TEST)  # the one would never end, the other is watched


def make(config: Config) -> Callable[[Doorbell], Notifier]:
    """Return what makes the notifier once its role is held."""
    return lambda doorbell: Notifier(config, doorbell, open_for_working(config.paths.database), Log(PROGRAM))


class Notifier:
    """One step moves every channel as far as it goes without waiting."""

    def __init__(self, config: Config, doorbell: Doorbell, connection: Connection, log: Log, *, pace: Pace = PACE) -> None:
        self._connection = connection
        self._doorbell = doorbell
        self._log = log
        self._pace = pace
        self._stock = Stock(connection, resolved_for=pace.resolved_for)
        self._lanes: list[Lane | AlertmanagerLane] = []
        self._leaving: list[Lane | AlertmanagerLane] = []  # in the middle of an attempt, of channels that are not as they were
        self._unreached = facts.noted(connection, facts.NOBODY_REACHED) or ""
        self.follow(config)

    def follow(self, config: Config) -> bool:
        """Serve these channels from now on. One that is as it was goes on; what is being sent ends first in any case."""
        for secret in channels.secrets(config.alerting):
            redaction.hide(secret)
        self._channels = channels.enabled(config.alerting)
        managers = channels.alertmanagers(config.alerting)
        self._names = [*(one.name for one in self._channels), *(one.name for one in managers)]
        self._stock.runbooks, self._stock.windows = runbooks(config), windows(config.alerting.maintenance)
        self._digests = channels.digests(config.alerting)
        before, limit = self._lanes, config.alerting.rate_limit_per_10_minutes
        same = {lane.name: lane for lane in before if lane.serves in (*self._channels, *managers) and lane.limit in {limit, None}}
        self._lanes = [same.get(one.name) or self._lane(one, limit) for one in self._channels]
        self._lanes += [same.get(one.name) or self._manager_lane(one) for one in managers]
        self._leaving += [lane for lane in before if lane not in self._lanes]
        self._going_on = [*same.values()]
        self._is_settled = False
        self._settle_when_free()
        return True

    def _lane(self, channel: Channel, limit: int) -> Lane:
        return Lane(channel, self._connection, self._doorbell, self._log, limit=limit, give_up=self._give_up)

    def _manager_lane(self, manager: Alertmanager) -> AlertmanagerLane:
        return AlertmanagerLane(
            manager, self._connection, self._doorbell, self._log, stock=self._stock, pace=self._pace, give_up=self._give_up
        )

    def step(self) -> float:
        """Move every channel on; return the seconds until there may be more to do."""
        for lane in self._leaving:
            lane.finish()
        self._leaving = [lane for lane in self._leaving if lane.is_busy]
        self._settle_when_free()
        lanes = self._lanes if self._is_settled else self._going_on  # until then, a name may be another's
        wait_s = min([lane.step() for lane in lanes], default=POLL_S)
        self._look_whether_anybody_is_reached()
        return min(wait_s, POLL_S)

    def is_busy(self) -> bool:
        return any(lane.is_busy for lane in (*self._lanes, *self._leaving))

    def close(self) -> None:
        """Give what is under way a little time to end well."""
        with suppress(HealthmonError):  # what cannot be written down now is sent again, and marked as a possible repeat
            self._finish(clock.monotonic() + STOP_PATIENCE_S)
        self._connection.close()

    def _finish(self, until_s: float) -> None:
        lanes = [*self._lanes, *self._leaving]
        while (busy := [lane for lane in lanes if lane.is_busy]) and clock.monotonic() < until_s:
            for lane in busy:
                lane.finish()
            if any(lane.is_busy for lane in busy):
                self._doorbell.wait(until_s - clock.monotonic())
        for lane in lanes:
            lane.stop()

    def _settle_when_free(self) -> None:
        """Give what waits to whom it belongs by now, and give up on what is for nobody, once nothing is being sent any more."""
        if self._is_settled or self._leaving:
            return
        channel_targets.sync(self._connection, self._digests)
        self._park_strays()
        self._is_settled = True

    def _park_strays(self) -> None:
        """Give up on what waits for a channel that is not configured any more; what nobody else was told, is told on another."""
        now = clock.now()
        strays = deliveries.channels_that_wait(self._connection) - {channel.name for channel in self._channels}
        for name in sorted(strays):
            with self._connection.transaction(durable=True):
                for one in deliveries.queued(self._connection, name):
                    deliveries.park(self._connection, one.delivery.delivery_id, error=NOT_CONFIGURED, now=now)
                    if deliveries.is_not_lost(self._connection, one.delivery.notification_id):
                        self._log.change("message_parked", channel=name, message=one.delivery.notification_id, detail=NOT_CONFIGURED)
                    else:
                        self._give_up(name, one.notification, NOT_CONFIGURED, now)

    def _give_up(self, name: str, parked: Notification, why: str, now: datetime) -> None:
        """Tell of what is not delivered: in the log, and once, until its channel works again, on another as soon as one works."""
        told = message.render(parked, now=now).title
        self._log.error("ALERT", type="undelivered", channel=name, message=f"{name} did not deliver {told!r}: {why}")
        if parked.kind in NOT_REPORTED or not parked.affected:
            return
        number = parked.notification_id or outbox.enqueue(self._connection, parked, (), lifetime=retry.LIFETIME)
        channel_states.unreported(self._connection, name, number, why=why)
        self._report(now)

    def _report(self, now: datetime) -> None:
        """Tell of what was given up, on a channel that works: another, or that one itself when it works again. In a transaction."""
        states = channel_states.load(self._connection)
        working = [one.name for one in self._channels if one.name not in states or states[one.name].failing_since is None]
        for state in states.values():
            where = [name for name in working if name != state.channel] or working
            if state.unreported_id is None or not where:
                continue
            parked = outbox.notification(self._connection, state.unreported_id)
            report = message.undelivered(parked, channel=state.channel, why=state.unreported_why or "", now=now)
            outbox.enqueue(self._connection, report, where[:1], lifetime=retry.LIFETIME)
            channel_states.reported(self._connection, state.channel, now=now)
            self._doorbell.ring_self()

    def _look_whether_anybody_is_reached(self) -> None:
        states = channel_states.load(self._connection)
        if any(state.unreported_id is not None for state in states.values()):
            with self._connection.transaction(durable=True):
                self._report(clock.now())
        why = retry.nobody_reached(self._names, states, now=clock.now())
        if bool(why) == bool(self._unreached):
            return
        self._unreached = why
        with self._connection.transaction(durable=True):
            facts.note(self._connection, facts.NOBODY_REACHED, why)
        if why:
            self._log.error("ALERT", type="nobody_reached", message=f"nobody can be told: every channel fails ({why})")
        else:
            self._log.change("somebody_reached")
