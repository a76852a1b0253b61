"""What do the plain lists show: all incidents, and our own processes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.clock import from_iso
from healthmon.model.process import TOTAL
from healthmon.watch.policy import ProgramState
from healthmon.web.views import outages, wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from healthmon.answers.processes import ProcessDocument
    from healthmon.model.incident import Incident
    from healthmon.web.views.outages import OutageRow

ON_A_PAGE = 50
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsPage:
    rows: tuple[OutageRow, ...]
    older: str  # the address of older ones; empty where there are none
    nothing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    program: str
    state: str
    is_well: bool
    pid: str
    since: str
    memory: str
    cpu: str
    threads: str
    files: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessesPage:
    rows: tuple[ProcessRow, ...]
    total: str


def incidents_page(
    found: Sequence[Incident], names: Mapping[int, str], acknowledged: Mapping[int, datetime], now: datetime, *, is_first: bool
) -> IncidentsPage:
    """Return the page of what was found; one more than fits says that there are older ones."""
    shown = found[:ON_A_PAGE]
    return IncidentsPage(
        rows=outages.rows(shown, names, acknowledged, now),
        older=f"/incidents?before={shown[-1].incident_id}" if len(found) > ON_A_PAGE else "",
        nothing="There was no incident yet." if is_first else "There are no older ones.",
    )


def processes_page(found: Sequence[ProcessDocument], now: datetime) -> ProcessesPage:
    total = next((one for one in found if one["program"] == TOTAL), None)
    words = "" if total is None or total["pss_bytes"] is None else f"All of it together: {total['pss_bytes'] / MIB:.1f} MiB."
    return ProcessesPage(rows=tuple(_process(one, now) for one in found if one["program"] != TOTAL), total=words)


def _process(one: ProcessDocument, now: datetime) -> ProcessRow:
    return ProcessRow(
        program=one["program"],
        state=one["state"].value.lower(),
        is_well=one["state"] in {ProgramState.RUNNING, ProgramState.STARTING},
        pid="" if one["pid"] is None else str(one["pid"]),
        since="" if one["started_at"] is None else wording.age(from_iso(one["started_at"]), now),
        memory="" if one["pss_bytes"] is None else f"{one['pss_bytes'] / MIB:.1f} MiB",
        cpu="" if one["cpu_seconds"] is None else f"{one['cpu_seconds']:.1f} s",
        threads="" if one["threads"] is None else str(one["threads"]),
        files="" if one["open_files"] is None else str(one["open_files"]),
    )
