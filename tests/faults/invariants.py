"""What must hold of an agent when a row is over, whatever was done to it? The five invariants of the matrix.

    I1  no alert and no message that was committed is missing, and what is marked as sent was received
    I2  nothing was restarted that the ledger does not know of: see `ward.py`, where somebody else counts restarts
    I3  the database is whole
    I4  every process runs, one of each, and every heart beats
    I5  nobody met a bug, and no process keeps files or threads that it did not have before

What was counted for it is told beside the row's seconds, and summed up over all rows.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from healthmon.store import space
from healthmon.watch.policy import HUNG_AFTER_S
from tests.containers import wait_for
from tests.faults import notes
from tests.receivers import Receiver

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Mapping

    from healthmon.paths import Paths
    from tests.faults.signs import Signs

SETTLES_WITHIN_S = 20.0
MORE_FILES, MORE_THREADS = 10, 10  # a lane that is kept, a connection that is open just now
MAX_WAL_BYTES = 64 * 2**20
UNWELL = re.compile("no heartbeat|cannot work|given up|starting|supervisord")
ALERTS = "SELECT alert_id, alert_type, triggered_at FROM alert_log"
MESSAGES = "SELECT notification_id, kind, created_at FROM notifications"
# What the receiver behind the webhook must have: what is marked as sent, and what in one step with it was to be addressed to somebody.
SENT = """
    SELECT notification_id FROM deliveries WHERE state = 'sent' AND channel = 'webhook'
    UNION SELECT notification_id FROM notifications WHERE notification_id NOT IN (SELECT notification_id FROM deliveries)"""
ANNOUNCED_WITHOUT_MESSAGE = """
    SELECT count(*) FROM conversations AS c WHERE announced_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM notifications AS n, json_each(n.content, '$.affected') AS one
        WHERE json_extract(one.value, '$.conversation_id') = c.conversation_id)"""


class Subject(Protocol):
    """An agent that was put through something."""

    paths: Paths
    source: Path
    signs: Signs
    process: subprocess.Popen[bytes]

    def pids(self) -> dict[str, int]:
        """Return the programs that run now, with their pids."""


@dataclass(kw_only=True)
class Before:
    """What there was of an agent: its processes' files and threads, and what it had committed at the last moments that matter."""

    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)  # files and threads, by pid
    committed: set[tuple[str, Any]] = field(default_factory=set)
    may_forget: bool = False  # the row itself takes history away
    is_spoilt: bool = False  # the row itself has damaged the database, and leaves it so

    def remember(self, database: Path) -> None:
        """Keep what is committed now: from here on it must be there, whatever happens next."""
        self.committed |= _committed(database)


def judge_running(host: Subject, told: Before, programs: Collection[str]) -> None:
    """I4, and what of I5 can be seen of processes that live. An agent that a row has ended is judged by what it left alone."""
    if host.process.poll() is not None:
        return
    wait_for(lambda: set(programs) <= set(host.pids()), timeout_s=30, what="all programs to run at the end")
    wait_for(lambda: host.signs.age_s < HUNG_AFTER_S / 2 and not UNWELL.search(host.signs.words), timeout_s=HUNG_AFTER_S + SETTLES_WITHIN_S, what="every heart to beat")
    assert_one_of_each(host)
    wait_for(lambda: not _grown(told.sizes), timeout_s=SETTLES_WITHIN_S, what="files and threads to be given back")
    assert space.wal_bytes(host.paths.database) < MAX_WAL_BYTES, "the log of the database was never written back"


def judge_left(host: Subject, told: Before, programs: Collection[str], *, bugs_are_expected: bool = False) -> None:
    """I1, I3 and the rest of I5, by what an agent left."""
    if host.paths.database.exists() and not told.is_spoilt:
        with closing(_opened(host.paths.database)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is damaged"
        _judge_committed(host, told)
    for name in programs:
        bugs = re.findall(r"^.*(?:step_failed|Traceback).*$", _text(host.paths.log(name)), re.MULTILINE)
        assert bugs_are_expected or not bugs, f"{name} met a bug: {bugs[0][:200]}"


def _judge_committed(host: Subject, told: Before) -> None:
    now = _committed(host.paths.database)
    missing = set() if told.may_forget else told.committed - now
    unheard = _unheard(host)
    alerts = {one for one in told.committed | now if one[0] == "alert"}
    notes.count(alerts=len(alerts), messages=len(told.committed | now) - len(alerts), lost=len(missing) + len(unheard))
    assert not missing, f"{len(missing)} committed alerts or messages are lost: {min(missing)}"
    assert not unheard, f"{len(unheard)} messages are marked as sent, or are nobody's, and their receiver has none of them: {sorted(unheard)[:5]}"
    with closing(_opened(host.paths.database)) as database:
        [(unsaid,)] = database.execute(ANNOUNCED_WITHOUT_MESSAGE)
    assert not unsaid, f"{unsaid} outages are announced, and there is no message of them"


def _committed(database: Path) -> set[tuple[str, Any]]:
    """Return the alerts and messages that are there; none where nobody can read."""
    with suppress(sqlite3.Error), closing(_opened(database)) as connection:
        return {("alert", row) for row in connection.execute(ALERTS)} | {("message", row) for row in connection.execute(MESSAGES)}
    return set()


def _unheard(host: Subject) -> set[int]:
    """Return the messages that are marked as sent to a receiver of the row's that never got them."""
    settings: Mapping[str, Any] = json.loads(host.source.read_text()).get("alerting", {}).get("webhook_notifications", {})
    port = str(settings.get("url", "")).rpartition("/")[0].rpartition(":")[2]
    receiver = Receiver.at(int(port)) if port.isdigit() else None
    if receiver is None:
        return set()
    heard = {int(request.key.rsplit("-", 2)[1]) for request in receiver.requests if "Idempotency-Key" in request.headers}
    with closing(_opened(host.paths.database)) as connection:
        return {number for (number,) in connection.execute(SENT)} - heard


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)


def _text(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return ""


def sizes(pids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return how many files and threads these processes have."""
    found = {}
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            found[pid] = (process.num_fds(), process.num_threads())
    return found


def _grown(before: Mapping[int, tuple[int, int]]) -> list[str]:
    """Return the processes that have many more files or threads than then. One that is another by now is no matter."""
    return [
        f"{pid}: {before[pid]} files and threads became {(files, threads)}"
        for pid, (files, threads) in sizes(before).items()
        if files > before[pid][0] + MORE_FILES or threads > before[pid][1] + MORE_THREADS
    ]


def assert_one_of_each(host: Subject) -> None:
    """No process of an earlier life is left beside one of this."""
    titles = [title for process in psutil.Process(host.process.pid).children(recursive=True) if (title := _title(process))]
    strays = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][0].startswith("healthmon: ") and _is_of(process, host.paths.data_dir)
    ]
    assert len(titles) == len(set(titles)), f"two of one: {sorted(titles)}"
    assert len(strays) <= len(titles) + 1, f"processes of an earlier life: {strays}"


def _title(process: psutil.Process) -> str:
    """Return what a process calls itself; nothing of one that is just over, such as who sent a message."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _is_of(process: psutil.Process, directory: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return Path(process.cwd()) == directory
    return False
