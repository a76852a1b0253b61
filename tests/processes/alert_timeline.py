"""Looks at two services every half a minute, and what people are told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.store import operator_actions, outbox
from tests.processes.evaluator_world import BAD, GOOD, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from healthmon.model.notification import Notification

WEBHOOK = {"webhook_notifications": {"enabled": True, "url": "http://127.0.0.1:1/"}}
DOWN = {"name": "down", "condition": "unhealthy", "severity": "critical"}
SLOW = {"name": "slow", "condition": "response_time > 1", "severity": "warning"}
AT_ONCE = {"wait_seconds": 0, "interval_seconds": 0, "repeat_seconds": 0}


class Timeline(World):
    """Looks at both services every 30 s, and reads what was queued for people."""

    def pass_minutes(
        self,
        minutes: float,
        *,
        doc_store: CheckReason = GOOD,
        frontend: CheckReason = GOOD,
        spare: CheckReason | None = None,  # there is a third service only where a test adds it
        response_time_s: float = 0.01,
    ) -> None:
        others = [(frontend, 2), *([(spare, 3)] if spare else [])]
        for _ in range(round(minutes * 2)):
            for _ in range(2):
                self.now += timedelta(seconds=14)
                self.step()
            self.look(doc_store, response_time_s=response_time_s)
            for reason, service_id in ((doc_store, 1), *others):
                if reason is BAD:
                    self.look(BAD, CheckKind.RECHECK, service_id=service_id)
                    self.look(BAD, CheckKind.RECHECK, service_id=service_id)
            for reason, service_id in others:
                self.look(reason, service_id=service_id)
            self.step()

    def messages(self) -> list[Notification]:
        rows = self.connection.rows("SELECT notification_id FROM notifications ORDER BY notification_id")
        return [outbox.notification(self.connection, int(str(row[0]))) for row in rows]

    def said(self) -> list[tuple[str, str]]:
        """Return the kind of each message, and the services in it."""
        return [(one.kind.value, " ".join(affected.service for affected in one.affected)) for one in self.messages()]

    def alerts(self, status: str) -> list[str]:
        rows = self.connection.rows("SELECT service_name || ' ' || alert_type FROM alerts WHERE status = ? ORDER BY 1", status)
        return [str(row[0]) for row in rows]


def timelines(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Timeline]]:
    """The body of a fixture: it makes timelines of rules and settings."""
    made: list[Timeline] = []

    def make(*rules: dict[str, Any], grouping: dict[str, Any] | None = None, alerting: dict[str, Any] | None = None, **settings: Any) -> Timeline:
        told = WEBHOOK | (alerting or {}) | ({} if grouping is None else {"grouping": grouping})
        everything = {"alert_rules": list(rules), "alerting": told, "max_consecutive_failures": 1_000} | settings
        timeline = Timeline(path, settings=everything, enabled=False)
        timeline.set_clocks(monkeypatch)
        clocks = {"interval_seconds": 30.0, "timeout_seconds": 10.0, "retry_interval_seconds": 2.0}
        services = tuple(service.model_copy(update=clocks) for service in timeline.config.services)
        timeline.config = timeline.config.model_copy(update={"services": services})
        timeline.evaluator = timeline.a_new_evaluator()
        made.append(timeline)
        return timeline

    yield make
    for timeline in made:
        timeline.connection.close()


def tell(timeline: World, kind: OperatorActionKind, **changes: Any) -> str | None:
    """Have a person say something, and return what came of it."""
    action = OperatorAction(kind=kind, made_at=timeline.now, author="ada", reason="seen", **changes)
    action_id = operator_actions.add(timeline.connection, action)
    timeline.step()
    return operator_actions.outcome(timeline.connection, action_id)
