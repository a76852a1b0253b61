"""What a command finds out, with Debian's own plugins where one is needed."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from pydantic import ValidationError

from healthmon.model.check import CheckReason, CheckStatus, Outcome
from healthmon.probes import make
from healthmon.probes.settings import ProbeSettings
from tests import needs

SH = "/bin/sh"


def ask(*command: str, timeout_s: float = 10.0, **settings: Any) -> Outcome:
    return make(ProbeSettings(type="command", command=command, timeout_seconds=timeout_s, **settings)).ask()


def plugin(name: str) -> str:
    return needs.program(f"/usr/lib/nagios/plugins/{name}", package="monitoring-plugins-basic")


def test_a_plugin_of_debians_tells_how_a_port_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = ask(plugin("check_tcp"), "-H", "127.0.0.1", "-p", str(port))
    assert (found.reason, found.status_code) == (CheckReason.OK, 0)
    [took] = found.performance
    assert (took.label, took.unit, took.minimum) == ("time", "s", 0)
    found = ask(plugin("check_tcp"), "-H", "127.0.0.1", "-p", str(port))
    assert (found.reason, found.status_code, found.status) == (CheckReason.PLUGIN, 2, CheckStatus.UNHEALTHY)
    assert "refused" in (found.error_message or "")


@pytest.mark.parametrize(("code", "reason"), [(0, CheckReason.OK), (1, CheckReason.PLUGIN), (2, CheckReason.PLUGIN), (3, CheckReason.PLUGIN_UNKNOWN)])
def test_its_four_verdicts(code: int, reason: CheckReason) -> None:
    found = ask(plugin("check_dummy"), str(code), "what it says | a=1")
    assert (found.reason, found.status_code, len(found.performance)) == (reason, code, 1)
    assert ("what it says" in (found.error_message or "")) is (code != 0)


def test_a_warning_may_count_as_well() -> None:
    assert ask(SH, "-c", "exit 1", expect={"exit_codes": (0, 1)}).status is CheckStatus.HEALTHY


@pytest.mark.parametrize(
    ("command", "reason", "said"),
    [
        (("/nowhere/at-all",), CheckReason.PLUGIN_UNKNOWN, "/nowhere/at-all is not there, or not executable"),
        ((SH, "-c", "exit 2"), CheckReason.PLUGIN, "said nothing, and ended with 2"),
        ((SH, "-c", "echo so far; kill -SEGV $$"), CheckReason.PLUGIN_UNKNOWN, "was ended by SIGSEGV: so far"),
        ((SH, "-c", "echo half; sleep 60 & wait"), CheckReason.TIMEOUT, "killed after 0.3 s: half"),
        ((SH, "-c", "printf 'a\\033[31mb\\n'; exit 2"), CheckReason.PLUGIN, "a [31mb"),
    ],
)
def test_what_goes_wrong_is_said_in_one_harmless_line(command: tuple[str, ...], reason: CheckReason, said: str) -> None:
    found = ask(*command, timeout_s=0.3 if reason is CheckReason.TIMEOUT else 10)
    assert (found.reason, found.error_message) == (reason, said)


def test_the_beginning_of_what_it_says_counts_however_much_it_says() -> None:
    found = ask(SH, "-c", "echo first; yes | head -c 1000000; exit 2")
    assert found.error_message == "first"


def test_it_finds_nothing_of_ours_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    found = ask(SH, "-c", 'echo "$PGPASSWORD, $DB_PASSWORD, $LC_ALL"; exit 2', environment={"PGPASSWORD": "for it alone"})
    assert found.error_message == "for it alone, , C.UTF-8"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"type": "command"}, "Field required"),
        ({"type": "command", "command": ["check_disk"]}, "full path of a program"),
        ({"type": "command", "command": ["/bin/true"], "url": "http://localhost/"}, "is not asked where type is command"),
        ({"url": "http://localhost/", "command": ["/bin/true"]}, "is only run where type is command"),
        ({"type": "command", "command": ["/bin/true"], "expect": {"exit_codes": []}}, "at least 1"),
        ({"type": "command", "command": ["/bin/true"], "expect": {"exit_codes": [256]}}, "less than or equal to 255"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ProbeSettings.model_validate_json(json.dumps(settings))
