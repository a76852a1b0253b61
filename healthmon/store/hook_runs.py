"""Where is it kept what came of the commands that were run before and after restarts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.hook_run import HookMoment, HookRun
from healthmon.store.row import integer, integer_or_none, real, text, time

if TYPE_CHECKING:
    from healthmon.store.connection import Connection


def add(connection: Connection, run: HookRun) -> None:
    connection.change(
        "INSERT INTO hook_runs (heal_id, moment, began_at, took_s, exit_code, problem, output) VALUES (?, ?, ?, ?, ?, ?, ?)",
        run.heal_id,
        run.moment.value,
        clock.to_sql(run.began_at),
        run.took_s,
        run.exit_code,
        run.problem,
        run.output,
    )


def of_heal(connection: Connection, heal_id: int) -> list[HookRun]:
    """Return what was run for one restart, in its order."""
    rows = connection.rows(
        "SELECT heal_id, moment, began_at, took_s, exit_code, problem, output FROM hook_runs WHERE heal_id = ? ORDER BY hook_run_id",
        heal_id,
    )
    return [
        HookRun(
            heal_id=integer(row[0]),
            moment=HookMoment(text(row[1])),
            began_at=time(row[2]),
            took_s=real(row[3]),
            exit_code=integer_or_none(row[4]),
            problem=text(row[5]),
            output=text(row[6]),
        )
        for row in rows
    ]
