"""The part of a heal that is its row in the ledger: what happens is written there before, and what came of it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.model.heal import HealAction
from healthmon.store import heals

if TYPE_CHECKING:
    from healthmon.log import Log
    from healthmon.model.heal import Heal, HealState
    from healthmon.model.target import Incarnation
    from healthmon.store.connection import Connection


class Row:
    """One heal as the ledger has it. The evaluator may withdraw it, as long as it is only planned."""

    def __init__(self, heal: Heal, connection: Connection, log: Log) -> None:
        self.heal = heal
        self.records = log
        self._connection = connection

    @property
    def fields(self) -> dict[str, str | int]:
        """What every record in the log says of it."""
        return {"heal": self.heal.heal_id, "target": self.heal.target_name, "attempt": self.heal.attempt}

    def issue(self) -> bool:
        """Charge it, before the call. Return False when the evaluator withdrew it: the service recovered."""
        at = clock.now()
        with self._connection.transaction(durable=True):
            if not heals.issue(self._connection, self.heal.heal_id, at=at):
                return False
            reach("heal.before_issue")
        reach("heal.issued")
        self.heal = heals.get(self._connection, self.heal.heal_id)
        return True

    def returned(self, new: Incarnation) -> None:
        """Write down that the target has started anew."""
        done = "restarted" if self.heal.action is HealAction.RESTART else "started"
        with self._connection.transaction(durable=True):
            heals.mark_returned(self._connection, self.heal.heal_id, at=clock.now(), new=new, detail=done)
            reach("heal.before_mark")
        reach("heal.marked")
        self.records.change("heal_returned", started=new.started, **self.fields)

    def close(self, state: HealState, detail: str) -> None:
        with self._connection.transaction(durable=True):
            if not heals.close(self._connection, self.heal, state, at=clock.now(), detail=detail):
                return  # the evaluator withdrew it
        self.records.warning(f"heal_{state.value}", detail=detail, **self.fields)
