"""The control of every figure: the shortest honest agent, as people write it.

Eight threads, `requests.get` with its defaults, one row a check into SQLite, one commit a second. No confirmation, no
evaluation, no healing, no second process: what an agent costs beyond this is what its features cost.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

import requests

THREADS = 8


def ask(jobs: SimpleQueue[str], results: SimpleQueue[tuple[str, float, str]]) -> None:
    """Ask one URL after the other."""
    while True:
        url = jobs.get()
        began = time.monotonic()
        try:
            status = "healthy" if requests.get(url, timeout=10).ok else "unhealthy"
        except requests.RequestException:
            status = "unhealthy"
        results.put((status, time.monotonic() - began, url))


def main(urls: list[str], interval_s: float, path: str) -> None:
    """Ask `urls` every `interval_s`, evenly spread, for ever."""
    jobs: SimpleQueue[str] = SimpleQueue()
    results: SimpleQueue[tuple[str, float, str]] = SimpleQueue()
    for _ in range(THREADS):
        threading.Thread(target=ask, args=(jobs, results), daemon=True).start()
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE health_checks (service_name, status, response_time, timestamp)")
    database.execute("CREATE INDEX by_time ON health_checks (timestamp)")
    start, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - start) * len(urls) / interval_s)
        for number in range(sent, due):
            jobs.put(urls[number % len(urls)])
        sent = due
        time.sleep(min(1.0, interval_s / len(urls)))
        store(database, results)


def store(database: sqlite3.Connection, results: SimpleQueue[tuple[str, float, str]]) -> None:
    """Write what is there, in one transaction."""
    rows = []
    while True:
        try:
            rows.append(results.get_nowait())
        except Empty:
            break
    if rows:
        with database:
            database.executemany("INSERT INTO health_checks VALUES (?, ?, ?, datetime('now'))", [(u, s, t) for s, t, u in rows])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), float(sys.argv[2]), sys.argv[3])
