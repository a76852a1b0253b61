"""The part of the evaluator that does what people want of healing: hold a service back, release it, restart it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal import requested
from healthmon.model.heal import Heal, HealState
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.model.quarantine import Rearm
from healthmon.processes.evaluator.moment import read_moment
from healthmon.store import heals, storms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.heal.situation import Situation
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.holding import Holding
    from healthmon.processes.evaluator.judging import Judging
    from healthmon.processes.evaluator.quarantining import Quarantining
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.situations import Situations
    from healthmon.store.connection import Connection

KINDS = frozenset({OperatorActionKind.HOLD, OperatorActionKind.RELEASE, OperatorActionKind.HEAL_NOW})
DROPPED_BY_HOLD = "a person holds it back"


class Requesting:
    """Acts in the transaction that settles the person's act: what it answers is what is so."""

    def __init__(
        self,
        services: Iterable[Service],
        situations: Situations,
        holding: Holding,
        judging: Judging,
        quarantining: Quarantining,
    ) -> None:
        self._ids = {service.name: service.service_id for service in services}
        self._situations = situations
        self._holding = holding
        self._judging = judging
        self._quarantining = quarantining
        self._has_news = False

    def do(self, connection: Connection, action: OperatorAction, scene: Scene) -> str:
        """Do it; return what came of it."""
        now = scene.now
        sid = self._ids.get(action.service or "")
        if sid is None:
            return f"refused: {action.service} is not watched by the agent"
        self._has_news = True
        if action.kind is OperatorActionKind.HOLD:
            return self._hold(connection, sid, action, now)
        if action.kind is OperatorActionKind.RELEASE:
            ended = self._holding.end(connection, sid, now)
            rearmed = self._quarantining.rearm(connection, action.service or "", sid, Rearm.RELEASED, now)
            free = f"{action.service} is released: it may be restarted again"
            return free if ended or rearmed else f"refused: nobody holds {action.service}, and healing has not given up on it"
        return self._heal_now(connection, sid, action, scene)

    def acknowledged(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        """Let healing try again what a person has taken note of; return what to add to the answer."""
        sid = self._ids.get(action.service or "")
        if sid is None or not self._quarantining.has_given_up(sid):
            return ""
        if not self._quarantining.rearm(connection, action.service or "", sid, Rearm.ACKNOWLEDGED, now):
            return ""
        self._has_news = True
        return "; healing had given up on it, and tries again"

    def take_news(self) -> bool:
        """Return, once, whether something was done that decisions follow from."""
        had, self._has_news = self._has_news, False
        return had

    def _hold(self, connection: Connection, sid: int, action: OperatorAction, now: datetime) -> str:
        if action.until is None or action.until <= now:
            return "refused: its end is past"
        self._holding.begin(connection, sid, action, action.until, now)
        said = f"{action.service} is not restarted until {clock.to_people(action.until)}"
        for heal in [heal for heal in heals.open_heals(connection) if heal.service_id == sid]:
            if heal.state is HealState.PLANNED:
                heals.close(connection, heal, HealState.DROPPED, at=now, detail=DROPPED_BY_HOLD)
                said += "; a restart was planned, and is not made"
            elif heal.state is HealState.ISSUED:
                said += "; but a restart is under way already, and cannot be called back"
        return said

    def _heal_now(self, connection: Connection, sid: int, action: OperatorAction, scene: Scene) -> str:
        open_heals = {heal.service_id: heal for heal in heals.open_heals(connection)}
        moment = read_moment(connection, scene.states, {sid, *scene.incidents}, open_heals, scene.now)
        storm = storms.open_one(connection)
        if storm is not None:
            self._situations.meet(storm, connection, scene.incidents, moment)
        situation = self._situations.of(connection, sid, scene.incidents.get(sid), moment)
        refused = requested.refusal(situation, force=action.force)
        if refused is not None:
            return f"refused: {refused}"
        heal = _heal(situation, action)
        heal_id = heals.add(connection, heal)
        self._judging.load(connection)
        if heal.state is HealState.WOULD_RESTART:
            return f"dry run: {heal.target_name} would be {heal.action.value}ed, and is not"
        return f"{heal.target_name} is {heal.action.value}ed now: follow it with `healthmon heal history {action.service}` (heal {heal_id})"


def _heal(situation: Situation, action: OperatorAction) -> Heal:
    """Return the row of the ledger. It is no attempt of the policy's, so its number says nothing."""
    target, dry_run = situation.target, situation.settings.dry_run
    if target is None:
        raise ValueError("a restart without a target was not refused")
    return Heal(
        heal_id=0,
        service_id=situation.state.service_id,
        incident_id=None if situation.incident is None else situation.incident.incident_id,
        attempt=1,
        action=requested.action(situation),
        state=HealState.WOULD_RESTART if dry_run else HealState.PLANNED,
        incarnation=target.incarnation,
        target_name=target.name,
        stop_timeout_s=target.stop_timeout_s,
        planned_at=situation.now,
        issued_at=situation.now if dry_run else None,
        closed_at=situation.now if dry_run else None,
        detail="asked for by a person",
        asked_by=action.author,
        why=action.reason,
        forced=action.force,
    )
