"""Faults of the database's files, which somebody deletes, moves or replaces: F42-rm, F43."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.disks import (
    CONTROL,
    LOST,
    DiskAgent,
    assert_starts_again,
    assert_unaccused,
    assert_unharmed,
    beside,
    wait_until_current,
    watching,
    widest_gap_s,
)
from tests.faults.harness import row, since

if TYPE_CHECKING:
    from pathlib import Path

USERS = ("evaluator", "probe-core", "healer")


@row("F42-rm", "the database is deleted while stopped: a new one, and one history_lost event, not one a start", bound_s=15, in_ci=False)
def deleted_while_stopped() -> float:
    with watching() as host:
        host.stop()
        host.paths.database.unlink()
        host.before.may_forget = True
        began = time.monotonic()
        assert_starts_again(host)
        took = since(began)
        _assert_loss_told_once(host, "a new one begins")
        host.stop()
        assert_starts_again(host)
        _assert_loss_told_once(host, "a new one begins")
        return took


@row("F43-wal", "the -wal is deleted after a kill of everything: what is missing is said once", bound_s=15)
def wal_deleted_after_a_crash() -> float:
    with watching() as host:
        wait_for(lambda: 'written_until": "2' in host.paths.sentinel.read_text(), timeout_s=30, what="the mark to be made")
        host.kill_everything()
        assert beside(host, "-wal").stat().st_size > 0
        beside(host, "-wal").unlink()
        host.before.may_forget = True
        began = time.monotonic()
        assert_starts_again(host)
        took = since(began)
        _assert_loss_told_once(host, "lacks the history")
        return took


@row("F43", "the database is moved away under live processes and put back: said, waited for, nothing lost", bound_s=30, in_ci=False)
def moved_away() -> float:
    with watching() as host:
        before = host.pids()
        aside = host.paths.data_dir / "aside"
        began = time.monotonic()
        host.paths.database.rename(aside)
        names = ("evaluator", "probe-core")
        wait_for(lambda: all("deleted or moved away" in host.log(name) for name in names), timeout_s=40, what="all to notice")
        took = since(began)
        assert not host.paths.database.exists(), "somebody made a new database silently"
        aside.rename(host.paths.database)
        wait_until_current(host, timeout_s=20)
        assert_unharmed(host, before)
        return took


@row("F43-restored", "the database is replaced by an older copy under live processes: they begin again on it", bound_s=30, in_ci=False)
def replaced() -> float:
    with watching() as host:
        before = host.pids()
        copy = _copy(host)
        stored = host.checks()
        host.wait_for_checks(above=stored + 4, what="checks that the copy lacks")
        began = time.monotonic()
        copy.replace(host.paths.database)
        host.before.may_forget = True
        host.wait_until_replaced(*USERS, before=before)
        wait_until_current(host, timeout_s=30)
        took = since(began)
        assert host.pids()["watchdog"] == before["watchdog"]
        assert _given_up(host) == [], "supervisord gave up on a program"
        _assert_whole(host, gap_s=took + 5)
        return took


@row("F43-live-wal", "the -wal is deleted under live processes: nothing that was stored is lost, all begin again", bound_s=30, in_ci=False)
def wal_deleted_live() -> float:
    with watching() as host:
        before = host.pids()
        stored = host.rows("SELECT service_name, timestamp FROM health_checks")
        began = time.monotonic()
        beside(host, "-wal").unlink()
        host.wait_until_replaced(*USERS, before=before)
        wait_until_current(host, timeout_s=30)
        took = since(began)
        assert set(stored) <= set(host.rows("SELECT service_name, timestamp FROM health_checks")), "checks were lost"
        _assert_whole(host, gap_s=took + 2)  # as long as it took, and an interval before and after
        return took


def _assert_loss_told_once(host: DiskAgent, words: str) -> None:
    [(service, severity, status, message)] = host.rows(LOST)
    assert (service, severity, status) == ("healthmon", "warning", "resolved")
    assert words in message, message
    for place, text in (("the log", host.log("agent")), ("stderr", host.said())):
        assert text.count("ALERT type=history_lost") == 1, f"it stands {text.count('history_lost')} times in {place}"


def _assert_whole(host: DiskAgent, *, gap_s: float) -> None:
    assert_unaccused(host)
    assert widest_gap_s(host) <= gap_s, f"there are no looks for {widest_gap_s(host):.1f} s"
    assert host.statuses()[CONTROL] == "healthy"
    host.assert_sound()


def _given_up(host: DiskAgent) -> list[str]:
    return [line for line in host.log("watchdog").splitlines() if "given_up" in line]


def _copy(host: DiskAgent) -> Path:
    """Make a backup as the user's document does."""
    source, target = sqlite3.connect(host.paths.database), sqlite3.connect(host.paths.data_dir / "backup.db")
    source.backup(target)
    source.close()
    target.close()
    return host.paths.data_dir / "backup.db"
