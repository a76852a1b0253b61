"""One heal, from planned to returned. Recorded before it is done: a crash can lose a restart, never make two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.failpoints import reach
from healthmon.heal.preflight import DropReason, objection, unsettled, unwanted
from healthmon.model.heal import HealState
from healthmon.processes.healer.aftermath import Aftermath
from healthmon.processes.healer.ledger_row import Row

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection


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
        self._row = Row(heal, connection, log)
        self._engine = engine
        self._stopping = stopping
        self._prepare = prepare
        self._is_its = is_its

    def run(self, settings: HealSettings | None) -> None:
        """Make the restart unless it was made or must not be made any more; return when the ledger knows.

        `settings` are those of the heal's service; None when it is not configured.
        """
        aftermath = Aftermath(self._row, self._engine, self._stopping, settings)
        if self._row.heal.state is not HealState.PLANNED:
            self._adopt()
        elif not self._issue(settings) or not self._call(aftermath):
            return
        aftermath.find_out()

    def _adopt(self) -> None:
        """Take up what an earlier healer issued and saw no end of."""
        heal = self._row.heal
        issued_at = heal.issued_at or heal.planned_at
        self._engine.adopt(heal.incarnation.target_id, issued_at, heal.stop_timeout_s)
        self._row.records.change("heal_resumed", **self._row.fields)

    def _issue(self, settings: HealSettings | None) -> bool:
        """Look, and charge. Return whether the call is to be made."""
        reach("heal.begun")
        if self._is_dropped(unwanted(settings) or self._forbidden(settings)):
            return False
        self._prepare()
        if self._stopping.is_set():
            return False  # the next healer makes it, if it is still wanted then
        if not self._row.issue():
            return False
        if self._is_dropped(self._forbidden(settings)):
            return False  # the commit took its time: a disk that is slow, or another's lock
        self._row.records.change("heal_issued", action=self._row.heal.action.value, **self._row.fields)
        reach("heal.calling")
        return True

    def _is_dropped(self, reason: DropReason | None) -> bool:
        if reason is not None:
            self._row.close(HealState.DROPPED, reason.value)
        return reason is not None

    def _forbidden(self, settings: HealSettings | None) -> DropReason | None:
        try:
            target = self._engine.look(self._row.heal.incarnation.target_id)
        except EngineGoneError:
            return DropReason.GONE
        except EngineError:
            return DropReason.ENGINE_UNREACHABLE
        now = clock.now()
        against = unsettled(self._engine.returned_at, settings, now) or objection(self._row.heal, target, now)
        return against or (None if self._is_its(target) else DropReason.ANOTHER_TARGET)

    def _call(self, aftermath: Aftermath) -> bool:
        """Make the one call of this heal. Return whether its outcome is to be read."""
        try:
            aftermath.carry_out(self._row.heal.action)
        except EngineGoneError as error:
            self._row.close(HealState.GONE, str(error))
        except EngineUnreachableError as error:
            self._row.close(HealState.DROPPED, f"nothing was sent: {error}")
        except EngineUnknownError as error:
            self._row.records.warning("heal_unanswered", error=str(error), **self._row.fields)
            return True
        except EngineError as error:
            self._row.close(HealState.FAILED, str(error))
        else:
            reach("heal.answered")
            return True
        return False
