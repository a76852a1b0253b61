"""What does `healthmon` understand? Verbs, each in a file of its own that is loaded when it is typed.

The earlier script's flags work as written: alone it runs, `--once`, `--report` and `--dashboard` are the verbs.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from healthmon import __version__
from healthmon.cli.rights import remedy
from healthmon.errors import EXIT_FAILED, EXIT_USAGE, HealthmonError
from healthmon.loading import quickly
from healthmon.log_journal import marked

VERBS = {
    "once": "look at every service once, store it, and say how they are",
    "report": "how every service is, as JSON",
    "dashboard": "the report with trends, as JSON",
    "run": "watch and heal, in the foreground, until Ctrl-C",
    "demo": "see it at work on 17 small services of its own",
    "status": "how every service is, for a person",
    "top": "how everything is, live, until q",
    "alerts": "what fires, who was told, and what you say to it",
    "incidents": "what was ill, when, why, and what was done about it",
    "heal": "why healing does what it does, and whether it helps; hold back, release, restart now",
    "drill": "make a service of its own ill, and time how it is seen, told and healed",
    "maintenance": "work on services without a message or a restart",
    "slo": "were the service levels met? the document's five targets, and every service's budget",
    "backtest": "what other rules, or other healing, would have done with what really happened",
    "probe": "look at one service now, and say everything about it",
    "web": "log a browser in, so that its buttons work",
    "init": "write a first configuration from what runs here",
    "validate": "check a configuration, and show what it means",
    "doctor": "is this installation sound and safe, and what to do if not",
    "processes": "what of ours runs, since when, and what it uses",
    "reload": "apply the file to the running agent, without a missed check",
    "config": "what was applied, when and by whom, and what differs",
    "ctl": "supervisorctl, with the right file",
    "log-level": "how much the running processes say, changed at run time",
    "programs": "write the supervisord programs of a configuration",
    "db": "about the database: path, backup, restore, import, check, prune, vacuum, stats",
    "process": "",  # what supervisord starts: not for people
}


class Verbs(click.Group):
    """Loads a verb's module when it is asked for, so that `status` does not pay for what `run` needs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [verb for verb, about in VERBS.items() if about]

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        with quickly():
            command = importlib.import_module(f"healthmon.cli.{name.replace('-', '_')}").command
        assert isinstance(command, click.Command)  # noqa: S101  every verb's file has one
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, about) for verb, about in VERBS.items() if about])


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "-c", "source", type=click.Path(path_type=Path), help="The configuration to use.")
@click.option("--once", "verb", flag_value="once", help="The same as the command once.")
@click.option("--report", "verb", flag_value="report", help="The same as the command report.")
@click.option("--dashboard", "verb", flag_value="dashboard", help="The same as the command dashboard.")
@click.version_option(__version__, message="healthmon %(version)s")
@click.pass_context
def group(ctx: click.Context, source: Path | None, verb: str | None) -> Any:
    """Watches services, restarts the containers that a restart heals, and proves that it helped."""
    with quickly():
        from healthmon.cli.context import Context  # noqa: PLC0415  who asks for the version or for help does not wait for it
    ctx.obj = Context(source)
    if ctx.invoked_subcommand is not None:
        if verb:
            raise click.UsageError(f"--{verb} and the command {ctx.invoked_subcommand} together say two things")
        return None
    command = group.get_command(ctx, verb or "run")
    return None if command is None else ctx.invoke(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command line and exit. Every error is one clear line on stderr, or one a problem."""
    _settle_streams()
    try:
        result: Any = group.main(arguments, prog_name="healthmon", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except HealthmonError as error:
        for line in str(error).splitlines():
            click.echo(marked(f"healthmon: {line}"), err=True)
        _say_remedy(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has seen enough
        sys.exit(0)
    except OSError as error:
        click.echo(marked(f"healthmon: {error.strerror or error}{_of_file(error)}"), err=True)
        _say_remedy(error)
        _drop_output()
        sys.exit(EXIT_FAILED)
    sys.exit(result if isinstance(result, int) else 0)


def _settle_streams() -> None:
    """Make the descriptors 0 to 2 open, and able to show any path.

    Where one was closed, the next file that is opened (a lock, the database) would get its number, and its output.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  stderr
        os.set_inheritable(descriptor, True)  # noqa: FBT003
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for as long as the process lives
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  as above
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say_remedy(error: BaseException) -> None:
    if words := remedy(error):
        click.echo(f"healthmon: {words}", err=True)


def _of_file(error: OSError) -> str:
    if error.filename is None:
        return ": the output could not be written, or a socket not be used"
    return f": {error.filename}: check that it is what it should be, is yours, and has space"


def _drop_output() -> None:
    """Forget what could not be written: Python would try, and fail, once more at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
