"""Where does the healer say which containers live in another one's network?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.network_sharer import NetworkSharer
from healthmon.model.target import Incarnation
from healthmon.store.row import integer, integer_or_none, text, time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.store.connection import Connection


def publish(connection: Connection, sharers: Iterable[NetworkSharer]) -> None:
    """Replace all that is known of them."""
    connection.change("DELETE FROM network_sharers")
    connection.change_many(
        """
        INSERT INTO network_sharers (target_id, provider_id, started, name, started_at, stop_timeout_s, service_id)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (
                one.incarnation.target_id,
                one.provider_id,
                one.incarnation.started,
                one.name,
                clock.to_sql(one.started_at),
                one.stop_timeout_s,
                one.service_id,
            )
            for one in sharers
        ],
    )


def of_provider(connection: Connection, provider_id: str) -> list[NetworkSharer]:
    """Return the containers in the network of one."""
    rows = connection.rows(
        """
        SELECT target_id, started, name, started_at, stop_timeout_s, service_id FROM network_sharers
        WHERE provider_id = ? ORDER BY name
        """,
        provider_id,
    )
    return [
        NetworkSharer(
            provider_id=provider_id,
            incarnation=Incarnation(target_id=text(row[0]), started=text(row[1])),
            name=text(row[2]),
            started_at=time(row[3]),
            stop_timeout_s=integer(row[4]),
            service_id=integer_or_none(row[5]),
        )
        for row in rows
    ]
