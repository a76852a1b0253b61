"""`healthmon process`: one process of the agent, as supervisord starts it."""

from __future__ import annotations

from pathlib import Path

import click

from healthmon.processes import entry


@click.command("process", hidden=True)
@click.argument("program")
@click.option("--data-dir", type=click.Path(path_type=Path), required=True, help="Where the agent runs.")
def command(program: str, data_dir: Path) -> int:
    """Be one process of the agent until told to stop. supervisord starts these; people use `healthmon run`."""
    return entry.run(program, data_dir)
