"""Does a file become the applied configuration as a whole, or not at all?"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import applied
from healthmon.applied import frozen
from healthmon.cli import agents
from healthmon.config_changes import Changes
from healthmon.errors import ConfigError, HealthmonError, UsageError
from healthmon.log import Log
from healthmon.model.configuration import ConfigurationCause
from healthmon.paths import Paths
from healthmon.processes import configuring, following
from healthmon.processes.directories import prepare_directories

if TYPE_CHECKING:
    from pathlib import Path

A = {"name": "a", "url": "http://127.0.0.1:1/"}
FOUND = {"name": "found", "url": "http://127.0.0.1:2/", "group": "docker"}


class Place:
    """An agent's directory and its file."""

    def __init__(self, directory: Path) -> None:
        self.source = directory / "config.json"
        self.paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
        prepare_directories(self.paths)
        self.write()
        self.applied, self.config = configuring.start(self.source, author="ann", newest=0)

    def write(self, *services: dict[str, Any], **settings: Any) -> None:
        said = {"data_dir": str(self.paths.data_dir), "services": services or [A], **settings}
        self.source.write_text(json.dumps(said), encoding="utf-8")

    def reload(self) -> configuring.Change:
        return configuring.reload(self.paths, author="bob")

    def names(self) -> list[str]:
        return [service.name for service in applied.require(self.paths).load(self.paths).services]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_applied_says_who_did_it_and_when_and_only_its_owner_may_read_it(place: Place) -> None:
    place.write(A, {**A, "name": "b"})
    change = place.reload()
    found = applied.require(place.paths)
    assert found == change.applied
    assert (found.number, found.author, found.cause, found.source) == (2, "bob", ConfigurationCause.RELOAD, place.source)
    assert change.changes == Changes(added=("b",))
    assert place.paths.applied.stat().st_mode & 0o777 == 0o600


def test_the_same_file_again_is_a_new_configuration_for_what_its_references_stand_for_may_have_changed(place: Place) -> None:
    change = place.reload()
    assert (change.applied.number, change.changes.lines()) == (2, [])
    assert change.applied.content == place.applied.content


def test_a_start_with_the_same_file_keeps_the_number_and_one_with_another_counts_on(place: Place) -> None:
    assert configuring.start(place.source, author="x", newest=0)[0] == place.applied
    place.write(A, log_level="DEBUG")
    assert configuring.start(place.source, author="x", newest=8)[0].number == 9  # what the database knows counts, too


BAD: dict[str, str | bytes] = {
    "no file": b"",
    "broken off": '{"services": [',
    "no object": "[]",
    "unknown key": '{"services": [{"name": "a", "url": "http://x/", "intervall": 3}]}',
    "wrong type": '{"services": "all"}',
    "twice": '{"services": [{"name": "a", "url": "http://x/"}, {"name": "a", "url": "http://y/"}]}',
    "bad rule": '{"services": [{"name": "a", "url": "http://x/"}], "alert_rules": [{"name": "r", "condition": "status ==", "severity": "warning"}]}',
    "no secret": '{"services": [{"name": "a", "url": "${env:HM_NOT_SET}"}]}',
    "not UTF-8": b'{"services": "\xff"}',
    "too large": " " * 10_000_000,
    "deep": "[" * 100_000,
    "a directory of its own": '{"services": [{"name": "a", "url": "http://x/"}], "data_dir": "/tmp"}',
    "a database of its own": '{"services": [{"name": "a", "url": "http://x/"}], "data_dir": "%s", "database_path": "x.db"}',
    "a group that is none": '{"services": [{"name": "a", "url": "http://x/", "group": "%s"}]}' % ("g" * 33),
}
YAML = {
    "alias bomb": "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
    "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nservices: [*e, *e, *e, *e, *e]\n",
    "an object of Python's": "services: !!python/object/apply:os.system ['true']\n",
    "a tab": "services:\n\t- name: a\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_file_changes_nothing_and_is_named(place: Place, text: str | bytes) -> None:
    before = place.paths.applied.read_bytes()
    data = text if isinstance(text, bytes) else text.replace("%s", str(place.paths.data_dir)).encode()
    place.source.write_bytes(data)
    with pytest.raises(UsageError) as raised:
        place.reload()
    assert place.source.name in str(raised.value) or "while the agent runs" in str(raised.value)
    assert place.paths.applied.read_bytes() == before


@pytest.mark.parametrize("text", YAML.values(), ids=YAML.keys())
def test_a_bad_file_of_yaml_costs_neither_time_nor_memory(tmp_path: Path, text: str) -> None:
    place = Place(tmp_path)
    source = place.source.with_suffix(".yaml")
    source.write_text(json.dumps({"data_dir": str(tmp_path), "services": [A]}))
    configuring.start(source, author="x", newest=0)
    source.write_text(text)
    began, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError):
        place.reload()
    assert time.monotonic() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 * 1024


def test_a_file_that_is_gone_changes_nothing(place: Place) -> None:
    place.source.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        place.reload()
    assert applied.require(place.paths) == place.applied


def test_two_at_once_are_one_after_the_other_and_one_that_takes_too_long_is_not_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuring, "PATIENCE_S", 0.1)
    with configuring._alone(place.paths), pytest.raises(configuring.BusyError, match="try again"):
        place.reload()
    assert place.reload().applied.number == 2


def test_services_that_were_discovered_stand_beside_those_of_the_file(place: Place) -> None:
    found = configuring.discover(place.paths, [FOUND], author="healer")
    assert (found.cause, found.number, place.names()) == (ConfigurationCause.DISCOVERY, 2, ["a", "found"])
    assert "probe-docker" in found.programs
    assert configuring.discover(place.paths, [FOUND], author="healer") == found  # no news
    place.write(A, {**A, "name": "b"})
    assert place.reload().changes == Changes(added=("b",))
    assert place.names() == ["a", "b", "found"]
    assert configuring.start(place.source, author="x", newest=0)[0].number == 3  # an agent that starts anew knows them still
    assert place.names() == ["a", "b", "found"]
    configuring.discover(place.paths, [], author="healer")
    assert place.names() == ["a", "b"]


def test_of_two_services_with_one_name_the_files_counts(place: Place) -> None:
    configuring.discover(place.paths, [{**FOUND, "name": "a"}], author="healer")
    assert [service.url for service in applied.require(place.paths).load(place.paths).services] == [A["url"]]


@pytest.mark.parametrize(
    "entry",
    [{"name": "x", "url": "no address"}, {"name": "x", "url": "http://x/", "what": 1}, {"name": "x\0", "url": "http://x/"}, {"name": "x\ud800"}],
)
def test_what_was_discovered_and_does_not_fit_changes_nothing(place: Place, entry: dict[str, Any]) -> None:
    with pytest.raises(HealthmonError):
        configuring.discover(place.paths, [FOUND, entry], author="healer")
    assert applied.require(place.paths) == place.applied


def test_what_was_discovered_cannot_have_a_secret_read(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("treasure")
    entry: dict[str, Any] = {**FOUND, "headers": {"X-Leak": "${file:secret}"}}
    configuring.discover(place.paths, [entry], author="healer")
    service = applied.require(place.paths).load(place.paths).service("found")
    assert service.headers["X-Leak"].get_secret_value() == "${file:secret}"


def test_a_process_takes_in_what_is_applied_once_and_goes_on_with_what_it_has_while_that_cannot_be_loaded(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.0)
    follower, records = following.begin(place.paths), Log("t")
    assert follower.news(records) is None
    (tmp_path / "address").write_text("http://127.0.0.1:3/")
    place.write({"name": "a", "url": "${file:address}"})
    place.reload()
    (tmp_path / "address").unlink()
    assert [follower.news(records) for _ in range(3)] == [None] * 3
    assert [message.split()[1] for message in caplog.messages] == ["configuration_not_followed"]
    (tmp_path / "address").write_text("http://127.0.0.1:3/")
    news = follower.news(records)
    assert news is not None
    assert news.services[0].url == "http://127.0.0.1:3/"
    assert follower.number == 1
    follower.followed()
    assert (follower.number, follower.news(records)) == (2, None)


def test_a_snapshot_that_was_removed_is_no_news(place: Place) -> None:
    follower = following.begin(place.paths)
    place.paths.applied.unlink()
    assert follower.news(Log("t")) is None


def test_a_snapshot_that_cannot_be_read_is_told_with_what_to_do(place: Place) -> None:
    for garbage in (b"{", b"[]", b"{}", os.urandom(100)):
        place.paths.applied.write_bytes(garbage)
        with pytest.raises(applied.NotAppliedError, match="stop the agent and start it again"):
            applied.read(place.paths)
    place.write(A, {**A, "name": "b"})
    configuring.start(place.source, author="x", newest=4)
    assert (place.names(), applied.require(place.paths).number) == (["a", "b"], 5)


def test_which_files_are_read_for_secrets_only_the_file_says(place: Place, tmp_path: Path) -> None:
    """The snapshot is the agent's account's to write, and a command may be root's: what it names must not be read for it."""
    for name in ("mine", "roots"):
        (tmp_path / name).write_text(f"secret-of-{name}")
    place.write(A, watchdog={"ping_url": f"http://127.0.0.1:1/${{file:{tmp_path}/mine}}"})
    present = place.reload().applied
    forged = replace(present, written=frozen(json.loads(json.dumps(present.written).replace("mine", "roots"))))
    loaded = agents.from_file(place.source, agents.Agent(paths=place.paths, applied=forged, config=place.config))
    assert loaded is not None
    assert loaded.watchdog.ping_url is not None
    assert loaded.watchdog.ping_url.get_secret_value() == "http://127.0.0.1:1/secret-of-mine"
    forged = replace(forged, text=forged.text.replace("mine", "roots"))
    assert agents.from_file(place.source, agents.Agent(paths=place.paths, applied=forged, config=place.config)) is None
