"""One heal, from planned to returned. Recorded before it is done: a crash can lose a restart, never make two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.failpoints import reach
from healthmon.heal import outcome
from healthmon.heal.outcome import Outcome
from healthmon.heal.preflight import DropReason, objection, unsettled, unwanted
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import TargetState
from healthmon.store import heals

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection

LOOK_EVERY_S = 0.5
LOOK_SLOWLY_S = 5.0
EVENTS_S = 10.0  # an earlier healer's heal: the events of that time are read within this
FINISHING_STARTS = 3
FINISHING_PAUSE_S = 30.0  # doubling
PATIENCE_S = 600.0  # with an engine that does not tell, on top of the time that the call may take


class Restart:
    """Carries out one row of the ledger, or finds out what became of it."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        heal: Heal,
        engine: Engine,
        connection: Connection,
        log: Log,
        stopping: threading.Event,
        *,
        prepare: Callable[[], None] = lambda: None,
        is_its: Callable[[Target], bool] = lambda _target: True,
    ) -> None:
        """`prepare` is called when all speaks for the restart, before it is charged; it may take half a minute.

        `is_its` says whether a target is the service's, or follows it, by the healer's own eyes: who writes plans need not be believed.
        """
        self._heal = heal
        self._engine = engine
        self._connection = connection
        self._log = log
        self._stopping = stopping
        self._prepare = prepare
        self._is_its = is_its
        self._steady = clock.Steady()  # a clock that is set must neither cut a wait short nor draw it out
        self._called_at: datetime | None = None  # when our last call came back, with whatever answer
        self._settings: HealSettings | None = None
        self._begun_s = clock.monotonic()
        self._refusals: list[str] = []  # what was answered to our finishing starts
        self._finish_from_s = 0.0

    def run(self, settings: HealSettings | None) -> None:
        """Make the restart unless it was made or must not be made any more; return when the ledger knows.

        `settings` are those of the heal's service; None when it is not configured.
        """
        self._settings = settings
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

    def _issue(self, settings: HealSettings | None) -> bool:
        """Look, charge, call. Return whether the call was made and its outcome is to be read."""
        reach("heal.begun")
        if self._is_dropped(unwanted(settings) or self._forbidden()):
            return False
        self._prepare()
        if self._stopping.is_set():
            return False  # the next healer makes it, if it is still wanted then
        at = clock.now()
        with self._connection.transaction(durable=True):
            if not heals.issue(self._connection, self._heal.heal_id, at=at):
                return False  # the evaluator withdrew it: the service recovered
            reach("heal.before_issue")
        reach("heal.issued")
        self._heal = heals.get(self._connection, self._heal.heal_id)
        if self._is_dropped(self._forbidden()):
            return False  # the commit took its time: a disk that is slow, or another's lock
        self._log.change("heal_issued", action=self._heal.action.value, **self._fields())
        reach("heal.calling")
        return self._call()

    def _is_dropped(self, reason: DropReason | None) -> bool:
        if reason is not None:
            self._close(HealState.DROPPED, reason.value)
        return reason is not None

    def _forbidden(self) -> DropReason | None:
        try:
            target = self._engine.look(self._heal.incarnation.target_id)
        except EngineGoneError:
            return DropReason.GONE
        except EngineError:
            return DropReason.ENGINE_UNREACHABLE
        now = clock.now()
        against = unsettled(self._engine.returned_at, self._settings, now) or objection(self._heal, target, now)
        return against or (None if self._is_its(target) else DropReason.ANOTHER_TARGET)

    def _call(self) -> bool:
        """Make the one call of this heal. Return whether its outcome is to be read."""
        try:
            self._carry_out(self._heal.action)
        except EngineGoneError as error:
            self._close(HealState.GONE, str(error))
        except EngineUnreachableError as error:
            self._close(HealState.DROPPED, f"nothing was sent: {error}")
        except EngineUnknownError as error:
            self._log.warning("heal_unanswered", error=str(error), **self._fields())
            return True
        except EngineError as error:
            self._close(HealState.FAILED, str(error))
        else:
            reach("heal.answered")
            return True
        return False

    def _finish(self) -> bool:
        """Start what our restart stopped and never started. Return whether the heal is over: it is not to be started."""
        if not self._engine.has_stopped(self._heal.incarnation.target_id):
            return self._doubt()
        if unwanted(self._settings) is not None:
            self._close(HealState.FAILED, "healing was switched off: it is left stopped")
            return True
        if clock.monotonic() < self._finish_from_s:
            return False
        if len(self._refusals) >= FINISHING_STARTS:
            self._close(HealState.FAILED, f"stopped, and {FINISHING_STARTS} starts failed: {self._refusals[-1]}")
            return True
        return self._start()

    def _doubt(self) -> bool:
        """Leave stopped what nobody knows to be stopped by us. Return whether the heal is over."""
        if clock.monotonic() < self._begun_s + EVENTS_S:
            return False
        self._close(HealState.INCONCLUSIVE, "it is stopped, and nothing tells that our call did it: it is left as it is")
        return True

    def _start(self) -> bool:
        """Make one finishing start. Return whether the heal is over: the engine refused."""
        self._log.warning("heal_finishing_start", **self._fields())
        try:
            self._carry_out(HealAction.START)
        except EngineGoneError as error:
            self._close(HealState.GONE, str(error))
        except (EngineUnreachableError, EngineUnknownError) as error:
            self._finish_from_s = clock.monotonic() + FINISHING_PAUSE_S * 2 ** len(self._refusals)
            self._refusals.append(str(error))
            self._log.warning("heal_unanswered", error=str(error), **self._fields())
            return False
        except EngineError as error:
            self._close(HealState.FAILED, str(error))
        else:
            return False
        return True

    def _carry_out(self, action: HealAction) -> None:
        try:
            self._engine.carry_out(action, self._heal.incarnation.target_id, self._heal.stop_timeout_s)
        finally:
            self._called_at = self._steady.now()

    def _find_out(self) -> None:
        """Look until it is clear what became of the call. When we are told to stop, the next healer goes on here.

        The bound is on our own waiting, not on the ledger's times: a wall clock may jump.
        """
        until_s = clock.monotonic() + outcome.longest(self._heal).total_seconds() + PATIENCE_S
        while clock.monotonic() < until_s:
            pause_s = self._look()
            if pause_s is None or self._stopping.wait(pause_s):
                return
        self._give_up()

    def _look(self) -> float | None:
        """Look once; return the seconds until the next look, or None when the heal is over."""
        try:
            target = self._engine.look(self._heal.incarnation.target_id)
        except EngineGoneError as error:
            self._close(HealState.GONE, str(error))
            return None
        except EngineError:
            return LOOK_SLOWLY_S  # it will answer again, and then the container tells
        if self._is_settled(target):
            return None
        return LOOK_SLOWLY_S if target.state is TargetState.EXITED else LOOK_EVERY_S

    def _is_settled(self, target: Target) -> bool:
        times = [at for at in (self._engine.returned_at, self._called_at) if at is not None]
        match outcome.read(self._heal, target, self._steady.now(), may_begin_until=max(times, default=None)):
            case Outcome.HAPPENED:
                self._returned(target)
            case Outcome.NEVER:
                self._close(HealState.FAILED, "the engine never carried it out")
            case Outcome.STOPPED_BY_PERSON:
                self._close(HealState.SUPERSEDED, "somebody stopped it while our call was under way: it is left as it is")
            case Outcome.STOPPED_ONLY:
                return self._finish()
            case Outcome.NOT_YET:
                return False
        return True

    def _give_up(self) -> None:
        detail = "the engine did not tell what became of the call"
        self._close(HealState.INCONCLUSIVE, detail)
        message = f"{self._heal.target_name}: {detail}; see whether it runs, and the engine's own log"
        self._log.error("ALERT", type="heal_inconclusive", message=message, **self._fields())

    def _returned(self, target: Target) -> None:
        with self._connection.transaction(durable=True):
            heals.mark_returned(
                self._connection,
                self._heal.heal_id,
                at=clock.now(),
                new=target.incarnation,
                detail="restarted" if self._heal.action is HealAction.RESTART else "started",
            )
            reach("heal.before_mark")
        reach("heal.marked")
        self._log.change("heal_returned", started=target.incarnation.started, **self._fields())

    def _close(self, state: HealState, detail: str) -> None:
        with self._connection.transaction(durable=True):
            if not heals.close(self._connection, self._heal, state, at=clock.now(), detail=detail):
                return  # the evaluator withdrew it
        self._log.warning(f"heal_{state.value}", detail=detail, **self._fields())

    def _fields(self) -> dict[str, str | int]:
        return {"heal": self._heal.heal_id, "target": self._heal.target_name, "attempt": self._heal.attempt}
