"""`healthmon process`: one process of the agent, as supervisord starts it."""

from __future__ import annotations

from pathlib import Path

import click

from healthmon.processes import entry


@click.command("process", hidden=True)
@click.argument("program")
@click.option("--config", "source", type=click.Path(path_type=Path), required=True, help="The configuration to use.")
def command(program: str, source: Path) -> int:
    """Be one process of the agent until told to stop. supervisord starts these; people use `healthmon run`."""
    return entry.run(program, source)
