"""What became of a call to restart? Looks until that is clear, and starts what the call stopped and never started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal import outcome
from healthmon.heal.outcome import Outcome
from healthmon.heal.preflight import unwanted
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import TargetState

if TYPE_CHECKING:
    import threading
    from datetime import datetime

    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import HealSettings
    from healthmon.model.target import Target
    from healthmon.processes.healer.ledger_row import Row

LOOK_EVERY_S = 0.5
LOOK_SLOWLY_S = 5.0
EVENTS_S = 10.0  # an earlier healer's heal: the events of that time are read within this
FINISHING_STARTS = 3
FINISHING_PAUSE_S = 30.0  # doubling
PATIENCE_S = 600.0  # with an engine that does not tell, on top of the time that the call may take


class Aftermath:
    """Of one heal that is issued, by us or by an earlier healer. `settings` are its service's; None when it is not configured."""

    def __init__(self, row: Row, engine: Engine, stopping: threading.Event, settings: HealSettings | None) -> None:
        self._row = row
        self._engine = engine
        self._stopping = stopping
        self._settings = settings
        self._steady = clock.Steady()  # a clock that is set must neither cut a wait short nor draw it out
        self._called_at: datetime | None = None  # when our last call came back, with whatever answer
        self._begun_s = clock.monotonic()
        self._refusals: list[str] = []  # what was answered to our finishing starts
        self._finish_from_s = 0.0

    def carry_out(self, action: HealAction) -> None:
        """Make a call. Raises EngineError."""
        heal = self._row.heal
        try:
            self._engine.carry_out(action, heal.incarnation.target_id, heal.stop_timeout_s)
        finally:
            self._called_at = self._steady.now()

    def find_out(self) -> None:
        """Look until it is clear what became of the call. When we are told to stop, the next healer goes on here.

        The bound is on our own waiting, not on the ledger's times: a wall clock may jump.
        """
        until_s = clock.monotonic() + outcome.longest(self._row.heal).total_seconds() + PATIENCE_S
        while clock.monotonic() < until_s:
            pause_s = self._look()
            if pause_s is None or self._stopping.wait(pause_s):
                return
        self._give_up()

    def _look(self) -> float | None:
        """Look once; return the seconds until the next look, or None when the heal is over."""
        try:
            target = self._engine.look(self._row.heal.incarnation.target_id)
        except EngineGoneError as error:
            self._row.close(HealState.GONE, str(error))
            return None
        except EngineError:
            return LOOK_SLOWLY_S  # it will answer again, and then the container tells
        if self._is_settled(target):
            return None
        return LOOK_SLOWLY_S if target.state is TargetState.EXITED else LOOK_EVERY_S

    def _is_settled(self, target: Target) -> bool:
        times = [at for at in (self._engine.returned_at, self._called_at) if at is not None]
        match outcome.read(self._row.heal, target, self._steady.now(), may_begin_until=max(times, default=None)):
            case Outcome.HAPPENED:
                self._row.returned(target.incarnation)
            case Outcome.NEVER:
                self._row.close(HealState.FAILED, "the engine never carried it out")
            case Outcome.STOPPED_BY_PERSON:
                self._row.close(HealState.SUPERSEDED, "somebody stopped it while our call was under way: it is left as it is")
            case Outcome.STOPPED_ONLY:
                return self._finish()
            case Outcome.NOT_YET:
                return False
        return True

    def _finish(self) -> bool:
        """Start what our restart stopped and never started. Return whether the heal is over: it is not to be started."""
        if not self._engine.has_stopped(self._row.heal.incarnation.target_id):
            return self._doubt()
        if unwanted(self._settings) is not None:
            self._row.close(HealState.FAILED, "healing was switched off: it is left stopped")
            return True
        if clock.monotonic() < self._finish_from_s:
            return False
        if len(self._refusals) >= FINISHING_STARTS:
            self._row.close(HealState.FAILED, f"stopped, and {FINISHING_STARTS} starts failed: {self._refusals[-1]}")
            return True
        return self._start()

    def _doubt(self) -> bool:
        """Leave stopped what nobody knows to be stopped by us. Return whether the heal is over."""
        if clock.monotonic() < self._begun_s + EVENTS_S:
            return False
        self._row.close(HealState.INCONCLUSIVE, "it is stopped, and nothing tells that our call did it: it is left as it is")
        return True

    def _start(self) -> bool:
        """Make one finishing start. Return whether the heal is over: the engine refused."""
        self._row.records.warning("heal_finishing_start", **self._row.fields)
        try:
            self.carry_out(HealAction.START)
        except EngineGoneError as error:
            self._row.close(HealState.GONE, str(error))
        except (EngineUnreachableError, EngineUnknownError) as error:
            self._finish_from_s = clock.monotonic() + FINISHING_PAUSE_S * 2 ** len(self._refusals)
            self._refusals.append(str(error))
            self._row.records.warning("heal_unanswered", error=str(error), **self._row.fields)
            return False
        except EngineError as error:
            self._row.close(HealState.FAILED, str(error))
        else:
            return False
        return True

    def _give_up(self) -> None:
        detail = "the engine did not tell what became of the call"
        self._row.close(HealState.INCONCLUSIVE, detail)
        message = f"{self._row.heal.target_name}: {detail}; see whether it runs, and the engine's own log"
        self._row.records.error("ALERT", type="heal_inconclusive", message=message, **self._row.fields)
