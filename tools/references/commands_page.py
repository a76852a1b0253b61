"""Every command, its arguments and its options, as `--help` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cells import cell, code  # beside this file

from healthmon.cli.main import VERBS, group

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
# Every command

`healthmon COMMAND --help` says the same. Every command takes `--config FILE` before its own name, and says on stderr which file it used.
It ends with 0 when all is well, 1 when something is not, 2 when it was asked wrongly or the configuration is wrong.
"""


def written() -> str:
    """Return the page."""
    context = click.Context(group, info_name="healthmon")
    parts = [HEAD, *_options(group, context)]
    for verb in (verb for verb, about in VERBS.items() if about):
        found = group.get_command(context, verb)
        assert found is not None  # noqa: S101  VERBS names those that there are
        parts += _command(found, click.Context(found, info_name=verb, parent=context), level=2)
    return "\n".join(parts)


def _command(found: click.Command, context: click.Context, level: int) -> Iterator[str]:
    inner = found.commands if isinstance(found, click.Group) else {}
    yield f"{'#' * level} `{context.command_path.split('[')[0].strip()}`\n"
    yield f"```text\n{context.command_path} {' '.join(found.collect_usage_pieces(context))}\n```\n"
    yield _prose(found.help or "")
    yield from _options(found, context)
    for name, one in inner.items():
        if not one.hidden:
            yield from _command(one, click.Context(one, info_name=name, parent=context), level + 1)


def _options(found: click.Command, context: click.Context) -> Iterator[str]:
    records = [record for one in found.params if isinstance(one, click.Option) and (record := one.get_help_record(context))]
    if records:
        yield "| option | |\n|---|---|"
        yield from (f"| {code(option)} | {cell(about)} |" for option, about in records)
        yield ""


def _prose(text: str) -> str:
    """Undo the folding of a docstring; what is laid out there, after the mark for it, stays so."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.lstrip().startswith("\b"):
            paragraphs.append("```text\n" + paragraph.replace("\b\n", "").strip("\n") + "\n```")
        else:
            paragraphs.append(" ".join(paragraph.split()))
    return "\n\n".join(paragraphs) + "\n"
