"""The part of the evaluator that says loudly what healing has given up on, and notices what lets it try again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealReason, HealVerdict
from healthmon.heal.rearming import WORDS, rearmed, way_out
from healthmon.heal.words import in_words
from healthmon.model.alert import HEALING_QUARANTINED, Alert, AlertSeverity
from healthmon.model.quarantine import Quarantine, Rearm
from healthmon.store import quarantines

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.decision import HealDecision
    from healthmon.heal.situation import Situation
    from healthmon.log import Log
    from healthmon.processes.evaluator.outages import Outages
    from healthmon.store.connection import Connection


class Quarantining:
    """Writes what follows from decisions; which those are is the policy's."""

    def __init__(self, outages: Outages, log: Log) -> None:
        self._outages = outages
        self._log = log

    def follow(self, connection: Connection, service: str, situation: Situation, decision: HealDecision) -> bool:
        """Take in a decision about a service; return whether it is rearmed now, and has to be decided about anew."""
        held = situation.quarantine
        if decision.verdict is not HealVerdict.QUARANTINE:
            if held is not None and held.rearmed_by is None and decision.reason is HealReason.DEPENDENCY_UNHEALTHY:
                quarantines.await_dependency(connection, held.service_id)
            return False
        if held is None or held.rearmed_by is not None:
            self._begin(connection, situation)
        elif self._is_rearmed(connection, service, situation, held):
            return True
        if not situation.settings.dry_run:
            self._tell(connection, service, situation, decision)
        return False

    def has_given_up(self, sid: int) -> bool:
        """Whether an outage of a service lasts in which healing has given up."""
        incident = self._outages.open.get(sid)
        return incident is not None and incident.quarantined_at is not None

    def rearm(self, connection: Connection, service: str, sid: int, why: Rearm, now: datetime) -> bool:
        """Let healing try again; return whether it had given up on the service."""
        if not quarantines.rearm(connection, sid, why, at=now):
            return False
        self._outages.end_quarantine(connection, sid, now)
        self._log.change("heal_rearmed", service=service, reason=why.value, detail=WORDS[why])
        return True

    def _begin(self, connection: Connection, situation: Situation) -> None:
        target = situation.target
        held = Quarantine(
            service_id=situation.state.service_id,
            since=situation.now,
            last_heal_id=0,
            incarnation=None if target is None else target.incarnation,
            image_id="" if target is None else target.image_id,
            config_hash="" if target is None else target.config_hash,
        )
        quarantines.begin(connection, held)

    def _is_rearmed(self, connection: Connection, service: str, situation: Situation, held: Quarantine) -> bool:
        settles = timedelta(seconds=situation.settings.engine_settle_seconds)
        why = rearmed(held, situation.target, situation.engine_returned_at, settles)
        return why is not None and self.rearm(connection, service, held.service_id, why, situation.now)

    def _tell(self, connection: Connection, service: str, situation: Situation, decision: HealDecision) -> None:
        """Say it once an incident, loudly."""
        alert = Alert(
            service_id=situation.state.service_id,
            alert_type=HEALING_QUARANTINED,
            severity=AlertSeverity.CRITICAL,
            message=f"{service}: healing {in_words(decision, dry_run=False)}; {way_out(service)}",
            triggered_at=situation.now,
        )
        if self._outages.quarantine(connection, situation.state.service_id, alert):
            self._log.error("ALERT", type=HEALING_QUARANTINED, severity=alert.severity.value, message=alert.message)
