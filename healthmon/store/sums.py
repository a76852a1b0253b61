"""What do the checks of the last day add up to, by service and by hour? Kept for pages: adding up takes too long while somebody waits.

The sums follow from `service_hours` as of a count of the keeper, and from the checks since then, until `Kept.until`; what is younger
is read from the checks. They are right for who asks from `Kept.since` on; who asks for another time adds up the hours again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store import facts

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection

SINCE, UNTIL, COUNT = "sums_since", "sums_until", "sums_count"
OF_SERVICES = """
    SELECT service_id, sum(checks) AS checks, sum(answers) AS answers, sum(sum_us) AS sum_us,
           min(minimum_us) AS minimum_us, max(maximum_us) AS maximum_us
    FROM service_hours WHERE hour >= ?1 AND checks > 0 GROUP BY service_id
"""
OF_HOURS = "SELECT hour, sum(checks) AS checks, sum(healthy_checks) AS healthy_checks FROM service_hours WHERE hour >= ?1 AND checks > 0 GROUP BY hour"
_SAW = "kind = 0 AND status < 2"  # as the view health_checks has it
TAIL_OF_SERVICES = f"""
    SELECT service_id, count(*), count(response_time_us), coalesce(sum(response_time_us), 0), min(response_time_us), max(response_time_us)
    FROM checks WHERE timestamp >= ?2 AND timestamp < ?3 AND {_SAW} GROUP BY service_id
"""  # noqa: S608  our text
TAIL_OF_HOURS = f"""
    SELECT substr(timestamp, 1, 13) || ':00:00.000', count(*), sum(status = 1)
    FROM checks WHERE timestamp >= ?2 AND timestamp < ?3 AND {_SAW} GROUP BY 1
"""  # noqa: S608  our text


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The sums are of [since, until), and rest on the count that reached until `count`."""

    since: datetime
    until: datetime
    count: datetime


def kept(connection: Connection) -> Kept | None:
    """Return of what sums are kept; None when there are none."""
    since, until, count = (facts.noted_time(connection, name) for name in (SINCE, UNTIL, COUNT))
    return None if since is None or until is None or count is None else Kept(since=since, until=until, count=count)


def keep(connection: Connection, since: datetime, *, count: datetime) -> Kept:
    """Add up all hours from `since` on, as of the count that reached until `count`. Nobody else waits for it: the hours are the keeper's."""
    of_services = connection.rows(OF_SERVICES, clock.to_sql(since))
    of_hours = connection.rows(OF_HOURS, clock.to_sql(since))
    found = Kept(since=since, until=max(since, count), count=count)
    with connection.transaction(durable=False):
        connection.change("DELETE FROM service_sums")
        connection.change("DELETE FROM hour_sums")
        connection.change_many("INSERT INTO service_sums VALUES (?, ?, ?, ?, ?, ?)", of_services)
        connection.change_many("INSERT INTO hour_sums VALUES (?, ?, ?)", of_hours)
        _note(connection, found)
    return found


def advance(connection: Connection, known: Kept, until: datetime) -> None:
    """Add the checks from `known.until` until `until`; what is committed into that time later is added with the next count."""
    bounds = (clock.to_sql(known.since), clock.to_sql(known.until), clock.to_sql(until))
    of_services = connection.rows(TAIL_OF_SERVICES, *bounds)
    of_hours = connection.rows(TAIL_OF_HOURS, *bounds)
    with connection.transaction(durable=False):
        connection.change_many(
            """
            INSERT INTO service_sums VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                checks = checks + excluded.checks, answers = answers + excluded.answers, sum_us = sum_us + excluded.sum_us,
                minimum_us = min(coalesce(minimum_us, excluded.minimum_us), coalesce(excluded.minimum_us, minimum_us)),
                maximum_us = max(coalesce(maximum_us, excluded.maximum_us), coalesce(excluded.maximum_us, maximum_us))
            """,
            of_services,
        )
        connection.change_many(
            """
            INSERT INTO hour_sums VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET checks = checks + excluded.checks, healthy_checks = healthy_checks + excluded.healthy_checks
            """,
            of_hours,
        )
        _note(connection, Kept(since=known.since, until=until, count=known.count))


def _note(connection: Connection, what: Kept) -> None:
    for name, at in ((SINCE, what.since), (UNTIL, what.until), (COUNT, what.count)):
        facts.note_time(connection, name, at)
