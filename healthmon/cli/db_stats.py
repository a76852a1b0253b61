"""`healthmon db stats`: what takes the room, and how long will there be some?"""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.cli.context import open_database
from healthmon.cli.terminal import show_table
from healthmon.history.growth import days_until_full, per_day
from healthmon.store import backup, space

if TYPE_CHECKING:
    from healthmon.cli.context import Context

GROWTH = timedelta(days=14)
MIB = 2**20
SHOWN_ROWS = 1


@click.command("stats")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def stats(context: Context, *, as_json: bool) -> None:
    """Show rows and bytes of every table, how fast the database grows, and for how many days the disk will do."""
    paths = context.config.paths
    now = clock.now()
    connection = open_database(paths)
    try:
        tables = space.tables(connection)
        found = space.measure(connection)
        growth = per_day(space.sizes(connection, since=now - GROWTH))
    finally:
        connection.close()
    made = backup.backups(paths.backups, paths.database)
    free = shutil.disk_usage(paths.database.parent).free
    full = days_until_full(free, growth)
    document = {
        "database": str(paths.database),
        "bytes": found.size_bytes,
        "free_bytes_inside": found.free * found.page_bytes,
        "wal_bytes": space.wal_bytes(paths.database),
        "backups": len(made),
        "backup_bytes": sum(path.stat().st_size for path in made),
        "disk_free_bytes": free,
        "growth_bytes_per_day": None if growth is None else round(growth),
        "days_until_full": None if full is None else round(full),
        "tables": [{"table": one.name, "rows": one.rows, "bytes": one.bytes} for one in tables],
    }
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    rows = [(one.name, str(one.rows), f"{one.bytes / MIB:.2f}", f"{one.bytes / one.rows:.0f}" if one.rows else "") for one in tables]
    show_table(("table", "rows", "MiB", "bytes a row"), [row for row in rows if row[SHOWN_ROWS] != "0"], right={"rows", "MiB", "bytes a row"})
    inside = f"{found.size_bytes / MIB:.1f} MiB in all, {document['free_bytes_inside'] / MIB:.1f} of it free; -wal {document['wal_bytes'] / MIB:.1f} MiB"  # type: ignore[operator]  # numbers
    click.echo(f"\n{inside}; {len(made)} backups")
    click.echo(_outlook(growth, full, free))


def _outlook(growth: float | None, full: float | None, free: int) -> str:
    disk = f"{free / MIB:.0f} MiB are free on the disk"
    if growth is None:
        return f"{disk}; how fast it grows is known after two days"
    if full is None:
        return f"{disk}; it does not grow"
    return f"{disk}; it grows by {growth / MIB:.2f} MiB a day: enough for {full:.0f} days"
