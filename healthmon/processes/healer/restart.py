"""One heal, from planned to returned. Recorded before it is done: a crash can lose a restart, never make two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal import outcome
from healthmon.heal.outcome import Outcome
from healthmon.heal.preflight import DropReason, objection
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import TargetState
from healthmon.store import heals

if TYPE_CHECKING:
    import threading

    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection

LOOK_EVERY_S = 0.5
LOOK_SLOWLY_S = 5.0


class Restart:
    """Carries out one row of the ledger, or finds out what became of it."""

    def __init__(
        self,
        heal: Heal,
        engine: Engine,
        connection: Connection,
        log: Log,
        stopping: threading.Event,
    ) -> None:
        self._heal = heal
        self._engine = engine
        self._connection = connection
        self._log = log
        self._stopping = stopping

    def run(self, settings: HealSettings) -> None:
        """Make the restart unless it was made or must not be made any more; return when the ledger knows."""
        if self._heal.state is HealState.PLANNED:
            if not self._issue(settings):
                return
        else:
            self._adopt()
        self._find_out()

    def _adopt(self) -> None:
        """Take up what an earlier healer issued and saw no end of."""
        heal = self._heal
        issued_at = heal.issued_at or heal.planned_at
        self._engine.adopt(heal.incarnation.target_id, issued_at, heal.stop_timeout_s)
        self._log.change("heal_resumed", **self._fields())

    def _issue(self, settings: HealSettings) -> bool:
        """Look, charge, call. Return whether the call was made and its outcome is to be read."""
        reason = self._forbidden(settings)
        if reason is not None:
            self._drop(reason)
            return False
        at = clock.now()
        with self._connection.transaction(durable=True):
            if not heals.issue(self._connection, self._heal.heal_id, at=at):
                return False  # the evaluator withdrew it: the service recovered
        self._heal = heals.get(self._connection, self._heal.heal_id)
        self._log.change("heal_issued", action=self._heal.action.value, **self._fields())
        return self._call(self._heal.action)

    def _forbidden(self, settings: HealSettings) -> DropReason | None:
        if not settings.switched_on:
            return DropReason.SWITCHED_OFF
        try:
            target = self._engine.look(self._heal.incarnation.target_id)
            return objection(self._heal, target, clock.now())
        except EngineGoneError:
            return DropReason.GONE
        except EngineError:
            return DropReason.ENGINE_UNREACHABLE

    def _call(self, action: HealAction) -> bool:
        heal = self._heal
        try:
            self._engine.carry_out(action, heal.incarnation.target_id, heal.stop_timeout_s)
        except EngineGoneError as error:
            self._close(HealState.GONE, str(error))
            return False
        except EngineUnreachableError as error:
            self._close(HealState.FAILED, f"nothing was sent: {error}")
            return False
        except EngineUnknownError as error:
            self._log.warning("heal_unanswered", error=str(error), **self._fields())
        except EngineError as error:
            self._close(HealState.FAILED, str(error))
            return False
        return True

    def _find_out(self) -> None:
        """Look until it is clear what became of the call. When we are told to stop, the next healer goes on here."""
        pause_s = LOOK_EVERY_S
        while not self._stopping.is_set():
            try:
                target = self._engine.look(self._heal.incarnation.target_id)
            except EngineGoneError as error:
                self._close(HealState.GONE, str(error))
                return
            except EngineError:
                pause_s = LOOK_SLOWLY_S  # it will answer again, and then the container tells
            else:
                if self._is_settled(target):
                    return
                stopped = target.state is TargetState.EXITED
                pause_s = LOOK_SLOWLY_S if stopped else LOOK_EVERY_S
            self._stopping.wait(pause_s)

    def _is_settled(self, target: Target) -> bool:
        became = outcome.read(self._heal, target, clock.now())
        if became is Outcome.HAPPENED:
            self._returned(target)
        elif became is Outcome.NEVER:
            self._close(HealState.FAILED, "the engine never carried it out")
        elif became is Outcome.STOPPED_ONLY:
            self._log.warning("heal_finishing_start", **self._fields())
            return not self._call(HealAction.START)
        return became in {Outcome.HAPPENED, Outcome.NEVER}

    def _returned(self, target: Target) -> None:
        with self._connection.transaction(durable=True):
            heals.mark_returned(
                self._connection,
                self._heal.heal_id,
                at=clock.now(),
                new=target.incarnation,
                detail="restarted" if self._heal.action is HealAction.RESTART else "started",
            )
        self._log.change("heal_returned", started=target.incarnation.started, **self._fields())

    def _drop(self, reason: DropReason) -> None:
        self._close(HealState.DROPPED, reason.value)

    def _close(self, state: HealState, detail: str) -> None:
        with self._connection.transaction(durable=True):
            heals.close(self._connection, self._heal, state, at=clock.now(), detail=detail)
        self._log.warning(f"heal_{state.value}", detail=detail, **self._fields())

    def _fields(self) -> dict[str, str | int]:
        return {"heal": self._heal.heal_id, "target": self._heal.target_name, "attempt": self._heal.attempt}
