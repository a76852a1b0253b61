"""What would a healing policy have done with what is stored? The command prints it, as JSON or as a table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from healthmon import clock
from healthmon.heal.replay import Replay
from healthmon.heal.replay_life import Candidate, WouldRestart
from healthmon.store import heals, looks, services

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.model.check import Check
    from healthmon.store.connection import Connection

CHUNK = timedelta(hours=6)  # of checks are in memory at a time


class ServiceBacktest(TypedDict):
    service: str
    outages: int
    restarts: int
    needless: int
    gave_up: int


class RestartBacktest(TypedDict):
    service: str
    at: str
    failure: str
    recovered_after_s: float | None
    was_restarted: bool
    needless: bool


class BacktestTotal(TypedDict):
    outages: int
    restarts: int
    needless: int


class BacktestDocument(TypedDict):
    since: str
    until: str
    checks: int
    storms: int
    total: BacktestTotal
    services: list[ServiceBacktest]
    restarts: list[RestartBacktest]


def read(connection: Connection, config: Config, *, since: datetime, until: datetime, only: Collection[str]) -> BacktestDocument:
    """Replay what is stored of this time through the healing of `config`; tell of the services `only`, or of all."""
    candidates = _candidates(connection, config)
    replay = Replay(candidates, began_at=since)
    made = [heal for heal in heals.since(connection, since - CHUNK) if heal.returned_at is not None]
    made.sort(key=lambda heal: heal.returned_at or until)
    count = 0
    for check in _checks(connection, since, until):
        count += 1
        while made and made[0].returned_at is not None and made[0].returned_at <= check.checked_at:
            replay.restarted(made[0].service_id, made[0].returned_at)
            del made[0]
        replay.take(check)
    results = [(one, outages, gave_up, would) for one, outages, gave_up, would in replay.results() if not only or one.name in only]
    restarts = [_restart(one.name, each) for one, _, _, would in results for each in would]
    lines = [_line(one.name, outages, gave_up, would) for one, outages, gave_up, would in results]
    return BacktestDocument(
        since=clock.to_iso(since),
        until=clock.to_iso(until),
        checks=count,
        storms=replay.storms,
        total=BacktestTotal(
            outages=sum(line["outages"] for line in lines),
            restarts=sum(line["restarts"] for line in lines),
            needless=sum(line["needless"] for line in lines),
        ),
        services=lines,
        restarts=sorted(restarts, key=lambda one: one["at"]),
    )


def _candidates(connection: Connection, config: Config) -> list[Candidate]:
    """Return the services of a configuration that history knows, as if healing was switched on for each that it is not off for."""
    known = {name: service.service_id for name, service in services.by_name(connection).items()}
    on = config.self_healing.model_copy(update={"enabled": True, "restart_unhealthy_services": True, "dry_run": False})
    return [
        Candidate(
            service_id=known[one.name],
            name=one.name,
            critical=one.critical,
            settings=on.for_service(one.heal),
            confirmations=one.confirmations,
            evidence_max_age=timedelta(seconds=one.retry_interval_seconds + one.timeout_seconds),
            max_gap=one.looks_believed,
            depends_on=tuple(known[name] for name in one.depends_on if name in known),
        )
        for one in config.enabled_services()
        if one.name in known
    ]


def _checks(connection: Connection, since: datetime, until: datetime) -> Iterator[Check]:
    at = since
    while at < until:
        yield from looks.between(connection, at, min(until, at + CHUNK))
        at += CHUNK


def _line(service: str, outages: int, gave_up: int, would: list[WouldRestart]) -> ServiceBacktest:
    needless = sum(one.is_needless for one in would)
    return ServiceBacktest(service=service, outages=outages, restarts=len(would), needless=needless, gave_up=gave_up)


def _restart(service: str, would: WouldRestart) -> RestartBacktest:
    after = None if would.recovered_at is None else (would.recovered_at - would.at).total_seconds()
    return RestartBacktest(
        service=service,
        at=clock.to_iso(would.at),
        failure=would.failure,
        recovered_after_s=after,
        was_restarted=would.was_restarted,
        needless=would.is_needless,
    )
