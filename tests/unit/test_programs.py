"""What do we say to supervisord, and does it hear exactly that? Asked of supervisor's own parser."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from supervisor.options import ServerOptions

from healthmon import config as configuration
from healthmon.errors import UsageError
from healthmon.processes import configuring, programs
from healthmon.processes.directories import prepare_directories
from healthmon.settings import is_our_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.config import Config
    from healthmon.processes.programs import Program

TOP = Path(__file__).parents[2]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory with a short path: pytest's own is too long for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:
        yield Path(directory).resolve()


def configured(directory: Path, *, groups: tuple[str, ...] = ("core",), **settings: Any) -> tuple[Config, Path]:
    source = directory / "config.json"
    services = [{"name": f"in_{group}", "url": "http://localhost:1/", "group": group} for group in groups]
    source.write_text(json.dumps({"data_dir": str(directory), "services": services, **settings}), encoding="utf-8")
    config = configuration.load(source)
    prepare_directories(config.paths)
    return config, source


def of_monitor(source: Path) -> list[Program]:
    """Return the programs that the file asks for once it is applied."""
    applied, config = configuring.start(source, author="t", newest=0)
    return programs.of_monitor(applied, config.paths)


def parsed(conf: Path) -> dict[str, Any]:
    """Return what supervisord would run, by the programs' names."""
    options = ServerOptions()
    options.realize(["-n", "-c", str(conf)], doc="")
    options.poller.close()
    return {process.name: process for group in options.process_group_configs for process in group.process_configs}


def test_each_group_has_a_probe_program_beside_the_others(tmp_path: Path) -> None:
    config, source = configured(tmp_path, groups=("core", "agents"))
    programs.write(config.paths, of_monitor(source))
    found = parsed(programs.write_conf(config.paths))
    assert sorted(found) == ["evaluator", "healer", "keeper", "notifier", "probe-agents", "probe-core", "watchdog", "web"]
    assert shlex.split(found["probe-core"].command) == [*programs.OURS, "probe-core", "--data-dir", str(tmp_path)]
    assert found["healer"].stdout_logfile == str(config.paths.log("healer"))


def test_every_program_of_ours_is_known_as_ours_wherever_names_are_asked_about(tmp_path: Path) -> None:
    _, source = configured(tmp_path, groups=("core", "agents"))
    assert [one.name for one in of_monitor(source) if not is_our_program(one.name)] == []
    assert [name for name in ("doc_store", "evaluator2", "myprobe-x", "") if is_our_program(name)] == []


@pytest.mark.parametrize("name", ["plain", "two words", "a;b#c", "it's \"q\"", "back\\slash", "$HOME", "ünï", "x\\"])
def test_any_data_dir_arrives_unchanged(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    config, _ = configured(directory)
    programs.write(config.paths, [programs.ours("evaluator", config.paths, directory=directory)])
    command = parsed(programs.write_conf(config.paths))["evaluator"].command
    assert shlex.split(command) == [*programs.OURS, "evaluator", "--data-dir", str(directory)]


def test_a_data_dir_with_spaces_and_quotes_works(tmp_path: Path) -> None:
    directory = tmp_path / "my 'own' data"
    directory.mkdir()
    config, source = configured(directory)
    programs.write(config.paths, of_monitor(source))
    evaluator = parsed(programs.write_conf(config.paths))["evaluator"]
    assert evaluator.directory == str(directory)
    assert evaluator.stdout_logfile == str(directory / "logs" / "evaluator.log")


@pytest.mark.parametrize("name", ["50%", "a*b", "a[b", "what?", "a ;b", "a\t#b"])
def test_a_data_dir_that_supervisord_cannot_express_is_refused(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    config, source = configured(directory)
    with pytest.raises(UsageError, match="set data_dir"):
        of_monitor(source)
    assert not list(config.paths.programs.iterdir())
    assert not config.paths.applied.exists()


def test_a_data_dir_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 90)
    directory.mkdir()
    _, source = configured(directory)
    with pytest.raises(UsageError, match="bytes too long"):
        of_monitor(source)


def test_a_relative_data_dir_means_the_same_to_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    config, source = configured(tmp_path)
    source.write_text(source.read_text(encoding="utf-8").replace(json.dumps(str(tmp_path)), '"data"'), encoding="utf-8")
    config = configuration.load(source)
    prepare_directories(config.paths)
    monkeypatch.chdir(of_monitor(source)[0].directory)
    assert configuration.load(source).paths == config.paths


def test_a_group_that_is_gone_takes_its_file_along_but_no_file_of_the_users(tmp_path: Path) -> None:
    config, source = configured(tmp_path, groups=("core", "agents"))
    own = config.paths.programs / "mine.conf"
    own.write_text("[program:mine]\ncommand = /bin/true\n", encoding="utf-8")
    programs.write(config.paths, of_monitor(source))
    config, source = configured(tmp_path, groups=("core",))
    programs.write(config.paths, of_monitor(source))
    assert sorted(path.name for path in config.paths.programs.iterdir()) == [
        "evaluator.conf",
        "healer.conf",
        "keeper.conf",
        "mine.conf",
        "notifier.conf",
        "probe-core.conf",
        "watchdog.conf",
        "web.conf",
    ]


def test_a_supervisord_conf_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    config, _ = configured(tmp_path)
    conf = programs.write_conf(config.paths)
    assert conf.read_text(encoding="utf-8") == (TOP / "supervisord.conf").read_text(encoding="utf-8")
    mine = conf.read_text(encoding="utf-8").replace("loglevel = info", "loglevel = debug") + "  mine/*.conf\n[program:mine]\ncommand = x\n"
    conf.write_text(mine, encoding="utf-8")
    programs.require_own_conf(config.paths)
    assert programs.write_conf(config.paths).read_text(encoding="utf-8") == mine


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_address_and_hashes_everything(lock: str) -> None:
    text = (TOP / "tools" / lock).read_text(encoding="utf-8")
    assert "://" not in text
    pins = [line for line in text.splitlines() if line[:1].isalnum()]
    assert len(pins) > 10
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
