"""`healthmon init`: write a first configuration from what runs here."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from healthmon import config as configuration
from healthmon import log
from healthmon.cli import containers
from healthmon.cli.init_found import HEALTH_PATHS, asked, of_compose, of_containers, of_ports
from healthmon.cli.init_gatus import of_endpoints
from healthmon.cli.init_kuma import of_monitors
from healthmon.cli.init_text import taken_over, written
from healthmon.config_source import yaml_text
from healthmon.errors import EngineError, UsageError
from healthmon.service_settings import ServiceSettings
from healthmon.store import uptime_kuma
from healthmon.watch.host import listening

if TYPE_CHECKING:
    from healthmon.cli.init_found import Found
    from healthmon.cli.init_taken import Taken

FILE = Path("config/health_monitoring_config.json")  # where every command looks
MAX_BYTES = 1_048_576
OURS = re.compile("healthmon|docker-proxy")
WHAT = {"http": "asked over HTTP", "tcp": "whether its port is open", "docker": "what its container says"}


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path), default=FILE)
@click.option("--compose", type=click.Path(path_type=Path, dir_okay=False), help="A Compose file whose services to take, running or not, instead of what runs.")
@click.option("--kuma", type=click.Path(path_type=Path, dir_okay=False), help="A database of Uptime Kuma (kuma.db) whose monitors to take over.")
@click.option("--gatus", type=click.Path(path_type=Path, dir_okay=False), help="A configuration of Gatus whose endpoints to take over.")
def command(file: Path, compose: Path | None, kuma: Path | None, gatus: Path | None) -> None:
    """Write FILE from the containers that run here and the ports that answer /health. Nothing that exists is overwritten.

    Each is asked once, so that the file holds what works. Without FILE it is config/health_monitoring_config.json.
    What is taken over from another program is not asked; what has no equal here stands in the file as a comment.
    """
    if file.exists():
        raise UsageError(f"{file} exists already, and is not overwritten: name another file, as in `healthmon init config/mine.json`")
    if sum(one is not None for one in (compose, kuma, gatus)) > 1:
        raise UsageError("--compose, --kuma and --gatus name three sources: give one of them, and merge the files by hand")
    if kuma is not None:
        _take_over(file, kuma, of_monitors(uptime_kuma.monitors(kuma)))
    elif gatus is not None:
        _take_over(file, gatus, of_endpoints(_yaml(gatus)))
    else:
        _begin(file, compose)


def _take_over(file: Path, source: Path, found: list[Taken]) -> None:
    if not found:
        raise UsageError(f"{source} has nothing to watch: is it the right file?")
    for one in found:
        if one.entry and (why := _refusal(one)):
            one.left(why)
    _write(file, taken_over(found, socket.gethostname()), is_secret=True)
    taken = sum(bool(one.entry) for one in found)
    for one in found:
        for note in one.notes:
            click.echo(log.clean(f"  {one.name:<24}{'' if one.entry else 'not taken over: '}{note}"))
    click.echo(f"{file}: {taken} of {len(found)} taken over, {len(found) - taken} not. Next: `healthmon validate {file}`, then `healthmon --config {file}`")


def _refusal(one: Taken) -> str:
    """Return why we would refuse the entry; one that is odd costs none of the others."""
    try:
        ServiceSettings.model_validate_json(json.dumps({"name": "any", **one.entry, "group": "any"}))
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, fault['loc']))} {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors(include_input=False))
    return ""


def _begin(file: Path, compose: Path | None) -> None:
    found = _of_file(compose) if compose is not None else _running()
    if not found:
        raise UsageError("nothing was found that could be watched: no container runs, and no port here answers /health. Start from config/health_monitoring_config.json")
    _write(file, written(found, socket.gethostname()))
    for one in found:
        how = f"{one.url}{'' if one.answers else ', which does not answer now'}" if one.url else WHAT[one.kind]
        click.echo(log.clean(f"  {one.name:<24}{how}"))
    click.echo(f"{file}: {len(found)} services. Next: `healthmon validate {file}`, then `healthmon --config {file}`")


def _running() -> list[Found]:
    try:
        inside = of_containers(containers.seen())
    except EngineError as error:
        click.echo(f"healthmon: without containers: {error}", err=True)
        inside = []
    published = [port for one in inside for port in one.ports]
    outside = of_ports({port: name for port, name in listening().items() if not OURS.search(name)}, published)
    answering = [one for one in asked(outside, paths=HEALTH_PATHS) if one.kind == "http"]
    return [*asked(inside), *answering]


def _of_file(compose: Path) -> list[Found]:
    document = _yaml(compose)
    project = document.get("name") if isinstance(document, dict) else None
    found = of_compose(document, project if isinstance(project, str) else compose.absolute().parent.name)
    if not found:
        raise UsageError(f"{compose} has no services: is it a Compose file?")
    return asked(found)


def _yaml(path: Path) -> object:
    try:
        with path.open("rb") as text:
            return yaml_text.foreign(text.read(MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _write(file: Path, text: str, *, is_secret: bool = False) -> None:
    """Write the file, and only there where none is. What could not be used would be a bug of ours: then there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if is_secret else 0o644), "w", encoding="utf-8") as output:
        output.write(text)
    try:
        configuration.load(file)
    except BaseException:
        file.unlink()
        raise
