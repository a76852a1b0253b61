"""Where is kept what our own processes used?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.process import ProcessSample
from healthmon.store.row import integer, real, text, time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.store.connection import Connection


def append(connection: Connection, samples: Sequence[ProcessSample]) -> None:
    """Write the samples of one moment."""
    with connection.transaction(durable=False):
        connection.change_many(
            """
            INSERT OR REPLACE INTO process_samples (timestamp, program, pid, rss_bytes, pss_bytes, uss_bytes, cpu_s,
                                                    threads, open_files)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                (
                    clock.to_sql(one.sampled_at),
                    one.program,
                    one.pid,
                    one.rss_bytes,
                    one.pss_bytes,
                    one.uss_bytes,
                    one.cpu_s,
                    one.threads,
                    one.open_files,
                )
                for one in samples
            ],
        )


def since(connection: Connection, at: datetime) -> list[ProcessSample]:
    """Return the samples taken at `at` or later, oldest first."""
    rows = connection.rows(
        """
        SELECT timestamp, program, pid, rss_bytes, pss_bytes, uss_bytes, cpu_s, threads, open_files
        FROM process_samples WHERE timestamp >= ? ORDER BY timestamp, program
        """,
        clock.to_sql(at),
    )
    return [
        ProcessSample(
            sampled_at=time(row[0]),
            program=text(row[1]),
            pid=integer(row[2]),
            rss_bytes=integer(row[3]),
            pss_bytes=integer(row[4]),
            uss_bytes=integer(row[5]),
            cpu_s=real(row[6]),
            threads=integer(row[7]),
            open_files=integer(row[8]),
        )
        for row in rows
    ]


def newest(connection: Connection) -> list[ProcessSample]:
    """Return the samples of the last moment at which any were taken."""
    found = connection.row("SELECT max(timestamp) FROM process_samples")
    return [] if found is None or found[0] is None else since(connection, time(found[0]))
