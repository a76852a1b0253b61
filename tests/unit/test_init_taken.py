"""What other programs watched is taken over, or it is said that it is not; never is something left out in silence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from healthmon import config as configuration
from healthmon.cli.init_gatus import of_endpoints
from healthmon.cli.init_kuma import of_monitors
from healthmon.config_source import yaml_text
from tests.typing_commands import type_command

if TYPE_CHECKING:
    from pathlib import Path

KUMA = """
CREATE TABLE monitor (
    id INTEGER PRIMARY KEY, name VARCHAR(150), active BOOLEAN DEFAULT 1, interval INTEGER DEFAULT 20, url TEXT, type VARCHAR(20), hostname VARCHAR(255),
    port INTEGER, keyword VARCHAR(255), maxretries INTEGER DEFAULT 0, ignore_tls BOOLEAN DEFAULT 0, upside_down BOOLEAN DEFAULT 0,
    accepted_statuscodes_json TEXT DEFAULT '["200-299"]', dns_resolve_type VARCHAR(5), dns_resolve_server VARCHAR(255), retry_interval INTEGER DEFAULT 0,
    method TEXT DEFAULT 'GET', body TEXT, headers TEXT, basic_auth_user TEXT, basic_auth_pass TEXT, docker_container VARCHAR(255), parent INTEGER,
    invert_keyword BOOLEAN DEFAULT 0, json_path TEXT, expected_value VARCHAR(255), timeout DOUBLE DEFAULT 0
)
"""


def kuma(**columns: Any) -> tuple[dict[str, object], list[str]]:
    """Return one monitor as it is taken over."""
    [taken] = of_monitors([{"id": 1, "name": "shop", "interval": 60, **columns}])
    return taken.entry, taken.notes


RHYTHM: dict[str, object] = {"interval_seconds": 60.0, "confirmations": 0, "timeout_seconds": 48.0}
CHECK_PING = ["/usr/lib/nagios/plugins/check_ping", "-H", "h", "-w", "5000,100%", "-c", "5000,100%", "-p", "1"]


@pytest.mark.parametrize(
    ("columns", "entry"),
    [
        ({"type": "http", "url": "https://a/"}, {"url": "https://a/"}),
        ({"type": "http", "url": "https://a/", "maxretries": 3, "retry_interval": 20, "timeout": 5}, {"url": "https://a/", "confirmations": 3, "retry_interval_seconds": 20.0, "timeout_seconds": 5.0}),
        ({"type": "http", "url": "http://a/", "accepted_statuscodes_json": '["200", "300-399"]', "ignore_tls": 1}, {"url": "http://a/", "expect": {"status": ["200", "300-399"]}, "tls": {"verify": False}}),
        ({"type": "keyword", "url": "http://a/", "keyword": "up"}, {"url": "http://a/", "expect": {"body": "up"}}),
        ({"type": "json-query", "url": "http://a/", "json_path": "checks.0.up", "expected_value": "true"}, {"url": "http://a/", "expect": {"json_path": {"checks.0.up": True}}}),
        ({"type": "http", "url": "http://a/", "headers": '{"X-A": "1"}', "basic_auth_user": "u", "basic_auth_pass": "p"}, {"url": "http://a/", "headers": {"X-A": "1", "Authorization": "Basic dTpw"}}),
        ({"type": "port", "hostname": "::1", "port": 22, "active": 0}, {"enabled": False, "type": "tcp", "url": "tcp://[::1]:22"}),
        ({"type": "ping", "hostname": "h"}, {"type": "command", "command": CHECK_PING}),
        ({"type": "docker", "docker_container": "db"}, {"type": "docker", "container": "db"}),
    ],
)
def test_a_monitor_of_kuma_becomes_a_service(columns: dict[str, Any], entry: dict[str, object]) -> None:
    assert kuma(**columns)[0] == RHYTHM | entry


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"type": "push"}, "is of type push, which healthmon has no equal of"),
        ({"type": "http", "url": "http://a/", "method": "POST", "body": "{}"}, "asks with POST and a body, healthmon only with GET"),
        ({"type": "http", "url": "http://a/", "upside_down": 1}, "is upside down: well while it does not answer"),
        ({"type": "keyword", "url": "http://a/", "keyword": "error", "invert_keyword": 1}, "is ill when a keyword is there, healthmon when it is not"),
        ({"type": "json-query", "url": "http://a/", "json_path": "$sum(x)"}, "asks for '$sum(x)' in JSONata; healthmon knows paths such as 'checks.0.up' and equality"),
    ],
)
def test_what_has_no_equal_is_said(columns: dict[str, Any], why: str) -> None:
    assert kuma(**columns) == ({}, [why])


def test_a_hundred_monitors_are_all_accounted_for(tmp_path: Path) -> None:
    database = apsw.Connection(str(tmp_path / "kuma.db"))
    database.execute(KUMA)
    database.execute("INSERT INTO monitor (name, type) VALUES ('Core ü', 'group')")
    kinds = [("http", "https://a.example/"), ("port", ""), ("ping", ""), ("push", ""), ("http", "not an address")]
    for number in range(100):
        kind, url = kinds[number % 5]
        values = (f"m/{number % 40} *//", kind, url, "h.example", 25, 1)
        database.execute("INSERT INTO monitor (name, type, url, hostname, port, parent) VALUES (?, ?, ?, ?, ?, ?)", values)
    database.close()
    told = type_command(tmp_path, "init", "mine.json", "--kuma", "kuma.db")
    assert told.returncode == 0, told.stderr
    assert "mine.json: 60 of 100 taken over, 40 not" in told.stdout
    assert told.stdout.count("not taken over: is of type push") == 20
    assert told.stdout.count("not taken over: url must not contain spaces") == 20
    assert (tmp_path / "mine.json").stat().st_mode & 0o777 == 0o600
    services = configuration.load(tmp_path / "mine.json").services
    assert len({one.name for one in services}) == 60
    assert {one.group for one in services} == {"Core"}
    assert (tmp_path / "mine.json").read_text().count("// Not taken over: ") == 40


def test_what_is_no_database_of_kuma_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("nothing of that kind " * 100)
    apsw.Connection(str(tmp_path / "other.db")).execute("CREATE TABLE t (x)")
    for name, why in (("text.db", "not a database"), ("other.db", "it has no monitors"), ("none.db", "there is no file")):
        told = type_command(tmp_path, "init", "mine.json", "--kuma", name)
        assert told.returncode != 0
        assert why in told.stderr
    assert not (tmp_path / "mine.json").exists()


GATUS = """
endpoints:
  - name: front-end
    group: core
    url: "https://twin.sh/health"
    interval: 5m
    client: { timeout: 5s, insecure: true }
    conditions: ["[STATUS] == any(200, 429)", "[BODY].status == UP", "[BODY].n == 3", "[RESPONSE_TIME] < 300", "[CERTIFICATE_EXPIRATION] > 48h", "len([BODY].list) < 5"]
  - { name: text, url: "http://a/", conditions: ["[BODY] == pat(*ready*)", "[STATUS] < 300"] }
  - { name: port, url: "tcp://db.example:5432", enabled: false, conditions: ["[CONNECTED] == true"] }
  - { name: mail, url: "tls://mail.example:993" }
  - { name: name server, url: "8.8.8.8", dns: { query-name: example.com, query-type: MX }, conditions: ["[DNS_RCODE] == NOERROR"] }
  - { name: shell, url: "ssh://a:22" }
  - { name: writes, url: "http://a/", method: POST, body: "{}" }
external-endpoints: [{ name: outside }]
"""


def test_endpoints_of_gatus_become_services_and_each_condition_is_accounted_for(tmp_path: Path) -> None:
    front, text, port, mail, names, shell, writes, outside = of_endpoints(yaml_text.foreign(GATUS))
    assert front.entry == {
        "interval_seconds": 300.0,
        "timeout_seconds": 5.0,
        "confirmations": 0,
        "group": "core",
        "url": "https://twin.sh/health",
        "tls": {"verify": False},
        "expected_response_time": 0.3,
        "expect": {"status": ["200", "429"], "json_path": {"status": "UP", "n": 3}},
    }
    assert [note.partition(" ")[0] for note in front.notes] == ["an", "that", "its"]
    assert "its condition len([BODY].list) < 5 is not taken over" in front.notes
    assert text.entry["expect"] == {"body": "ready"}
    assert (port.entry["type"], port.entry["enabled"], mail.entry["type"]) == ("tcp", False, "tls")
    assert names.entry["command"] == ["/usr/lib/nagios/plugins/check_dig", "-H", "8.8.8.8", "-l", "example.com", "-T", "MX"]
    assert "its condition [DNS_RCODE] == NOERROR is not taken over" in names.notes
    assert [bool(one.entry) for one in (shell, writes, outside)] == [True, False, False]
    (tmp_path / "gatus.yaml").write_text(GATUS)
    told = type_command(tmp_path, "init", "mine.json", "--gatus", "gatus.yaml")
    assert (told.returncode, "6 of 8 taken over, 2 not" in told.stdout) == (0, True), told.stderr
    assert len(configuration.load(tmp_path / "mine.json").services) == 6


def test_one_source_is_enough(tmp_path: Path) -> None:
    told = type_command(tmp_path, "init", "mine.json", "--kuma", "a", "--gatus", "b")
    assert (told.returncode, "give one of them" in told.stderr) == (2, True)
    (tmp_path / "empty.yaml").write_text(json.dumps({"alerting": {}}))
    told = type_command(tmp_path, "init", "mine.json", "--gatus", "empty.yaml")
    assert (told.returncode, "has nothing to watch" in told.stderr) == (2, True)
