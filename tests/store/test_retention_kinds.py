"""Nothing grows for ever: each table is one whose rows go after a time, or one that is said here not to grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.store import retention
from healthmon.store.opening import create_or_open

if TYPE_CHECKING:
    from pathlib import Path

GROWS_NOT = {  # a row a service, a channel or a name, or what is taken away by who has put it there
    "certificates",
    "channel_states",
    "check_totals",
    "configurations",
    "container_dependencies",
    "container_usage",
    "facts",
    "hour_sums",
    "inbox",
    "network_sharers",
    "performance_data",
    "probe_requests",
    "quarantines",
    "response_totals",
    "rule_states",
    "service_percentiles",
    "service_states",
    "service_sums",
    "services",
    "stale_rollups",
    "target_starts",
    "targets",
    "totals",
    "watermark",
}
FOR_EVER = {"service_days"}


def test_every_table_that_grows_has_a_time_after_which_its_rows_go(tmp_path: Path) -> None:
    database = create_or_open(tmp_path / "health_monitoring.db")
    tables = {str(row[0]) for row in database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")}
    pruned = {kind.table for kinds in retention.KINDS.values() for kind in kinds}
    with_others = set()
    for table in tables:
        for row in database.rows('SELECT "table", on_delete FROM pragma_foreign_key_list(?)', table):
            if row[0] in pruned:
                assert row[1] in {"CASCADE", "SET NULL"}, f"{table} would keep the keeper from deleting rows of {row[0]}"
                with_others |= {table} if row[1] == "CASCADE" else set()
    assert tables - pruned - with_others == GROWS_NOT | FOR_EVER
    database.close()
