"""What does a good configuration become?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from healthmon import config
from healthmon.config import Config
from healthmon.config_source import place
from healthmon.errors import ConfigError, UsageError
from healthmon.heal.settings import HealOverrides, HealSettings
from healthmon.model.alert import AlertSeverity
from healthmon.rules.defaults import DEFAULT_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "health_monitoring_config.json"
SCHEMA = ROOT / "config" / "healthmon.schema.json"

SERVICES = '"services": [{"name": "interpreter", "url": "http://localhost:5120/health", "critical": true}]'

# As in the user's document, comments and all; the outer braces are added where they are joined.
SNIPPETS = [
    """
  "check_interval_seconds": 30,        // How often to check services
  "timeout_seconds": 10,               // HTTP timeout for health checks
  "max_consecutive_failures": 5,       // Max failures before critical alert
  "database_path": "health_monitoring.db",
  "log_level": "INFO"
""",
    """
  "alert_rules": [
    {
      "name": "service_down",
      "condition": "status == 'unhealthy'",
      "severity": "critical",
      "threshold": 1,
      "duration_minutes": 2,
      "enabled": true
    }
  ]
""",
    """
  "alerting": {
    "email_notifications": {
      "enabled": true,
      "smtp_server": "smtp.gmail.com",
      "smtp_port": 587,
      "from_email": "health-monitor@company.com",
      "to_email": "devops@company.com"
    },
    "slack_notifications": {
      "enabled": true,
      "webhook_url": "https://hooks.slack.com/services/YOUR/SLACK/WEBHOOK",
      "channel": "#infrastructure-alerts"
    }
  }
""",
    """
  "alerting": {
  "webhook_notifications": {
    "enabled": true,
    "url": "https://your-webhook-endpoint.com/health-alerts",
    "headers": {
      "Authorization": "Bearer your-token",
      "Content-Type": "application/json"
    }
  }}
""",
    """
  "self_healing": {
    "enabled": true,
    "restart_unhealthy_services": true,
    "max_restart_attempts": 3,
    "restart_cooldown_minutes": 5
  }
""",
]


def load(directory: Path, text: str, name: str = "c.json") -> Config:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return config.load(path)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_of_the_document_load_as_written(tmp_path: Path, snippet: str) -> None:
    assert load(tmp_path, f"{{{SERVICES},{snippet}}}").service("interpreter").critical


def test_shipped_file_is_strict_json_with_the_17_services() -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    loaded = config.load(SHIPPED)
    assert len(loaded.enabled_services()) == len(document["services"]) == 17
    assert [name for name, group in loaded.groups().items() if group] == ["core", "agents", "analysis", "platform"]
    assert {service.name for service in loaded.groups()["core"]} == {service.name for service in loaded.services if service.critical}
    assert loaded.service("llm_gateway").container == "hackathon-llm-gateway-1"
    assert loaded.service("interpreter").depends_on == ("prompt_store", "orchestrator", "analysis_service")
    assert [rule.severity for rule in loaded.alert_rules].count(AlertSeverity.CRITICAL) == 3
    assert not loaded.self_healing.switched_on
    assert not loaded.alerting.email_notifications.enabled


def test_schema_file_is_what_the_code_generates() -> None:
    """After a change: write json_schema() into the file, indented by 2."""
    assert SCHEMA.read_text(encoding="utf-8") == json.dumps(config.json_schema(), indent=2, ensure_ascii=False) + "\n"


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if hasattr(inner, "model_fields"):
                yield from models(inner)


def test_every_key_explains_itself() -> None:
    silent = [f"{model.__name__}.{key}" for model in models(Config) for key, field in model.model_fields.items() if not field.description]
    assert silent == []
    assert len({*models(Config)}) > 15, "the blocks within blocks were not looked at"


def test_defaults_are_the_documents(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{{{SERVICES}}}")
    assert (loaded.check_interval_seconds, loaded.timeout_seconds, loaded.max_consecutive_failures) == (30, 10, 5)
    assert (loaded.database_path, loaded.log_level, loaded.web.port) == ("health_monitoring.db", "INFO", 8080)
    assert loaded.alert_rules == DEFAULT_RULES
    assert load(tmp_path, f'{{{SERVICES}, "alert_rules": []}}').alert_rules == ()
    service = loaded.services[0]
    assert (service.group, service.type, service.confirmations, service.retry_interval_seconds) == ("default", "http", 2, 2)
    assert [service.expect.allows(code) for code in (199, 200, 299, 300)] == [False, True, True, False]


def test_service_takes_from_the_file_what_it_does_not_set(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """{"check_interval_seconds": 0.5, "timeout_seconds": 0.2, "confirmations": 1, "retry_interval_seconds": 0.1,
            "services": [{"name": "a", "url": "http://a"},
                         {"name": "b", "url": "http://b", "interval_seconds": 60, "confirmations": 0}]}""",
    )
    found = [(s.interval_seconds, s.timeout_seconds, s.confirmations, s.retry_interval_seconds) for s in loaded.services]
    assert found == [(0.5, 0.2, 1, 0.1), (60, 0.2, 0, 0.1)]


def test_service_that_is_switched_off_is_in_nobodys_way(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """{"services": [{"name": "a", "url": "http://a", "depends_on": ["b", "c"]},
                         {"name": "b", "url": "http://b", "enabled": false, "group": "gone"},
                         {"name": "c", "url": "http://c"}]}""",
    )
    assert loaded.services[0].depends_on == ("c",)
    assert list(loaded.groups()) == ["default"]


@pytest.mark.parametrize(
    ("written", "good", "bad"),
    [("204", 204, 200), ('"200-204"', 204, 205), ('[200, "301-302"]', 302, 201), ('"401"', 401, 200)],
)
def test_expected_status(tmp_path: Path, written: str, good: int, bad: int) -> None:
    text = f'{{"services": [{{"name": "a", "url": "http://a", "expect": {{"status": {written}}}}}]}}'
    expect = load(tmp_path, text).services[0].expect
    assert expect.allows(good)
    assert not expect.allows(bad)


def test_comments_and_trailing_commas(tmp_path: Path) -> None:
    text = '\ufeff// top\n{/* a\n, */ "services": [{"name": "a*", "url": "http://a",},], // end\n}\n'
    assert load(tmp_path, text).services[0].url == "http://a"


def test_yaml_means_what_it_looks_like(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
# the same keys
log_level: debug
services:
  - name: no
    url: http://localhost:1/health   # a comment
    critical: true
    timeout_seconds: 5
    expect: {status: [200, 300-399], body: 12:30, json_path: {status: on, since: 2025-09-18, n: 1.5, x: null}}
""",
        "c.yml",
    )
    service = loaded.service("no")
    assert (loaded.log_level, service.critical, service.timeout_seconds, service.expect.body) == ("DEBUG", True, 5, "12:30")
    assert service.expect.json_path == {"status": "on", "since": "2025-09-18", "n": 1.5, "x": None}


def test_references_are_resolved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("to${env:A}ken\r\n")
    (tmp_path / "slack").write_text("https://hooks.slack.com/x\n")
    monkeypatch.setenv("A", "${file:token}")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    loaded = load(
        tmp_path,
        """{"services": [{"name": "a", "url": "http://a", "headers": {"X": "Bearer ${env:A}", "Y": "$${x}"}}],
            "web": {"token": "${file:token}"},
            "alerting": {"slack_notifications": {"enabled": true, "webhook_url": "${cred:slack}"}}}""",
    )
    assert loaded.web.token is not None
    assert loaded.web.token.get_secret_value() == "to${env:A}ken"
    assert [value.get_secret_value() for value in loaded.services[0].headers.values()] == ["Bearer ${file:token}", "${x}"]
    assert "hooks.slack" not in repr(loaded)
    assert "Bearer" not in str(loaded)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("${env:HM_NO}", "the environment variable 'HM_NO' is not set"),
        ("${file:/nowhere/x}", "'/nowhere/x' cannot be read: No such file or directory"),
        ("${file:/dev/zero}", "'/dev/zero' is not a file of at most 64 KiB"),
        ("${file:/}", "'/' cannot be read: Is a directory"),
        ("${cred:x}", "no credential 'x': put it into /etc/healthmon/credentials, and run `sudo tools/install` again"),
        ("${evn:X}", "'${evn:X}' is no reference: write ${env:NAME}"),
        ("${X}", "'${X}' is no reference: write ${env:NAME}"),
    ],
)
def test_reference_that_leads_nowhere_is_a_located_problem(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
    expected: str,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, f'{{{SERVICES},\n"web": {{"token": "{reference}"}}}}')
    (problem,) = raised.value.problems
    assert (problem.line, problem.column, problem.key) == (2, 18, "web.token")
    assert problem.message.startswith(expected)


def test_service_may_opt_out_of_healing_but_not_into_it() -> None:
    on = HealSettings(enabled=True, restart_unhealthy_services=True)
    merged = on.for_service(HealOverrides(max_restart_attempts=7, start_grace_seconds=0))
    assert (merged.switched_on, merged.max_restart_attempts, merged.start_grace_seconds) == (True, 7, 0)
    assert merged.restart_cooldown_minutes == on.restart_cooldown_minutes
    assert not on.for_service(HealOverrides(enabled=False)).switched_on
    assert not HealSettings(restart_unhealthy_services=True).for_service(HealOverrides(enabled=True)).switched_on


def test_url_is_shown_without_its_secrets(tmp_path: Path) -> None:
    text = '{"services": [{"name": "a", "url": "http://user:pass@host:81/health?key=1#x"}]}'
    service = load(tmp_path, text).services[0]
    assert service.shown_url == "http://host:81/health?…"
    assert "pass" not in repr(service)


def test_paths_lie_in_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, f"{{{SERVICES}}}").paths.database == tmp_path / "health_monitoring.db"
    elsewhere = load(tmp_path, f'{{{SERVICES}, "data_dir": "d", "database_path": "/x/y.db"}}').paths
    assert (elsewhere.data_dir, elsewhere.database) == (tmp_path / "d", Path("/x/y.db"))


def test_unknown_service_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="there is no service 'orchestratr'; did you mean 'orchestrator'"):
        config.load(SHIPPED).service("orchestratr")


class TestFind:
    """Where a configuration is looked for, and in which order."""

    @pytest.fixture(autouse=True)
    def _empty_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("HEALTHMON_CONFIG", raising=False)
        monkeypatch.setattr(place, "PLACES", (place.PLACES[0], tmp_path / "etc" / "x.json"))

    def test_nearest_place_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("etc/x.json", "config/health_monitoring_config.json", "environment", "explicit"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        assert place.find(None) == Path("config/health_monitoring_config.json")
        (tmp_path / "config/health_monitoring_config.json").unlink()
        assert place.find(None) == tmp_path / "etc" / "x.json"
        monkeypatch.setenv("HEALTHMON_CONFIG", "environment")
        assert place.find(None) == Path("environment")
        assert place.find(Path("explicit")) == Path("explicit")

    def test_nothing_found_names_every_place(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=re.escape(f"$HEALTHMON_CONFIG (not set), {tmp_path}/config/health")):
            place.find(None)

    @pytest.mark.parametrize("origin", ["--config", "$HEALTHMON_CONFIG"])
    def test_named_file_that_is_missing_is_never_replaced(self, monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
        monkeypatch.setenv("HEALTHMON_CONFIG", "gone.json")
        with pytest.raises(UsageError, match=re.escape(f"{origin} names gone.json")):
            place.find(Path("gone.json") if origin == "--config" else None)


def test_schema_knows_the_documents_keys() -> None:
    properties: dict[str, Any] = config.json_schema()["properties"]
    assert {"$schema", "services", "alert_rules", "alerting", "dashboard", "self_healing", "web"} <= set(properties)
