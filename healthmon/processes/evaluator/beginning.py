"""The part of the evaluator that has a conversation begun about what is to be told, and each know all that holds of its service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.alert import HEALING_QUARANTINED, AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.alerts.rule import Rule
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.processes.evaluator.relating import Causes
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.talks import Talks
    from healthmon.store.connection import Connection


def begin(connection: Connection, talks: Talks, scene: Scene, alerting: Alerting) -> set[int]:
    """Have every service spoken of of which something holds now; return those that are new."""
    before = set(talks.open)
    for sid, rule, firing in alerting.live():
        if sid in talks.open or not _is_told_already(talks, sid, rule, scene):
            talks.take_in(connection, sid, firing.severity, scene.now, alert=(firing.rule, firing.alert_id), started_at=firing.started_at)
    for sid, incident in scene.incidents.items():
        if incident.quarantined_at is not None:
            talks.take_in(connection, sid, AlertSeverity.CRITICAL, scene.now, alert=(HEALING_QUARANTINED, 0), started_at=incident.started_at)
    return talks.open.keys() - before


def untold_roots(talks: Talks, scene: Scene, found: Causes) -> Iterable[tuple[int, AlertSeverity]]:
    """Yield what an untold one is ill because of, with its severity, where no rule has fired for that yet: it is told first."""
    for one in list(talks.open.values()):
        root = found.roots.get(one.service_id)
        if isinstance(root, int) and root not in talks.open and root in scene.incidents and one.announced_at is None:
            yield root, one.severity


def _is_told_already(talks: Talks, sid: int, rule: Rule, scene: Scene) -> bool:
    """Tell whether a rule only looks back at an outage that is over, and that people were told of."""
    told_at = talks.told_at(sid)
    return told_at is not None and sid not in scene.incidents and scene.now - told_at < rule.lag
