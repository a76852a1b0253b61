"""One Alertmanager's way to what stands: all of it, again and again, and at once when there is news.

Nothing is queued, and nothing is remembered over a restart: the next post says all that the lost ones would have.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.delivery import SendStatus
from healthmon.notify import alertmanager_batch
from healthmon.notify.alertmanager_pace import next_s
from healthmon.notify.retry import OUT_OF_REACH_AFTER
from healthmon.processes.notifier import sending
from healthmon.processes.notifier.attempt import DEADLINE_S, Attempt
from healthmon.store import channel_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from healthmon.log import Log
    from healthmon.model.alert import Alert
    from healthmon.model.delivery import SendResult
    from healthmon.model.notification import Notification
    from healthmon.notify.alertmanager_batch import Standing
    from healthmon.notify.alertmanager_pace import Pace
    from healthmon.notify.channels import Alertmanager
    from healthmon.processes.doorbell import Doorbell
    from healthmon.processes.notifier.standing import Stock
    from healthmon.store.connection import Connection

    GiveUp = Callable[[str, Notification, str, datetime], None]


class AlertmanagerLane:
    """Hands over to one Alertmanager. `give_up` is called, in the transaction, when it has failed for long."""

    limit = None  # it is told what stands, however often that changes

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        target: Alertmanager,
        connection: Connection,
        doorbell: Doorbell,
        log: Log,
        *,
        stock: Stock,
        pace: Pace,
        give_up: GiveUp,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.target = target
        self._connection = connection
        self._log = log
        self._stock = stock
        self._pace = pace
        self._give_up = give_up
        self._attempt: Attempt[Standing] = Attempt(doorbell, name=target.name, sent="alertmanager.sent", deadline_s=deadline_s)
        self._posted: frozenset[tuple[int, bool]] = frozenset()  # alert_id, and whether it was over
        self._failures = 0
        self._has_told = False  # that it fails, on another channel
        self._began_at_s = self._due_at_s = clock.monotonic()

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def serves(self) -> Alertmanager:
        return self.target

    @property
    def is_busy(self) -> bool:
        return self._attempt.is_busy

    def step(self) -> float:
        """End what is over and begin what is due; return the seconds until there may be more to do."""
        self.finish()
        if not self.is_busy:
            self._begin_if_due()
        left_s = self._attempt.left_s()
        return left_s if left_s is not None else max(0.0, self._due_at_s - clock.monotonic())

    def finish(self) -> None:
        """Write down what came of the attempt under way when it is over, or has taken too long."""
        self._attempt.settle(self._book)

    def stop(self) -> None:
        """End what is under way. What fires is left to end there by itself, should nobody come back to post it again."""
        self._attempt.end()
        self.finish()

    def _begin_if_due(self) -> None:
        now = clock.now()
        found = self._stock.alerts(now)
        if not self._failures and not _keys(found) <= self._posted:
            self._due_at_s = min(self._due_at_s, self._began_at_s + self._pace.gap_s)
        if clock.monotonic() < self._due_at_s:
            return
        standing = self._stock.standing(found, now)
        entries = alertmanager_batch.batches(standing, lasts=self._pace.lasts)
        send = partial(sending.hand_over, self.target, entries, now=now, max_ahead=self._pace.max_ahead)
        self._attempt.begin(standing, send)
        self._began_at_s = clock.monotonic()

    def _book(self, standing: Standing, result: SendResult) -> None:
        now = clock.now()
        with self._connection.transaction(durable=False):
            if result.status is SendStatus.SENT:
                self._works(standing, now)
            else:
                self._fails(standing, result, now)
        spread = random.random()  # noqa: S311  no secret depends on it
        pause_s = next_s(self._pace, result, failures=self._failures, is_idle=not standing.alerts, spread=spread)
        self._due_at_s = self._began_at_s + pause_s

    def _works(self, standing: Standing, now: datetime) -> None:
        before = channel_states.load(self._connection).get(self.target.name)
        channel_states.works(self._connection, self.target.name, now=now)
        if before is not None and before.failing_since is not None:
            self._log.change("alertmanager_works_again", channel=self.target.name)
        self._failures, self._has_told = 0, False
        keys = _keys(standing.alerts)
        if not keys <= self._posted:
            over = sum(is_over for _, is_over in keys)
            self._log.info("alerts_handed_over", channel=self.target.name, firing=len(keys) - over, resolved=over)
        self._posted = keys

    def _fails(self, standing: Standing, result: SendResult, now: datetime) -> None:
        name = self.target.name
        channel_states.fails(self._connection, name, error=result.detail, now=now)
        state = channel_states.load(self._connection)[name]
        self._failures += 1
        if self._failures == 1:
            self._log.warning("alerts_not_handed_over", channel=name, status=result.status.value, detail=result.detail)
        lost = alertmanager_batch.message(standing)
        lasts_long = state.failing_since is not None and now - state.failing_since >= OUT_OF_REACH_AFTER
        if lasts_long and lost is not None and not self._has_told:
            self._has_told = True
            self._give_up(self.target.name, lost, result.detail, now)


def _keys(alerts: Iterable[Alert]) -> frozenset[tuple[int, bool]]:
    return frozenset((alert.alert_id, alert.resolved_at is not None) for alert in alerts)
