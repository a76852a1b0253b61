"""`healthmon init`: write a first configuration from what runs here."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthmon import config as configuration
from healthmon import log
from healthmon.cli import containers
from healthmon.cli.init_found import HEALTH_PATHS, asked, of_compose, of_containers, of_ports
from healthmon.cli.init_text import written
from healthmon.config_source import yaml_text
from healthmon.errors import EngineError, UsageError
from healthmon.watch.host import listening

if TYPE_CHECKING:
    from healthmon.cli.init_found import Found

FILE = Path("config/health_monitoring_config.json")  # where every command looks
MAX_BYTES = 1_048_576
OURS = re.compile("healthmon|docker-proxy")
WHAT = {"http": "asked over HTTP", "tcp": "whether its port is open", "docker": "what its container says"}


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path), default=FILE)
@click.option("--compose", type=click.Path(path_type=Path, dir_okay=False), help="A Compose file whose services to take, running or not, instead of what runs.")
def command(file: Path, compose: Path | None) -> None:
    """Write FILE from the containers that run here and the ports that answer /health. Nothing that exists is overwritten.

    Each is asked once, so that the file holds what works. Without FILE it is config/health_monitoring_config.json.
    """
    if file.exists():
        raise UsageError(f"{file} exists already, and is not overwritten: name another file, as in `healthmon init config/mine.json`")
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
    try:
        with compose.open("rb") as text:
            document = yaml_text.foreign(text.read(MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{compose} cannot be read: {error}") from error
    project = document.get("name") if isinstance(document, dict) else None
    found = of_compose(document, project if isinstance(project, str) else compose.absolute().parent.name)
    if not found:
        raise UsageError(f"{compose} has no services: is it a Compose file?")
    return asked(found)


def _write(file: Path, text: str) -> None:
    """Write the file, and only there where none is. What could not be used would be a bug of ours: then there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as output:
        output.write(text)
    try:
        configuration.load(file)
    except BaseException:
        file.unlink()
        raise
