"""`healthmon backtest rules`: what would a rule have said of the past?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from healthmon import clock
from healthmon.alerts.rule import Rule, built_in, of_settings
from healthmon.cli.context import open_database
from healthmon.cli.duration import Duration
from healthmon.cli.terminal import show_table
from healthmon.errors import UsageError
from healthmon.history.backtest import judge
from healthmon.history.replay import Replay, Watched, not_in_history
from healthmon.rules.looks import Subject
from healthmon.rules.settings import RuleSettings
from healthmon.spelling import nearest
from healthmon.store import looks, outcomes, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.cli.context import Context
    from healthmon.config import Config
    from healthmon.history.backtest import Outage, Verdict
    from healthmon.history.replay import Fired
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection

BELIEVED_INTERVALS = 3  # as the evaluator believes a look
TRIED = "tried"
SHOWN = 20


@click.command("rules")
@click.argument("names", nargs=-1)
@click.option("--condition", help="Try this condition instead of rules of the configuration.")
@click.option("--duration", "minutes", type=click.FloatRange(0, 1_440), default=0.0, help="With --condition: minutes that it must hold.")
@click.option("--threshold", type=float, help="With --condition: what the name threshold stands for.")
@click.option("--for", "length", type=Duration(), default=timedelta(days=7), show_default="7d", help="How much of the past; single checks are kept for dashboard.retention_days.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def rules(  # noqa: PLR0913  one option each
    context: Context, names: tuple[str, ...], *, condition: str | None, minutes: float, threshold: float | None, length: timedelta, as_json: bool
) -> None:
    """Look at the stored checks again, and say how often each rule (NAMES, or all) would have fired, for how long, and what it missed."""
    loaded = context.config
    asked = _asked(loaded, names, condition, minutes, threshold)
    until = clock.now()
    connection = open_database(context.config.paths)
    try:
        found, known = _verdicts(connection, loaded, asked, until - length, until)
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps([_document(one, known) for one in found], indent=2, ensure_ascii=False))
    else:
        _show(found, known, until - length)


def _asked(loaded: Config, names: tuple[str, ...], condition: str | None, minutes: float, threshold: float | None) -> list[Rule]:
    """Return the rules to try. Raises UsageError for what cannot be answered from history."""
    if condition is not None:
        try:
            tried = RuleSettings.model_validate({"name": TRIED, "condition": condition, "severity": "warning", "duration_minutes": minutes, "threshold": threshold})
        except ValueError as error:
            raise UsageError(f"--condition: {_first_line(error)}") from None
        rules = of_settings([tried])
    else:
        rules = of_settings(loaded.alert_rules)
        everything = {rule.name: rule for rule in (*_built_in(loaded), *rules)}
        for name in names:
            if name not in everything:
                raise UsageError(f"there is no rule {name!r}{nearest(name, everything)}")
        rules = tuple(everything[name] for name in names) if names else rules
    silent = {rule.name: not_in_history(rule) for rule in rules if not_in_history(rule)}
    for name, missing in silent.items():
        if names or condition is not None:
            raise UsageError(f"{name}: history does not hold {', '.join(sorted(missing))}")
        click.echo(f"healthmon: {name} is left out: history does not hold {', '.join(sorted(missing))}", err=True)
    return [rule for rule in rules if rule.name not in silent]


def _built_in(loaded: Config) -> tuple[Rule, ...]:
    """Return the rules that settings make, those of the error budget also where they are not switched on: a person wonders whether to."""
    budget = loaded.slo.model_copy(update={"burn_rate_alerts": True})
    return built_in(max_consecutive_failures=loaded.max_consecutive_failures, slo=budget)


def _first_line(error: ValueError) -> str:
    from pydantic import ValidationError  # noqa: PLC0415  only for a mistake

    if isinstance(error, ValidationError):
        return error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
    return str(error)


def _verdicts(
    connection: Connection, loaded: Config, asked: Iterable[Rule], since: datetime, until: datetime
) -> tuple[list[Verdict], Mapping[int, Service]]:
    rules = list(asked)
    known = services.by_name(connection)
    replays = {known[one.name].service_id: Replay(_watched(one, known[one.name]), rules) for one in loaded.enabled_services() if one.name in known}
    seen = 0
    for check in looks.replayed(connection, since, until):
        replay = replays.get(check.service_id)
        if replay is not None:
            replay.take(check)
            seen += 1
    click.echo(f"healthmon: {seen} checks of {len(replays)} services since {clock.to_people(since)}", err=True)
    fired: dict[str, list[Fired]] = {rule.name: [] for rule in rules}
    for replay in replays.values():
        for name, alerts in replay.finish(until).items():
            fired[name] += alerts
    outages = [outage for outage in outcomes.lasting(connection, since, until) if outage.service_id in replays]
    by_id = {service.service_id: service for service in known.values()}
    found = [judge(rule, fired[rule.name], _of_rule(rule, outages, by_id), until=until) for rule in rules]
    return found, by_id


def _of_rule(rule: Rule, outages: Iterable[Outage], by_id: Mapping[int, Service]) -> list[Outage]:
    return [one for one in outages if rule.is_for(by_id[one.service_id].name, by_id[one.service_id].group)]


def _watched(configured: Any, service: Service) -> Watched:
    return Watched(
        service_id=service.service_id,
        subject=Subject(
            name=service.name,
            group=configured.group,
            critical=configured.critical,
            expected_response_time=configured.expected_response_time,
        ),
        confirmations=configured.confirmations,
        max_gap=timedelta(seconds=BELIEVED_INTERVALS * configured.interval_seconds + configured.timeout_seconds),
    )


def _show(found: Iterable[Verdict], known: Mapping[int, Service], since: datetime) -> None:
    rows = [
        (
            one.rule,
            str(len(one.fired)),
            f"{one.firing_s / 60:.1f} min",
            "" if one.median_s is None else f"{one.median_s / 60:.1f} min",
            str(one.without_outage),
            f"{one.caught} of {one.caught + len(one.missed)}",
            "" if one.median_delay_s is None else f"{one.median_delay_s:.0f} s",
        )
        for one in found
    ]
    click.echo(f"since {clock.to_people(since)}")
    columns = ("rule", "fired", "firing", "median", "without outage", "outages caught", "after")
    show_table(columns, rows, right=set(columns[1:]))
    for one in found:
        for outage in one.missed[:SHOWN]:
            until = "and lasts" if outage.until is None else f"for {(outage.until - outage.since).total_seconds():.0f} s"
            click.echo(f"missed by {one.rule}: incident {outage.incident_id}, {known[outage.service_id].name} at {clock.to_people(outage.since)} {until}")


def _document(one: Verdict, known: Mapping[int, Service]) -> dict[str, object]:
    return {
        "rule": one.rule,
        "condition": one.condition,
        "severity": one.severity.value,
        "fired": len(one.fired),
        "firing_seconds": round(one.firing_s, 3),
        "median_seconds": one.median_s,
        "without_outage": one.without_outage,
        "outages_caught": one.caught,
        "median_delay_seconds": one.median_delay_s,
        "outages_missed": [
            {"incident_id": outage.incident_id, "service_name": known[outage.service_id].name, "started_at": clock.to_iso(outage.since)}
            for outage in one.missed
        ],
        "alerts": [
            {
                "service_name": known[alert.service_id].name,
                "triggered_at": clock.to_iso(alert.since),
                "resolved_at": None if alert.until is None else clock.to_iso(alert.until),
            }
            for alert in one.fired
        ],
    }
