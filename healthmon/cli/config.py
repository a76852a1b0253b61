"""`healthmon config …`: what was applied, when, by whom, and in what it differs."""

from __future__ import annotations

import json
import sys
from difflib import unified_diff
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon import config as configuration
from healthmon.applied import frozen
from healthmon.cli import agents
from healthmon.cli.context import open_database
from healthmon.config_changes import compare
from healthmon.config_source import file
from healthmon.config_source.masking import masked
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY, UsageError
from healthmon.store import configurations

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.config_source.node import Plain
    from healthmon.model.configuration import Configuration

SHOWN = 20
EVERYTHING = 1_000
COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.group("config")
def command() -> None:
    """What was applied, and in what it differs."""


@command.command("history")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), default=SHOWN, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with what each said.")
@click.pass_obj
def history(context: Context, *, limit: int, as_json: bool) -> None:
    """List the configurations that were applied, each with what it changed. What changed nothing is left out."""
    kept = _kept(context)
    if as_json:
        click.echo(json.dumps([_document(one) for one in kept[:limit]], indent=2, ensure_ascii=False))
        return
    olders = [*kept[1:], None]
    for one, older in list(zip(kept, olders, strict=True))[:limit]:
        what = "the first" if older is None else "; ".join(compare(_said(older), _said(one)).lines()) or "written otherwise"
        click.echo(f"{one.number:>5}  {clock.to_people(one.applied_at)}  {one.cause.value:<9}  {one.author:<12}  {what}")


@command.command("diff")
@click.argument("old", type=int, required=False)
@click.argument("new", type=int, required=False)
@click.option("--file", "with_file", is_flag=True, help="Compare with the file as it is now: what `healthmon reload` would change.")
@click.pass_obj
def diff(context: Context, old: int | None, new: int | None, *, with_file: bool) -> int:
    """Show in what configuration OLD and configuration NEW differ: without them, what the last change changed.

    Secrets are left out; a secret that was changed shows by the number of the configuration that brought it. Exit code 1
    when they differ.
    """
    if with_file and new is not None:
        raise UsageError("--file stands for NEW: name OLD alone, or leave --file out")
    kept = _kept(context)
    newer = None if with_file else _at(kept, new)
    older = _at(kept, old) if old is not None or with_file else _before(kept, newer)
    after = _lines_of_file(context) if newer is None else _lines(newer.content)
    name = str(context.source) if newer is None else _name(newer)
    found = list(unified_diff(_lines(older.content), after, _name(older), name, lineterm=""))
    for line in found:
        click.echo(click.style(line, fg=COLOURS.get(line[:1])) if sys.stdout.isatty() else line)
    return EXIT_NOT_HEALTHY if found else EXIT_FINE


@command.command("applied")
@click.pass_obj
def applied(context: Context) -> None:
    """Print the file that the running agent works with, as it was when it was applied: also where it is gone or broken by now.

    It holds what the file holds, secrets too. Services that discovery found stand in no file.
    """
    found = agents.find(context.source)
    if found is None:
        raise UsageError(f"no agent runs with {context.source}: start it, and it says what it works with")
    click.echo(found[1].text, nl=False)


def _kept(context: Context) -> list[Configuration]:
    """Return what was applied, the newest first."""
    connection = open_database(context.config.paths)
    try:
        return configurations.history(connection, limit=EVERYTHING)
    finally:
        connection.close()


def _at(kept: list[Configuration], number: int | None) -> Configuration:
    """Return the configuration that counted as number `number`: one that changed nothing says what the one before it said."""
    found = next((one for one in kept if number is None or one.number <= number), None)
    if found is None:
        raise UsageError("none is kept that was applied so early: `healthmon config history` lists them")
    return found


def _before(kept: list[Configuration], one: Configuration | None) -> Configuration:
    for newer, older in pairwise(kept):
        if newer is one:
            return older
    raise UsageError("only one configuration was applied so far: there is nothing to compare it with; --file compares it with the file")


def _lines_of_file(context: Context) -> list[str]:
    source = file.read(context.source)
    agent = agents.of(context.source)
    discovered, known = ((), {}) if agent is None else (agent.applied.discovered, agent.applied.masks)
    written = configuration.with_discovered(source.root.plain(), discovered)
    loaded = configuration.build(source, discovered=discovered)
    number = 0 if agent is None else agent.applied.number + 1
    shown, _ = masked(written, loaded, known=known, number=number)
    return _lines(json.dumps(shown))


def _lines(content: str) -> list[str]:
    return json.dumps(json.loads(content), indent=2, ensure_ascii=False).splitlines()


def _said(one: Configuration) -> Plain:
    return frozen(json.loads(one.content))


def _name(one: Configuration) -> str:
    return f"configuration {one.number} of {clock.to_people(one.applied_at)} by {one.author}"


def _document(one: Configuration) -> dict[str, object]:
    return {
        "number": one.number,
        "applied_at": clock.to_iso(one.applied_at),
        "author": one.author,
        "cause": one.cause.value,
        "source": one.source,
        "configuration": json.loads(one.content),
    }
