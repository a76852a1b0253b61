"""One channel's way through its queue: one attempt at a time, written down before and after."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.model.delivery import SendStatus
from healthmon.notify import backlog, retry
from healthmon.notify.backlog import Turn
from healthmon.notify.envelope import enclose
from healthmon.processes.notifier import sending
from healthmon.processes.notifier.attempt import DEADLINE_S, Attempt
from healthmon.store import channel_states, clock_steps, deliveries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from healthmon.log import Log
    from healthmon.model.delivery import Queued, SendResult
    from healthmon.model.notification import Notification
    from healthmon.notify.channels import Channel
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.connection import Connection

    GiveUp = Callable[[str, Notification, str, datetime], None]

POLL_S = 5.0
MAX_TURNS = 10  # two put any queue in order; a bug must not hold the database's lock


class Lane:
    """The queue of one channel. `give_up` is called, in the transaction, for each delivery that is parked."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        channel: Channel,
        connection: Connection,
        doorbell: Doorbell,
        log: Log,
        *,
        limit: int,
        give_up: GiveUp,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.channel = channel
        self._connection = connection
        self._log = log
        self.limit = limit
        self._give_up = give_up
        self._attempt: Attempt[Queued] = Attempt(doorbell, name=channel.name, sent="notifier.sent", deadline_s=deadline_s)
        self._look_at_s = 0.0

    @property
    def name(self) -> str:
        return self.channel.name

    @property
    def serves(self) -> Channel:
        return self.channel

    @property
    def is_busy(self) -> bool:
        return self._attempt.is_busy

    def step(self) -> float:
        """End what is over and begin what is due; return the seconds until there may be more to do."""
        self.finish()
        if not self.is_busy and clock.monotonic() >= self._look_at_s:
            self._begin_next()
        left_s = self._attempt.left_s()
        return left_s if left_s is not None else max(0.0, min(POLL_S, self._look_at_s - clock.monotonic()) if self._look_at_s else POLL_S)

    def finish(self) -> None:
        """Write down what came of the attempt under way when it is over, or has taken too long."""
        self._attempt.settle(self._book)

    def stop(self) -> None:
        """End what is under way: whether it arrived nobody knows, and the next attempt says so."""
        self._attempt.end()
        self.finish()

    def _begin_next(self) -> None:
        now, boottime_s = clock.now(), clock.boottime()
        self._look_at_s = 0.0
        if not deliveries.waits(self._connection, self.channel.name):
            return
        with self._connection.transaction(durable=True):
            may_expire = clock_steps.is_followed(self._connection, clock.boot_id(), now.timestamp() - boottime_s)
            queued = self._turn(now, may_expire=may_expire)
        if queued is None:
            return
        reach("notifier.begun")
        envelope = enclose(queued.notification, at=now, possible_repeat=queued.delivery.may_have_arrived)
        self._attempt.begin(queued, partial(sending.send, self.channel, envelope))

    def _turn(self, now: datetime, *, may_expire: bool) -> Queued | None:
        """Put the queue in order, and return what to send, whose attempt is written down."""
        name = self.channel.name
        sent_at = deliveries.sent_between(self._connection, name, now - backlog.WINDOW, now, limit=self.limit)
        for _ in range(MAX_TURNS):
            queued = deliveries.queued(self._connection, name)
            decision = backlog.decide(queued, sent_at=sent_at, limit=self.limit, now=now, may_expire=may_expire)
            if decision.turn is Turn.COMBINE:
                deliveries.combine(self._connection, decision.members, decision.messages, now=now)
                self._log.change("messages_combined", channel=name, messages=len(decision.members), into=len(decision.messages))
            elif decision.turn is Turn.EXPIRE:
                self._park({one.delivery_id for one in decision.members}, queued, "its lifetime is over", now)
            else:
                break
        if decision.send is None:
            if decision.until is not None:
                self._look_at_s = clock.monotonic() + (decision.until - now).total_seconds()
            return None
        delivery = decision.send.delivery
        deliveries.begin(self._connection, delivery.delivery_id, next_attempt_at=now + self._pause(delivery.attempts + 1))
        return replace(decision.send, delivery=replace(delivery, attempts=delivery.attempts + 1))

    def _book(self, queued: Queued, result: SendResult) -> None:
        now = clock.now()
        with self._connection.transaction(durable=True):
            self._settle(queued, result, now)
        self._say(queued, result)
        if result.status is SendStatus.SENT:
            reach("notifier.marked")

    def _settle(self, queued: Queued, result: SendResult, now: datetime) -> None:
        number, name, detail = queued.delivery.delivery_id, self.channel.name, result.detail
        if result.status is SendStatus.SENT:
            deliveries.sent(self._connection, number, proof=detail, now=now)
            channel_states.works(self._connection, name, now=now)
            return
        channel_states.fails(self._connection, name, error=detail, now=now)
        next_attempt_at = now + self._pause(queued.delivery.attempts, result.retry_after_s)
        if result.status is SendStatus.REFUSED:
            self._park({number}, [queued], detail, now)
        elif result.status is SendStatus.FAILED:
            deliveries.failed(self._connection, number, error=detail, next_attempt_at=next_attempt_at)
        else:
            deliveries.unanswered(self._connection, number, error=detail, next_attempt_at=next_attempt_at)

    def _park(self, numbers: set[int], queued: list[Queued], why: str, now: datetime) -> None:
        for one in queued:
            if one.delivery.delivery_id in numbers:
                last = one.delivery.last_error
                said = why if last is None or why == last else f"{why}; {last}"
                deliveries.park(self._connection, one.delivery.delivery_id, error=said, now=now)
                self._give_up(self.channel.name, one.notification, said, now)

    def _pause(self, attempts: int, asked_s: float | None = None) -> timedelta:
        return retry.pause(attempts, spread=random.random(), asked_s=asked_s)  # noqa: S311  no secret depends on it

    def _say(self, queued: Queued, result: SendResult) -> None:
        delivery = queued.delivery
        facts: dict[str, str | int] = {"channel": self.channel.name, "message": delivery.notification_id, "attempt": delivery.attempts, "detail": result.detail}
        if result.status is SendStatus.SENT:
            self._log.change("message_sent", **facts, seconds=self._attempt.took_s)
        elif result.status is not SendStatus.REFUSED:
            self._log.warning("message_not_sent", **facts, status=result.status.value)
