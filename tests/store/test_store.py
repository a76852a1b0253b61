"""The database on real files: what goes in comes out, invariants hold, and foreign or newer files are refused."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import apsw
import pytest

from healthmon.errors import (
    StoreBusyError,
    StoreError,
    StoreGoneError,
    StoreReplacedError,
    StoreUnavailableError,
    UsageError,
)
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.configuration import Configuration, ConfigurationCause
from healthmon.model.delivery import DeliveryState
from healthmon.model.heal import HealAction, HealState
from healthmon.model.incident import IncidentResolution
from healthmon.model.notification import NotificationKind
from healthmon.model.operator_action import OperatorActionKind
from healthmon.model.rule_state import RulePhase
from healthmon.model.service import Service
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Incarnation, TargetChange, TargetHealth, TargetKind, TargetState
from healthmon.status.uptime import Booked, Uptime
from healthmon.store import (
    alerts,
    check_rows,
    checks,
    configurations,
    connection,
    facts,
    heals,
    incidents,
    looks,
    probe_requests,
    services,
    states,
    targets,
)
from healthmon.store.opening import create_or_open, open_for_reading, open_for_writing
from healthmon.store.sqlite import require_safe_sqlite
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_check, a_heal, a_target, ago, an_unhealthy_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import StrEnum
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "core", True), ("frontend", "platform", False)], now=NOW)
    yield opened
    opened.close()


def open_incident(database: Connection, service_id: int = 1) -> int:
    return incidents.open_incident(
        database,
        service_id,
        started_at=ago(60),
        detected_at=ago(56),
        episode_started_at=ago(60),
        reason=CheckReason.STATUS,
        error_message="got 500",
    ).incident_id


def test_checks_come_out_of_the_inbox_as_they_went_in_and_in_their_order(database: Connection) -> None:
    written = [
        a_check(CheckReason.STATUS, status_code=500, error_message="got 500", at=ago(1)),
        a_check(at=ago(2), kind=CheckKind.RECHECK, service_id=2),
        a_check(CheckReason.NO_NETWORK, at=NOW, response_time_s=None, kind=CheckKind.REQUESTED),
    ]
    checks.append(database, written)
    entries = checks.read_inbox(database, limit=10)
    assert [entry.check for entry in entries] == written
    checks.delete_inbox_until(database, entries[1].inbox_id)
    assert [entry.check for entry in checks.read_inbox(database, limit=10)] == written[2:]


def test_two_looks_in_one_millisecond_are_both_kept(database: Connection) -> None:
    checks.append(database, [a_check(), a_check(CheckReason.REFUSED)])
    assert len(checks.read_inbox(database, limit=10)) == 2


def test_many_checks_of_one_commit_keep_what_each_says(database: Connection) -> None:
    """They go in fifty to a statement, the rest one by one."""
    reasons = [CheckReason.OK, CheckReason.STATUS, CheckReason.NO_NETWORK]
    written = [
        a_check(reasons[number % 3], at=ago(number // 4), service_id=1 + number % 2, error_message=str(number))
        for number in range(2 * checks.TOGETHER + 7)
    ]
    checks.append(database, written)
    checks.append(database, written[:1])  # is there already: takes the next free place
    assert [entry.check for entry in checks.read_inbox(database, limit=500)] == [*written, written[0]]


def test_a_check_deleted_by_a_person_leaves_the_inbox_without_effect(database: Connection) -> None:
    checks.append(database, [a_check()])
    database.change("DELETE FROM health_checks")
    assert [entry.check for entry in checks.read_inbox(database, limit=10)] == [None]


def test_only_scheduled_looks_that_found_something_out_are_health_checks(database: Connection) -> None:
    kinds = [CheckKind.SCHEDULED, CheckKind.RECHECK, CheckKind.REQUESTED]
    checks.append(database, [a_check(at=ago(n), kind=kind) for n, kind in enumerate(kinds)])
    checks.append(database, [a_check(CheckReason.NO_NETWORK, at=ago(9), response_time_s=None)])
    assert database.rows("SELECT service_name, status, response_time FROM health_checks") == [("doc_store", "healthy", 0.01)]


def test_looks_are_the_newest_in_their_order(database: Connection) -> None:
    reasons = [CheckReason.OK, CheckReason.STATUS, CheckReason.OK, CheckReason.NO_NETWORK]
    checks.append(database, [a_check(reason, at=ago(10 - n)) for n, reason in enumerate(reasons)])
    found = looks.statuses_between(database, 1, ago(9), NOW, limit=2, asked_for_only=False)
    assert [status.value for status in found] == ["healthy", "unknown"]


def test_states_and_hours_come_back_as_they_were(database: Connection) -> None:
    state = an_unhealthy_state(last_error="got 500")
    states.save(database, [(state, Uptime(percentage=99.5, coverage=80.0)), (ServiceState(service_id=2), Uptime())])
    assert states.load(database) == {1: state, 2: ServiceState(service_id=2)}
    assert states.uptimes(database) == {1: Uptime(percentage=99.5, coverage=80.0), 2: Uptime()}
    states.save_hours(database, [(1, ago(0), Booked(healthy_s=1)), (1, ago(0), Booked(healthy_s=2, unknown_s=3))])
    assert states.hours_between(database, [1, 2], ago(3_600), NOW) == {1: {NOW: Booked(healthy_s=2, unknown_s=3)}, 2: {}}


def test_hours_are_searched_by_their_time_and_never_by_reading_all_of_them(database: Connection) -> None:
    states.save_hours(database, [(sid, ago(hour * 3_600), Booked(healthy_s=hour)) for sid in (1, 2) for hour in range(5)])
    said: list[str] = []
    database._db.trace_v2(apsw.SQLITE_TRACE_STMT, lambda found: said.append(found["sql"]))
    assert states.hours_between(database, [2], ago(3_600), NOW) == {2: {NOW: Booked(), ago(3_600): Booked(healthy_s=1)}}
    database._db.trace_v2(0, None)
    [query] = said
    [plan] = database.rows(f"EXPLAIN QUERY PLAN {query}", "", "")
    assert "SEARCH service_hours USING PRIMARY KEY (hour>? AND hour<?)" in plan


def test_a_service_that_was_never_checked_is_unknown(database: Connection) -> None:
    assert database.rows("SELECT current_status, uptime_percentage FROM service_status") == [("unknown", None)] * 2


def test_a_removed_service_keeps_its_history_and_comes_back_under_its_id(database: Connection) -> None:
    checks.append(database, [a_check()])
    assert list(services.sync(database, [("frontend", "platform", False)], now=NOW)) == ["frontend"]
    assert len(database.rows("SELECT 1 FROM health_checks")) == 1
    assert services.sync(database, [("doc_store", "other", False)], now=NOW)["doc_store"].service_id == 1


def test_a_service_has_at_most_one_open_incident(database: Connection) -> None:
    first = open_incident(database)
    with pytest.raises(StoreError):
        open_incident(database)
    incidents.resolve(database, first, at=NOW, resolution=IncidentResolution.RECOVERED)
    second = open_incident(database)
    assert [incident.incident_id for incident in incidents.open_incidents(database)] == [second]
    assert incidents.latest_resolved(database)[1].resolved_at == NOW


def test_a_service_has_at_most_one_open_heal(database: Connection) -> None:
    incident_id = open_incident(database)
    heals.add(database, a_heal(HealState.PLANNED, incident_id=incident_id))
    with pytest.raises(StoreError):
        heals.add(database, a_heal(HealState.PLANNED, incident_id=incident_id))


def test_a_heal_moves_along_its_arrows_only(database: Connection) -> None:
    heal_id = heals.add(database, a_heal(HealState.PLANNED, incident_id=open_incident(database)))
    new = Incarnation(target_id="c" * 64, started="later")
    assert not heals.mark_returned(database, heal_id, at=NOW, new=new, detail="")
    planned = heals.get(database, heal_id)
    assert heals.issue(database, heal_id, at=ago(5))
    assert not heals.issue(database, heal_id, at=NOW)
    assert not heals.close(database, planned, HealState.DROPPED, at=NOW, detail="")
    assert heals.mark_returned(database, heal_id, at=ago(1), new=new, detail="restarted")
    returned = heals.get(database, heal_id)
    assert (returned.state, returned.issued_at, returned.new_incarnation) == (HealState.RETURNED, ago(5), new)
    assert heals.close(database, returned, HealState.VERIFIED, at=NOW, detail="3 good")
    assert heals.open_heals(database) == []
    assert [heal.state for heal in heals.recent(database, limit=5)] == [HealState.VERIFIED]


def test_targets_come_back_as_they_were(database: Connection) -> None:
    target = a_target(compose_depends_on=("redis", "db"), previous_exit_code=137, previous_oom_killed=True)
    seen = TargetReport(observed_at=NOW, target=target, matched_by="container", matched_since=ago(60))
    missing = TargetReport(observed_at=NOW, problem="no container is called hackathon-frontend-1")
    targets.publish(database, {1: seen, 2: missing})
    assert targets.load(database) == {1: seen, 2: missing}
    changed = TargetReport(observed_at=NOW, target=target, matched_by="container", change=TargetChange.IMAGE, changed_at=ago(5))
    targets.publish(database, {1: changed})
    assert targets.load(database)[1] == changed


def test_an_alert_of_a_type_fires_once_until_it_is_resolved(database: Connection) -> None:
    alert = Alert(service_id=1, alert_type="t", severity=AlertSeverity.CRITICAL, message="m", triggered_at=NOW)
    assert alerts.fire(database, alert)
    assert not alerts.fire(database, alert)
    alerts.resolve(database, 1, "t", at=NOW)
    assert alerts.fire(database, alert)
    assert database.rows("SELECT status, count(*) FROM alerts GROUP BY status ORDER BY status") == [
        ("firing", 1),
        ("resolved", 1),
    ]


def test_requests_end_by_themselves(database: Connection) -> None:
    probe_requests.ask(database, 1, every_s=0.5, until=NOW)
    assert probe_requests.standing(database, now=ago(1)) == {1: 0.5}
    assert probe_requests.standing(database, now=NOW) == {}
    probe_requests.withdraw(database, 1)
    assert probe_requests.standing(database, now=ago(1)) == {}


def test_facts_are_replaced(database: Connection) -> None:
    facts.note_time(database, "a", NOW)
    facts.note_time(database, "a", ago(1))
    assert (facts.noted_time(database, "a"), facts.noted_time(database, "b")) == (ago(1), None)


def test_a_transaction_that_fails_leaves_nothing(database: Connection) -> None:
    def fail() -> None:
        with database.transaction(durable=True):
            facts.note_time(database, "a", NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert facts.noted_time(database, "a") is None


def test_a_foreign_lock_is_a_busy_error_that_may_pass(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 10)
    other = open_for_writing(database.path)
    with database.transaction(durable=False), pytest.raises(StoreBusyError) as raised:
        services.sync(other, [], now=NOW)
    other.close()
    assert not raised.value.permanent


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_durable_transactions_reach_the_disk(database: Connection, level: int, *, durable: bool) -> None:
    with database.transaction(durable=durable):
        assert database.rows("PRAGMA synchronous") == [(level,)]


def test_a_newer_schema_is_refused_and_left_as_it_is(database: Connection) -> None:
    database.rows("PRAGMA user_version = 99")
    for opener in (open_for_writing, open_for_reading):
        with pytest.raises(UsageError, match="written by a newer version"):
            opener(database.path)
    assert database.rows("PRAGMA user_version") == [(99,)]


def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    foreign = apsw.Connection(str(path))
    foreign.execute("CREATE TABLE health_checks (x)")
    foreign.close()
    with pytest.raises(UsageError, match="not a database of healthmon"):
        open_for_writing(path)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is a shopping list\n" * 100)
    with pytest.raises(StoreError, match="cannot be read as a database"):
        open_for_writing(path)
    assert path.read_text().startswith("this is a shopping list")


def test_a_service_that_is_new_has_an_id_before_it_is_watched(database: Connection) -> None:
    before = services.by_name(database)
    found = services.ids(database, [("doc_store", "other", False), ("gateway", "core", True)])
    assert found == {"doc_store": 1, "frontend": 2, "gateway": 3}
    assert services.by_name(database) == before
    services.sync(database, [("gateway", "core", True)], now=NOW)
    assert services.by_name(database) == {"gateway": Service(service_id=3, name="gateway", group="core", critical=True)}


def test_asking_for_the_id_of_a_service_that_is_gone_does_not_bring_it_back(database: Connection) -> None:
    services.sync(database, [("frontend", "platform", False)], now=NOW)
    assert services.ids(database, [("doc_store", "other", False)])["doc_store"] == 1
    assert list(services.by_name(database)) == ["frontend"]


def test_a_service_that_returns_has_its_history(database: Connection) -> None:
    services.sync(database, [("frontend", "platform", False)], now=NOW)
    found = services.sync(database, [("doc_store", "other", False)], now=NOW)
    assert found == {"doc_store": Service(service_id=1, name="doc_store", group="other", critical=False)}


def a_configuration(number: int, content: str) -> Configuration:
    return Configuration(number=number, applied_at=NOW, author="ann", cause=ConfigurationCause.RELOAD, source="/c.json", content=content)


def test_a_configuration_is_kept_once_and_only_when_it_says_something_else(database: Connection) -> None:
    for one in (a_configuration(1, "{}"), a_configuration(1, "{}"), a_configuration(2, "{}"), a_configuration(3, '{"a": 1}')):
        configurations.enter(database, one)
    assert [one.number for one in configurations.history(database, limit=10)] == [3, 1]
    assert configurations.newest(database) == a_configuration(3, '{"a": 1}')


def test_only_the_last_configurations_are_kept(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configurations, "KEPT", 3)
    for number in range(1, 8):
        configurations.enter(database, a_configuration(number, str(number)))
    assert [one.number for one in configurations.history(database, limit=10)] == [7, 6, 5]


def test_opening_for_writing_never_makes_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreGoneError, match="`healthmon run` make a new one") as raised:
        open_for_writing(tmp_path / "none" / "none.db")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def append_one(database: Connection) -> None:
    checks.append(database, [a_check()])


def read_one(database: Connection) -> None:
    checks.read_inbox(database, limit=1)


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    path.unlink()
    create_or_open(path).close()


@pytest.mark.parametrize("use", [append_one, read_one])
@pytest.mark.parametrize(("spoil", "expected"), [(delete, StoreGoneError), (replace, StoreReplacedError)])
def test_a_database_that_was_deleted_or_replaced_is_noticed_by_the_next_use(
    database: Connection,
    spoil: Callable[[Path], None],
    expected: type[StoreError],
    use: Callable[[Connection], None],
) -> None:
    append_one(database)
    spoil(database.path)
    for _ in range(2):
        with pytest.raises(expected, match="while in use"):
            use(database)
    assert not database._db.in_transaction


def test_a_database_that_is_back_works_again(database: Connection, tmp_path: Path) -> None:
    database.path.rename(tmp_path / "aside.db")
    with pytest.raises(StoreError, match="deleted or moved away"):
        append_one(database)
    (tmp_path / "aside.db").rename(database.path)
    append_one(database)
    assert len(checks.read_inbox(database, limit=10)) == 1


STILL_OPEN = """
import sys, apsw
held = apsw.Connection(sys.argv[1])
for text in ("before", "after"):
    held.execute("INSERT INTO facts VALUES (?, 'x')", (text,))
    print(text, flush=True)
    sys.stdin.readline()
"""


def test_a_new_database_shares_nothing_with_a_deleted_one_that_another_process_has_open(database: Connection) -> None:
    command = [sys.executable, "-c", STILL_OPEN, str(database.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "before\n"
        database.close()
        database.path.unlink()
        new = create_or_open(database.path)
        services.sync(new, [("doc_store", "core", True)], now=NOW)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "after\n"
        append_one(new)
    assert list(services.by_name(new)) == ["doc_store"]
    assert new.rows("SELECT count(*) FROM facts") == [(0,)]
    assert new.rows("PRAGMA integrity_check") == [("ok",)]
    new.close()


def test_a_disk_that_does_not_answer_may_come_back(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(os, "stat", broken)
        with pytest.raises(StoreUnavailableError, match="cannot be looked at: Input/output error"):
            append_one(database)
    append_one(database)


def test_many_who_make_the_database_at_once_make_one(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: create_or_open(path), range(8)))
    for number, connection_ in enumerate(made):
        facts.note_time(connection_, str(number), NOW)
    assert made[0].rows("SELECT count(*) FROM facts") == [(8,)]
    for connection_ in made:
        connection_.close()


def test_reading_never_makes_a_database(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no database"):
        open_for_reading(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_an_sqlite_that_can_corrupt_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match="can corrupt"):
        require_safe_sqlite(version)


def test_ours_is_safe() -> None:
    require_safe_sqlite(apsw.sqlite_lib_version())
    require_safe_sqlite("3.52.0")


WORDS: list[tuple[str, str, type[StrEnum]]] = [
    ("configurations", "cause", ConfigurationCause),
    ("rule_states", "phase", RulePhase),
    ("conversations", "severity", AlertSeverity),
    ("conversations", "announced_severity", AlertSeverity),
    ("operator_actions", "kind", OperatorActionKind),
    ("notifications", "kind", NotificationKind),
    ("notifications", "severity", AlertSeverity),
    ("deliveries", "state", DeliveryState),
    ("service_states", "status", ServiceStatus),
    ("service_states", "previous_status", ServiceStatus),
    ("incidents", "resolution", IncidentResolution),
    ("alert_log", "severity", AlertSeverity),
    ("targets", "kind", TargetKind),
    ("targets", "state", TargetState),
    ("targets", "change", TargetChange),
    ("targets", "health", TargetHealth),
    ("heals", "action", HealAction),
    ("heals", "state", HealState),
]


@pytest.mark.parametrize(("table", "column", "words"), WORDS)
def test_words_of_the_schema_are_those_of_the_model(
    database: Connection,
    table: str,
    column: str,
    words: type[StrEnum],
) -> None:
    found = database.row("SELECT sql FROM sqlite_schema WHERE name = ?", table)
    assert found is not None
    match = re.search(rf"CHECK \({column} IN \(([^)]*)\)", str(found[0]))
    assert match is not None
    assert set(re.findall(r"'([^']*)'", match[1])) == {word.value for word in words}


def test_the_numbers_of_the_schema_cover_the_model() -> None:
    assert set(check_rows.KIND_NUMBERS) == set(CheckKind)
    assert sorted(check_rows.STATUS_NUMBERS.values()) == [0, 1, 2]


def test_the_database_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    opened = create_or_open(tmp_path / "mode.db")
    opened.close()
    assert (tmp_path / "mode.db").stat().st_mode & 0o077 == 0


