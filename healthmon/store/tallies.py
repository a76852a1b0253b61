"""How many checks did each service have, how did they end, and how long did they take? Numbers that never go back.

For Prometheus, which counts what comes between two looks. Counted in the transaction that takes the checks from the inbox: so
each once, whatever crashes. What is deleted from history stays counted.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.memo import Memo
from healthmon.model.check import CheckKind, CheckReason
from healthmon.store.row import integer, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from healthmon.model.check import Check
    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long answers took, in microseconds. `counts` has one number more than `edges`: of what took longer than the last."""

    edges: tuple[int, ...]
    counts: tuple[int, ...]
    sum_us: int

    def plus(self, values: Iterable[int]) -> Durations:
        counts, sum_us = list(self.counts), self.sum_us
        for value in values:
            counts[bisect_left(self.edges, value)] += 1
            sum_us += max(0, value)
        return Durations(edges=self.edges, counts=tuple(counts), sum_us=sum_us)


def empty(edges: tuple[int, ...]) -> Durations:
    return Durations(edges=edges, counts=(0,) * (len(edges) + 1), sum_us=0)


def count(connection: Connection, checks: Iterable[Check], edges: Mapping[int, tuple[int, ...]]) -> None:
    """Count scheduled checks; belongs into the transaction that takes them from the inbox. `edges` are each service's, in µs."""
    ended: Counter[tuple[int, CheckReason]] = Counter()
    took: defaultdict[int, list[int]] = defaultdict(list)
    for check in checks:
        if check.kind is CheckKind.SCHEDULED and check.service_id in edges:
            ended[check.service_id, check.outcome.reason] += 1
            if check.outcome.response_time_s is not None:
                took[check.service_id].append(round(check.outcome.response_time_s * 1e6))
    connection.change_many(
        """
        INSERT INTO check_totals (service_id, reason, checks) VALUES (?, ?, ?)
        ON CONFLICT (service_id, reason) DO UPDATE SET checks = checks + excluded.checks
        """,
        [(service_id, reason.value, number) for (service_id, reason), number in ended.items()],
    )
    for service_id, values in took.items():
        _save(connection, service_id, _durations(connection, service_id, edges[service_id]).plus(values))


def endings(connection: Connection) -> dict[int, dict[CheckReason, int]]:
    """Return how many checks of each service ended how."""
    found: defaultdict[int, dict[CheckReason, int]] = defaultdict(dict)
    for row in connection.rows("SELECT service_id, reason, checks FROM check_totals"):
        found[integer(row[0])][CheckReason(text(row[1]))] = integer(row[2])
    return dict(found)


def durations(connection: Connection, known: Memo[Durations] | None = None) -> dict[int, Durations]:
    """Return how long the answers of each service took. Who asks again and again lends a memo."""
    read = (known or Memo()).of
    return {integer(row[0]): read(row[0], _read, row[1:]) for row in connection.rows("SELECT service_id, edges, counts, sum_us FROM response_totals")}


def _durations(connection: Connection, service_id: int, edges: tuple[int, ...]) -> Durations:
    """Return what is counted so far; from 0 where the edges are others by now."""
    row = connection.row("SELECT edges, counts, sum_us FROM response_totals WHERE service_id = ?", service_id)
    known = None if row is None else _read(row)
    return known if known is not None and known.edges == edges else empty(edges)


def _save(connection: Connection, service_id: int, found: Durations) -> None:
    connection.change(
        "INSERT OR REPLACE INTO response_totals (service_id, edges, counts, sum_us) VALUES (?, ?, ?, ?)",
        service_id,
        json.dumps(found.edges),
        json.dumps(found.counts),
        found.sum_us,
    )


def _read(row: tuple[apsw.SQLiteValue, ...]) -> Durations:
    return Durations(edges=tuple(json.loads(text(row[0]))), counts=tuple(json.loads(text(row[1]))), sum_us=integer(row[2]))
