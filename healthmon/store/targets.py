"""Where does the healer say what each service's container looks like?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.memo import Memo
from healthmon.model.target import (
    Incarnation,
    Target,
    TargetChange,
    TargetHealth,
    TargetKind,
    TargetNetwork,
    TargetState,
)
from healthmon.store.row import integer, integer_or_none, real, sql_time, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection


_SELECT = """
    SELECT service_id, observed_at, matched_by, problem, kind, target_id, started, name, state, health, started_at,
           image_id, config_hash, compose_project, compose_service, restart_policy, restart_limit, restart_count,
           exit_code, oom_killed, error, stop_timeout_s, published_ports, stopped_by_person, untouchable, matched_since,
           compose_depends_on, previous_exit_code, previous_oom_killed, change, changed_at, health_output, health_grace_s,
           network, network_of, engine_away
    FROM targets
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What is shown of a target; the state is None where there is none, and `problem` says why."""

    name: str | None = None
    state: TargetState | None = None
    problem: str | None = None
    image_id: str | None = None
    started_at: datetime | None = None
    oom_killed: bool = False  # at the end of this run, or of the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReport:
    """What was found for one service: a target and how it was matched, or the problem that there is none."""

    observed_at: datetime
    target: Target | None = None
    matched_by: str | None = None
    problem: str | None = None
    matched_since: datetime | None = None  # since when this target is the service's; None when it never had another
    change: TargetChange | None = None  # the last, of the image or the configuration; None when none was seen
    changed_at: datetime | None = None
    engine_away: bool = False  # there is no target because nobody answers

    @property
    def summary(self) -> TargetSummary:
        target = self.target
        if target is None:
            return TargetSummary(problem=self.problem)
        return TargetSummary(
            name=target.name,
            state=target.state,
            image_id=target.image_id,
            started_at=target.started_at,
            oom_killed=target.oom_killed or target.previous_oom_killed,
        )


def summaries(connection: Connection, known: Memo[TargetSummary] | None = None) -> dict[int, TargetSummary]:
    """Return what is shown of every service's target: a tenth of the work of `load`. Who asks again and again lends a memo."""
    rows = connection.rows("SELECT service_id, name, state, problem, image_id, started_at, oom_killed OR previous_oom_killed FROM targets")
    read = (known or Memo()).of
    return {integer(row[0]): read(row[0], _summary, row) for row in rows}


def _summary(row: tuple[apsw.SQLiteValue, ...]) -> TargetSummary:
    return TargetSummary(
        name=text_or_none(row[1]),
        state=None if row[2] is None else TargetState(text(row[2])),
        problem=text_or_none(row[3]),
        image_id=text_or_none(row[4]),
        started_at=time_or_none(row[5]),
        oom_killed=bool(row[6]),
    )


def publish(connection: Connection, reports: dict[int, TargetReport]) -> None:
    """Replace what is known of the given services' targets."""
    connection.change_many(
        """
        INSERT OR REPLACE INTO targets (
            service_id, observed_at, matched_by, problem, kind, target_id, started, name, state, health, started_at,
            image_id, config_hash, compose_project, compose_service, restart_policy, restart_limit, restart_count,
            exit_code, oom_killed, error, stop_timeout_s, published_ports, stopped_by_person, untouchable, matched_since,
            compose_depends_on, previous_exit_code, previous_oom_killed, change, changed_at, health_output, health_grace_s,
            network, network_of, engine_away)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [_row(service_id, report) for service_id, report in reports.items()],
    )


def load(connection: Connection, known: Memo[TargetReport] | None = None) -> dict[int, TargetReport]:
    """Return what is known of every service's target. Who asks again and again lends a memo."""
    read = (known or Memo()).of
    return {integer(row[0]): read(row[0], _report, row) for row in connection.rows(_SELECT)}


def ill_by_their_own_word(connection: Connection) -> frozenset[int]:
    """Return the services whose running container its own health check calls ill."""
    return frozenset(integer(row[0]) for row in connection.rows("SELECT service_id FROM targets WHERE health = 'unhealthy'"))


def of_services(connection: Connection, service_ids: Iterable[int]) -> dict[int, TargetReport]:
    """Return what is known of the targets of these services."""
    found = (connection.row(_SELECT + "WHERE service_id = ?", service_id) for service_id in service_ids)
    return {integer(row[0]): _report(row) for row in found if row is not None}


def _row(service_id: int, report: TargetReport) -> tuple[apsw.SQLiteValue, ...]:
    head = (service_id, clock.to_sql(report.observed_at), report.matched_by, report.problem)
    target = report.target
    if target is None:
        return (*head, *[None] * 21, sql_time(report.matched_since), None, None, None, *_change(report), *[None] * 4, int(report.engine_away))
    return (
        *head,
        target.kind.value,
        target.incarnation.target_id,
        target.incarnation.started,
        target.name,
        target.state.value,
        target.health.value,
        sql_time(target.started_at),
        target.image_id,
        target.config_hash,
        target.compose_project,
        target.compose_service,
        target.restart_policy,
        target.restart_limit,
        target.restart_count,
        target.exit_code,
        int(target.oom_killed),
        target.error,
        target.stop_timeout_s,
        ",".join(map(str, target.published_ports)),
        int(target.stopped_by_person),
        target.untouchable,
        sql_time(report.matched_since),
        ",".join(target.compose_depends_on),
        target.previous_exit_code,
        int(target.previous_oom_killed),
        *_change(report),
        target.health_output,
        target.health_grace_s,
        target.network.value,
        target.network_of,
        0,
    )


def _change(report: TargetReport) -> tuple[str | None, str | None]:
    return None if report.change is None else report.change.value, sql_time(report.changed_at)


def _report(row: tuple[apsw.SQLiteValue, ...]) -> TargetReport:
    observed_at = time(row[1])
    target = None if row[5] is None else _target(row, observed_at)
    return TargetReport(
        observed_at=observed_at,
        target=target,
        matched_by=text_or_none(row[2]),
        problem=text_or_none(row[3]),
        matched_since=time_or_none(row[25]),
        change=None if row[29] is None else TargetChange(text(row[29])),
        changed_at=time_or_none(row[30]),
        engine_away=bool(row[35]),
    )


def _target(row: tuple[apsw.SQLiteValue, ...], observed_at: datetime) -> Target:
    return Target(
        kind=TargetKind(text(row[4])),
        incarnation=Incarnation(target_id=text(row[5]), started=text(row[6])),
        name=text(row[7]),
        state=TargetState(text(row[8])),
        health=TargetHealth(text(row[9])),
        started_at=time_or_none(row[10]),
        image_id=text(row[11]),
        config_hash=text(row[12]),
        compose_project=text(row[13]),
        compose_service=text(row[14]),
        restart_policy=text(row[15]),
        restart_limit=integer(row[16]),
        restart_count=integer(row[17]),
        exit_code=integer(row[18]),
        oom_killed=bool(row[19]),
        error=text(row[20]),
        stop_timeout_s=integer(row[21]),
        published_ports=tuple(int(port) for port in text(row[22]).split(",") if port),
        stopped_by_person=bool(row[23]),
        untouchable=text(row[24]),
        observed_at=observed_at,
        compose_depends_on=tuple(name for name in text(row[26]).split(",") if name),
        previous_exit_code=integer_or_none(row[27]),
        previous_oom_killed=bool(row[28]),
        health_output=text(row[31]),
        health_grace_s=real(row[32]),
        network=TargetNetwork(text(row[33])),
        network_of=text(row[34]),
    )
