"""Does every mistake in a configuration get one clear, located message?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthmon import config
from healthmon.config_source.file import MAX_BYTES, read
from healthmon.errors import ConfigError

if TYPE_CHECKING:
    from healthmon.config_source.node import Plain

SHIPPED = Path(__file__).parents[2] / "config" / "health_monitoring_config.json"
SERVICE = '{"name": "a", "url": "http://a"}'


def told(path: Path, text: str | bytes) -> list[str]:
    """Return what is said about `text` as the content of `path`: `line:column: key: message`, without the file."""
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as raised:
        config.load(path)
    return [str(problem).removeprefix(f"{path}:").strip() for problem in raised.value.problems]


BROKEN_JSON = [
    ("", "is empty: it must at least name the services to monitor"),
    ("  \n", "is empty: it must at least name the services to monitor"),
    ("[]", "1:1: a configuration is an object of keys and values: { … }"),
    ("{", "1:1: never closed: the file ends before its '}'"),
    ('{"a": [1, 2\n', "1:7: never closed: the file ends before its ']'"),
    ('{"a": 1\n "b": 2}', "1:8: expected ',' or '}' after this"),
    ('{"a": [1 2]}', "1:9: expected ',' or ']' after this"),
    ('{"a" 1}', "1:6: expected ':' after the key 'a'"),
    ("{a: 1}", "1:2: expected a key in double quotes, or '}', not bare text: put it in double quotes"),
    ("{'a': 1}", "1:2: expected a key in double quotes, or '}', not a single quote: JSON writes text in double quotes"),
    (
        "{\u201ca\u201d: 1}",
        "1:2: expected a key in double quotes, or '}', not a curly quote: JSON writes text in plain double quotes (\")",
    ),
    ('{"a": True}', "1:7: a: expected a value, not 'True': write true"),
    ('{"a": no}', "1:7: a: expected a value, not 'no': write false"),
    ('{"a": hunter2}', "1:7: a: expected a value, not bare text: put it in double quotes"),
    ('{"a": NaN}', "1:7: a: NaN is not a number that can be used here"),
    ('{"a": -Infinity}', "1:7: a: -Infinity is not a number that can be used here"),
    ('{"a": 1e999}', "1:7: a: not a number as JSON writes it (30, 0.5, -1), or too large; text goes in double quotes"),
    ('{"a": 30s}', "1:7: a: not a number as JSON writes it (30, 0.5, -1), or too large; text goes in double quotes"),
    ('{"a": 010}', "1:7: a: not a number as JSON writes it (30, 0.5, -1), or too large; text goes in double quotes"),
    ('{"a": ' + "9" * 5000 + "}", "1:7: a: not a number as JSON writes it (30, 0.5, -1), or too large; text goes in double quotes"),
    ('{"a":\u00a01}', "1:6: a: expected a value, not U+00A0"),
    ('{"a": "x}', "1:7: a: this text is never closed: its second '\"' is missing"),
    ('{"a": "x\n"}', "1:9: a: a line break or control character inside a text: close it with '\"', or write \\n"),
    ('{"a": "C:\\x"}', "1:10: a: unknown \\ in a text: write \\\\ for a backslash itself"),
    ('{"a": 1 /* x', "1:9: this comment is never closed: '*/' is missing"),
    ('{"a": 1} {', "1:10: the file should end here: something stands after its last closing bracket"),
    ('{"a":' * 40, "1:161: a: nested more than 32 deep"),
    ("[" * 100_000, "1:33: [0]: nested more than 32 deep"),
    ('{"a": "é", "b": }', "1:17: b: expected a value, not '}'"),
    (b'{"a": "\xff"}', "1:8: not UTF-8: byte 0xFF; save the file as UTF-8"),
    (b'\xef\xbb\xbf{"a":\n "\xff"}', "2:3: not UTF-8: byte 0xFF; save the file as UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "1:1: not UTF-8: byte 0xFF; save the file as UTF-8"),
    (b" " * (MAX_BYTES + 1), "is larger than 1024 KiB: this can hardly be a configuration"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN_JSON, ids=range(len(BROKEN_JSON)))
def test_broken_json_is_told_where_it_breaks(tmp_path: Path, text: str | bytes, expected: str) -> None:
    (message,) = told(tmp_path / "c.json", text)
    assert message.startswith(expected)


BROKEN_YAML = [
    ("a: [1", "1:6: not YAML: while parsing a flow sequence did not find expected ',' or ']'"),
    ("a: *x", "1:4: a: aliases"),
    ("a: &x 1", "1:4: a: anchors"),
    ("a: !!python/object:os.system {}", "1:4: a: tags"),
    ("a: !x 1", "1:4: a: tags"),
    ("- 1", "1:1: a configuration is an object"),
    ("# nothing", "1:1: a configuration is an object"),
    ("a: 1\n---\nb: 1", "3:1: a second document begins here"),
    ("a: " + "[" * 10_000, "1:35: a: nested more than 32 deep"),
    ("a: \x01", "1:1: a character that YAML does not allow: U+0001"),
    ("? [a]\n: 1", "1:3: a key must be plain text"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN_YAML)
def test_broken_yaml_is_told_where_it_breaks(tmp_path: Path, text: str, expected: str) -> None:
    (message,) = told(tmp_path / "c.yaml", text)
    assert message.startswith(expected)


def with_service(entry: str) -> str:
    return f'{{"services": [\n{SERVICE},\n{{"name": "b", {entry}}}\n]}}'


WRONG_SERVICE = [
    ('"url": "http://b", "critcal": true', "3:34: services[1].critcal: unknown key 'critcal'; did you mean 'critical'?"),
    ('"url": "http://b", "max_restart_attempts": 2', "3:34: services[1].max_restart_attempts: unknown key 'max_restart_attempts'; it belongs in services.heal"),
    ('"url": "http://b", "timeout_seconds": "5"', "3:53: services[1].timeout_seconds: must be a number, not the text '5'"),
    ('"url": "http://b", "timeout_seconds": true', "3:53: services[1].timeout_seconds: must be a number, not true"),
    ('"url": "http://b", "timeout_seconds": null', "3:53: services[1].timeout_seconds: must be a number, not null"),
    ('"url": "http://b", "timeout_seconds": 31', "3:53: services[1].timeout_seconds: must not exceed interval_seconds (31 > 30)"),
    ('"url": "http://b", "interval_seconds": 5', "3:54: services[1].timeout_seconds: must not exceed interval_seconds (10 > 5)"),
    ('"url": "http://b", "interval_seconds": 0', "3:54: services[1].interval_seconds: must be at least 0.01, not 0"),
    ('"critical": true', "3:1: services[1].url: is missing: What to ask"),
    ('"url": "ftp://b"', "3:22: services[1].url: must begin with http:// or https://"),
    ('"url": "http:///health"', "3:22: services[1].url: names no host"),
    ('"url": "http://b:99999"', "3:22: services[1].url: is not a URL: check host and port"),
    ('"url": "http://[::1"', "3:22: services[1].url: is not a URL: check host and port"),
    ('"url": "http://b/a b"', "3:22: services[1].url: must not contain spaces"),
    ('"type": "tcp", "url": "tcp://b"', "3:37: services[1].url: names no port"),
    ('"type": "tcp", "url": "http://b"', "3:37: services[1].url: must begin with tcp://"),
    ('"type": "udp", "url": "http://b"', "3:23: services[1].type: must be one of http, tcp, tls, command, process, host, docker, or what an installed package adds; no package adds 'udp'"),
    ('"type": "docker"', "3:1: services[1].compose_service: is missing, and container too: where type is docker"),
    ('"type": "docker", "container": "b", "url": "http://b"', "3:58: services[1].url: is not asked where type is docker: take it out"),
    ('"url": "http://b", "group": "a b"', "3:43: services[1].group: must be 1 to 32 letters"),
    ('"url": "http://b", "group": ""', "3:43: services[1].group: must be 1 to 32 letters"),
    ('"url": "http://b", "name": "c"', "3:34: services[1].name: duplicate key 'name': remove one"),
    ('"url": "http://b", "depends_on": ["x"]', "3:49: services[1].depends_on[0]: 'x' is not a monitored service: add it"),
    ('"url": "http://b", "depends_on": ["A"]', "3:49: services[1].depends_on[0]: 'A' is not a monitored service; did you mean 'a'?"),
    ('"url": "http://b", "depends_on": ["b"]', "3:48: services[1].depends_on: the services depend on each other in a circle: b → b;"),
    ('"url": "http://b", "depends_on": "a"', "3:48: services[1].depends_on: must be a list: [ … ], not text"),
    ('"url": "http://b", "container": "/b"', "3:47: services[1].container: is not a name that Docker allows"),
    ('"url": "http://b", "container": "b", "compose_service": "b"', "3:71: services[1].compose_service: cannot stand beside container"),
    ('"url": "http://b", "supervisor_program": "healer"', "3:56: services[1].supervisor_program: healer is a program of healthmon's own"),
    ('"url": "http://b", "supervisor_program": "x:probe-a"', "3:56: services[1].supervisor_program: probe-a is a program"),
    ('"url": "http://b", "headers": {"A\\r\\nB": "c"}', "3:46: services[1].headers['A\\r\\nB']: is no name of a header"),
    ('"url": "http://b", "headers": {"A": "c\\r\\nX: 1"}', "3:51: services[1].headers.A: must not contain line breaks"),
    ('"url": "http://b", "expect": {"status": 99}', "3:55: services[1].expect.status: must be a status code (204)"),
    ('"url": "http://b", "expect": {"status": true}', "3:55: services[1].expect.status: must be a status code (204)"),
    ('"url": "http://b", "expect": {"status": "299-200"}', "3:55: services[1].expect.status: the range 299-200 is empty"),
    ('"url": "http://b", "heal": {"max_restart_attempts": 0}', "3:67: services[1].heal.max_restart_attempts: must be at least 1, not 0"),
    ('"url": "http://b", "runbook_url": "\\u0000"', "3:49: services[1].runbook_url: must not contain a NUL character"),
    ('"url": "http://b", "runbook_url": "\\ud800"', "3:49: services[1].runbook_url: must not contain a NUL character"),
    ('"url": "http://b", "\\u001b[31m": 1', "3:34: services[1]['\\x1b[31m']: unknown key '\\x1b[31m'; known here: type, url,"),
]


@pytest.mark.parametrize(("entry", "expected"), WRONG_SERVICE)
def test_wrong_service_is_told_with_its_place(tmp_path: Path, entry: str, expected: str) -> None:
    messages = told(tmp_path / "c.json", with_service(entry))
    assert [message for message in messages if message.startswith(expected)], messages
    assert len(messages) == 1, messages


WRONG_FILE = [
    ('"check_interval_seconds": "30"', ["2:27: check_interval_seconds: must be a number, not the text '30'"]),
    ('"timeot_seconds": 5', ["2:1: timeot_seconds: unknown key 'timeot_seconds'; did you mean 'timeout_seconds'?"]),
    ('"confirmations": 1.5', ["2:18: confirmations: must be a whole number, not 1.5"]),
    ('"retention_days": 5', ["2:1: retention_days: unknown key 'retention_days'; it belongs in dashboard"]),
    ('"check_interval_seconds": 5', ["2:27: timeout_seconds: must not exceed check_interval_seconds (10 > 5)"]),
    ('"log_level": "loud"', ["2:14: log_level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR', not the text 'loud'"]),
    ('"database_path": ""', ["2:18: database_path: must not be empty"]),
    ('"dashboard": []', ["2:14: dashboard: must be an object: { … }, not a list"]),
    ('"web": {"host": "0.0.0.0"}', ["2:8: web.token: is missing: other hosts can reach 0.0.0.0"]),
    ('"web": {"port": 0}', ["2:17: web.port: must be at least 1, not 0"]),
    ('"self_healing": {"max_restart_attempts": 0}', ["2:42: self_healing.max_restart_attempts: must be at least 1, not 0"]),
    (
        '"self_healing": {"host_budget_per_hour": 1}',
        ["2:42: self_healing.host_budget_per_hour: must be at least host_budget_per_10_minutes (5), not 1"],
    ),
    (
        '"alert_rules": [{"name": "r", "condition": " ", "severity": "fatal"}]',
        ["2:44: alert_rules[0].condition: must not be empty", "2:61: alert_rules[0].severity: must be 'critical', 'warning'"],
    ),
    ('"alert_rules": [{"name": "r", "severity": "info", "condition": "a\\u0000"}]', ["2:64: alert_rules[0].condition: must not contain a NUL"]),
    (
        '"alert_rules": [{"name": "r", "severity": "info", "condition": "' + "critical or " * 50 + '"}]',
        ["2:64: alert_rules[0].condition: must have at most 512 characters"],
    ),
    ('"alert_rules": [{"name": "r", "severity": "info"}]', ["2:17: alert_rules[0].condition: is missing: When it holds, the alert is pending"]),
    (
        '"alerting": {"email_notifications": {"enabled": true, "smtp_port": "25", "from_email": "x@y", "to_email": "x"}}',
        [
            "2:37: alerting.email_notifications.smtp_server: is missing, and enabled is true",
            "2:68: alerting.email_notifications.smtp_port: must be a whole number, not the text '25'",
            "2:107: alerting.email_notifications.to_email: must be a mail address",
        ],
    ),
]


@pytest.mark.parametrize(("entry", "expected"), WRONG_FILE)
def test_wrong_key_of_the_file_is_told_once(tmp_path: Path, entry: str, expected: list[str]) -> None:
    """Once, even where every service would inherit the wrong value."""
    messages = told(tmp_path / "c.json", f'{{"services": [{SERVICE}],\n{entry}}}')
    assert len(messages) == len(expected), messages
    assert all(message.startswith(start) for message, start in zip(messages, expected, strict=True)), messages


def test_wrong_rules_are_told_with_their_places(tmp_path: Path) -> None:
    text = f"""{{"services": [{SERVICE}], "alert_rules": [
      {{"name": "r", "severity": "info", "condition": "status == 'ill' or 5",
       "services": ["a", "A"],
       "groups": []}},
      {{"name": "s", "severity": "info", "condition": "cpu_usage > threshold",
       "threshold": "80",
       "groups": ["core"]}},
      {{"name": "t", "severity": "info", "threshold": null,
       "condition": "cpu_usage > threshold and group == 'defalt'"}},
      {{"name": "u", "severity": "info", "enabled": false,
       "condition": "${{env:HOME}} or"}}]}}"""
    assert told(tmp_path / "c.json", text) == [
        "2:54: alert_rules[0].condition: column 11: 'ill' is no value of status; it is one of 'healthy', 'unhealthy', 'unknown'",
        "2:54: alert_rules[0].condition: column 20: each side of or must be true or false, and this is a number: compare it, as in response_time > 3",
        "3:26: alert_rules[0].services[1]: 'A' is not a monitored service; did you mean 'a'?",
        "4:18: alert_rules[0].groups: must not be empty: leave it out for a rule that is for all",
        "6:21: alert_rules[1].threshold: must be a number, not the text '80'",
        "7:19: alert_rules[1].groups[0]: 'core' is not the group of any service: take it out here, or add it to services",
        "9:21: alert_rules[2].condition: column 13: this rule has no threshold: give it one, or write the number here",
        "9:21: alert_rules[2].condition: column 36: 'defalt' is no value of group; did you mean 'default'?",
        "11:21: alert_rules[3].condition: must not hold a reference: a condition is shown with every alert it raises",
    ]


FOR_LABELLED = """{"services": [{"name": "a", "url": "http://a"}], "discovery": %s,
      "alerting": {"routes": [{"groups": ["labelled"], "channels": []}], "maintenance": [{"name": "m", "cron": "0 3 * * *", "duration_minutes": 1, "groups": ["labelled"]}]},
      "alert_rules": [{"name": "r", "severity": "info", "condition": "unhealthy and group == 'labelled'", "groups": ["labelled"]}]}"""


@pytest.mark.parametrize(("discovery", "refused"), [("{}", 0), ('{"label": null}', 4), ('{"label": null, "autoheal_labels": true}', 0)])
def test_the_group_of_containers_that_may_come_and_ask_can_be_named_before_any_does(discovery: str, refused: int, tmp_path: Path) -> None:
    messages = told(tmp_path / "c.json", FOR_LABELLED % discovery)
    assert sum("labelled" in message for message in messages) == refused, messages


def test_a_file_is_not_right_or_wrong_by_which_containers_are_there(tmp_path: Path) -> None:
    """Else it could not be followed any more once that container is gone."""
    path = tmp_path / "c.json"
    rule = '"alert_rules": [{"name": "r", "severity": "info", "condition": "unhealthy", "services": ["queue"]}]'
    route = '"alerting": {"apprise": ["json://a"], "routes": [{"services": ["queue"], "channels": ["apprise-1"]}]}'
    path.write_text(f'{{"services": [], "discovery": {{}}, {rule}, {route}}}')
    there: Plain = {"name": "queue", "type": "docker", "container": "queue", "group": "labelled"}
    with pytest.raises(ConfigError) as raised:
        config.build(read(path), discovered=(there,))
    assert str(raised.value).count("'queue' is not a monitored service: take it out here, or add it to services") == 2


def test_services_must_be_there(tmp_path: Path) -> None:
    assert told(tmp_path / "c.json", "{}")[0].startswith("1:1: services: is missing")
    assert told(tmp_path / "c.json", '{"services": []}')[0].startswith("1:14: services: is empty")
    off = '{"services": [{"name": "a", "url": "http://a", "enabled": false}]}'
    assert told(tmp_path / "c.json", off)[0].startswith("1:14: services: none is enabled")


@pytest.mark.parametrize(("discovery", "meant"), [("{}", True), ('{"autoheal_labels": true, "label": null}', True), ('{"label": null}', False), ("true", False)])
def test_no_service_is_enough_where_the_file_says_that_containers_may_ask(discovery: str, *, meant: bool, tmp_path: Path) -> None:
    """By default they may, too; but an empty list is no proof that nobody forgot to fill it."""
    path = tmp_path / "c.json"
    text = f'{{"services": [], "discovery": {discovery}}}'
    if meant:
        path.write_text(text)
        assert config.load(path).services == ()
    else:
        assert any("services: is empty" in line for line in told(path, text))


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """{
      "tiemout_seconds": 1,
      "services": [
        {"name": "a", "url": "x", "depends_on": ["b", "orchestratr"], "bad": 1},
        {"name": "b", "url": "http://b", "depends_on": ["c"]},
        {"name": "c", "url": "http://c", "depends_on": ["a"], "critical": 1},
        {"name": "orchestrator", "url": "http://c"},
        {"name": "b", "url": "http://b"}
      ],
      "alert_rules": 5
    }"""
    assert [message.split(": ", 1)[1][:70] for message in told(tmp_path / "c.json", text)] == [
        "tiemout_seconds: unknown key 'tiemout_seconds'; did you mean 'timeout_",
        "services[0].url: must begin with http:// or https://, as in 'http://lo",
        "services[0].depends_on: the services depend on each other in a circle:",
        "services[0].depends_on[1]: 'orchestratr' is not a monitored service; d",
        "services[0].bad: unknown key 'bad'; known here: type, url, interval_se",
        "services[2].critical: must be true or false, not 1",
        "services[4].name: 'b' is already the name of services[1]: rename one",
        "alert_rules: must be a list: [ … ], not a number",
    ]


def test_cycle_is_printed_from_the_service_that_comes_first(tmp_path: Path) -> None:
    ring = [{"name": name, "url": "http://x", "depends_on": [after]} for name, after in ("ab", "bc", "ca")]
    (message,) = told(tmp_path / "c.json", json.dumps({"services": ring}))
    assert "a → b → c → a" in message


SECRETS = [
    '"alerting": {"email_notifications": {"password": "hunter2", "smtp_port": "x"}}',
    '"alerting": {"email_notifications": {"password": ["hunter2"]}}',
    '"alerting": {"email_notifications": {"passwrd": "hunter2"}}',
    '"alerting": {"slack_notifications": {"webhook_url": "hunter2"}}',
    '"alerting": {"webhook_notifications": {"headers": {"A": "hunter2\\n"}}}',
    '"alerting": {"webhook_notifications": {"headers": "hunter2"}}',
    '"alerting": {"apprise": ["hunter2"]}',
    '"alerting": {"alertmanager": "hunter2"}',
    '"alerting": {"alertmanager": ["hunter2"]}',
    '"web": {"token": {"hunter2": 1}}',
    '"log_level": "${env:HM_SECRET}"',
    '"check_interval_seconds": "${env:HM_SECRET}"',
    '"alert_rules": [{"name": "r", "severity": "info", "condition": "${env:HM_SECRET}"}]',
    '"alert_rules": [{"name": "r", "severity": "info", "condition": "status == \'${env:HM_SECRET}\'"}]',
    '"data_dir": "http://u:hunter2@h", "services": [{"name": "a", "url": "http://u:hunter2@h:x"}], "x": hunter2',
]


@pytest.mark.parametrize("entry", SECRETS)
def test_no_error_carries_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("HM_SECRET", "hunter2")
    path = tmp_path / "c.json"
    path.write_text(f'{{"services": [{SERVICE}], {entry}}}')
    with pytest.raises(ConfigError) as raised:
        config.load(path)
    assert "hunter2" not in str(raised.value)


def test_flood_of_problems_is_cut_and_counted(tmp_path: Path) -> None:
    started = time.process_time()
    text = '{"services": [' + SERVICE + "]," + ",".join(f'"timeout_second{i}": 1' for i in range(40_000)) + "}"
    messages = told(tmp_path / "c.json", text)
    assert len(messages) == 101
    assert messages[-1].endswith("39900 more problems are not shown: mend these first")
    assert time.process_time() - started < 20


LARGE = [
    '{"a": [' + "[]," * 300_000 + "]}",
    '{"a": "' + "\\u0041" * 150_000 + '"}',
    '{"a": ' + "/**/" * 250_000 + "1}",
    '{"' + "a" * 1_000_000 + '": 1}',
    f'{{"services": [{SERVICE}], "alert_rules": [' + ",".join(f'{{"condition":"xxxxxxxx{i}"}}' for i in range(30_000)) + "]}",
    f'{{"services": [{SERVICE}], "alert_rules": [' + ",".join(['{"condition":"' + "critical or " * 40 + 'critical"}'] * 2_000) + "]}",
    '{"services": [' + ",".join(f'{{"name": "{i}", "depends_on": ["{(i + 1) % 20_000}"]}}' for i in range(20_000)) + "]}",
]


@pytest.mark.parametrize("text", LARGE, ids=range(len(LARGE)))
def test_large_files_are_judged_in_bounded_time(tmp_path: Path, text: str) -> None:
    started = time.process_time()  # a machine that is busy with other things proves nothing
    messages = told(tmp_path / "c.json", text)
    assert time.process_time() - started < 20
    assert max(map(len, messages)) < 2_000


def error_of(path: Path) -> ConfigError | None:
    try:
        config.load(path)
    except ConfigError as error:
        return error
    return None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_value_in_a_known_place_raises_anything_but_config_error(tmp_path: Path, data: st.DataObject) -> None:
    document = json.loads(SHIPPED.read_text())
    holder = data.draw(st.sampled_from([document, document["services"][0], document["alerting"], document["alert_rules"][0], document["self_healing"]]))
    keys = [*holder, "web", "depends_on", "expect", "headers", "heal", "tls", "apprise", "timeout_seconds", "enabled"]
    holder[data.draw(st.sampled_from(keys))] = data.draw(JSON_VALUES)
    path = tmp_path / "c.json"
    path.write_text(json.dumps(document))
    error = error_of(path)
    assert error is None or all(problem.line for problem in error.problems)


def test_json_needs_no_yaml() -> None:
    """PyYAML costs every process of ours memory; only a YAML file is worth it."""
    code = f"import sys, pathlib, healthmon.config as c; c.load(pathlib.Path({str(SHIPPED)!r})); sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
