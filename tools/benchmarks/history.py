"""What does history cost: bytes a check, the document's queries, report and dashboard, ingest, a day's pruning?

Beside the earlier script's plain table, with and without its best index, in the same run. Times are medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import answering  # beside this file
import apsw
import histories
import history_table
import ingesting
import pruning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthmon.store.connection import Connection

SERVICES, DAYS = 17, 30
QUERIES = {
    "24 hours": """SELECT service_name, AVG(response_time) as avg_response_time, MAX(response_time) as max_response_time, COUNT(*) as checks_count
FROM health_checks WHERE timestamp > datetime('now', '-24 hours') GROUP BY service_name ORDER BY avg_response_time DESC;""",
    "7 days": """SELECT service_name, COUNT(*) as total_checks, SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) as healthy_checks,
ROUND(SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) * 100.0 / COUNT(*), 2) as uptime_percentage
FROM health_checks WHERE timestamp > datetime('now', '-7 days') GROUP BY service_name ORDER BY uptime_percentage ASC;""",
}
Results = dict[str, Any]


def size_and_queries(directory: Path, rounds: int, days: float) -> Results:
    """Return bytes a check, and what the document's queries take in the sqlite3 shell."""
    paths = {name: directory / f"{name}.db" for name in ("ours", "plain with index", "plain")}
    connection = histories.ours(paths["ours"], SERVICES, days)
    histories.plain(paths["plain with index"], paths["ours"], index=True)
    histories.plain(paths["plain"], paths["ours"], index=False)
    rows = _count(connection)
    connection.close()
    found: Results = {"checks": rows, "bytes a check": {name: round(path.stat().st_size / rows, 1) for name, path in paths.items()}}
    for query, sql in QUERIES.items():
        took: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                took[name].append(_in_shell(path, sql))
        found[f"{query}, ms in the sqlite3 shell"] = {name: round(statistics.median(one), 1) for name, one in took.items()}
    return found


def _in_shell(path: Path, sql: str) -> float:
    """Return the milliseconds that a query takes in Debian's shell, as its own timer says."""
    done = subprocess.run(["sqlite3", str(path)], input=f".timer on\n{sql}\n", capture_output=True, text=True, check=True)  # noqa: S603, S607  ours
    [line] = [line for line in done.stdout.splitlines() if line.startswith("Run Time: real")]
    return 1_000 * float(line.split()[3])


def _count(connection: Connection) -> int:
    found = connection.row("SELECT count(*) FROM checks")
    return 0 if found is None else int(str(found[0]))


@contextmanager
def _kept_in(directory: Path | None) -> Iterator[Path]:
    if directory is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)
    else:
        directory.mkdir(exist_ok=True)
        yield directory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--days", type=float, default=DAYS, help="of checks, for sizes and queries")
    parser.add_argument("--seconds", type=float, default=60, help="of ingest")
    parser.add_argument("--kept", type=int, default=answering.KEPT, metavar="DAYS", help="of checks, for answers; what the agent keeps takes four gigabytes")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="leave the databases there, and use those that are")
    parser.add_argument("--only", choices=("size", "answers", "ingest", "pruning"))
    parser.add_argument("--json", type=Path, help="write the results here, too, beside those of other parts that are there")
    parser.add_argument("--into", type=Path, metavar="DOCUMENT", help="put the table of all that --json holds into this document")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path], Results]] = {
        "size": lambda directory: size_and_queries(directory, options.rounds, options.days),
        "answers": lambda directory: answering.measure(directory, options.rounds, options.kept),
        "ingest": lambda directory: ingesting.measure(directory, options.seconds),
        "pruning": pruning.measure,
    }
    known = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for name, part in parts.items():
        if options.only in {None, name}:
            with _kept_in(options.keep) as directory:
                load = os.getloadavg()[0]
                known[name] = part(directory) | {"load average before": round(load, 1)}
            print(name, json.dumps(known[name], indent=2))
    known |= {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    if options.json:
        options.json.write_text(json.dumps(known, indent=2) + "\n")
    if options.json and options.into:
        history_table.put_into(options.into, options.json)


if __name__ == "__main__":
    main()
