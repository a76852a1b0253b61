"""`healthmon drill`: is an illness seen, told and healed on this machine, and how fast?"""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from healthmon.cli.terminal import a_console, a_table, plain, styled
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY, UsageError

if TYPE_CHECKING:
    from healthmon.drill.drill import Drill


@click.command("drill")
@click.option("--docker", is_flag=True, help="With a container of its own on the local Docker Engine, instead of a process.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(1, 600), default=60.0, show_default=True, help="Seconds to wait for all steps.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Keep database and logs here; otherwise they are removed.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def command(*, docker: bool, timeout_s: float, data_dir: Path | None, as_json: bool) -> int:
    """Make a service of its own ill, and time how it is seen, told and healed. Exit code 0 when all steps came, else 1.

    Safe on a machine in use: it runs an agent of its own beside yours, in a directory of its own. It reads and writes
    nothing of your configuration, database, services, containers and channels; its messages go to itself.
    """
    from healthmon.drill.drill import hold  # noqa: PLC0415  `drill --help` needs none of it

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="healthmon-drill-", ignore_cleanup_errors=True) as temporary:
        directory = (data_dir or Path(temporary)).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"--data-dir {directory} is not empty: a drill touches nothing that is there already, name a new directory")
        _tell(f"an agent of its own is started in {directory}; nothing of yours is touched")
        drill = hold(directory, docker=docker, timeout_s=timeout_s, tell=_tell)
    if as_json:
        click.echo(json.dumps(_document(drill), indent=2))
    else:
        _show(drill)
    if not drill.is_complete:
        kept = f"its logs are in {data_dir}" if data_dir else "hold it again with --data-dir DIR, which keeps its logs"
        click.echo(f"healthmon: not all steps came within {timeout_s:g} s: {kept}", err=True)
    return EXIT_FINE if drill.is_complete else EXIT_NOT_HEALTHY


def _show(drill: Drill) -> None:
    console = a_console()
    table = a_table("", "step", "after", "since the step before", numbers={"after", "since the step before"})
    before_s = 0.0
    for step in drill.steps:
        after_s = drill.after_s(step)
        if after_s is None:
            table.add_row(styled("✖", "bold red"), styled(step.text), styled("not yet", "bold red"), "")
            continue
        since = f"{after_s - before_s:.2f} s" if after_s >= before_s else "meanwhile"
        table.add_row(styled("✔", "green"), *plain(step.text, f"{after_s:.2f} s", since))
        before_s = max(before_s, after_s)
    console.print(table)
    console.print(styled("with a check a second, and 2 s before a restart: your own settings decide how long it takes for your services", "dim"))


def _document(drill: Drill) -> dict[str, object]:
    steps = [{"step": step.name, "text": step.text, "came": step.at is not None, "after_seconds": drill.after_s(step)} for step in drill.steps]
    return {"complete": drill.is_complete, "steps": steps}


def _tell(text: str) -> None:
    click.echo(f"healthmon: drill: {text}", err=True)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
