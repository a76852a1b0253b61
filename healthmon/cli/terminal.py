"""How is text put on a terminal, and into a pipe? Whatever others wrote is made harmless."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from healthmon import log

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 160


def a_console() -> Console:
    """Return what prints: with colour and as wide as it is on a terminal, plain and wide in a pipe."""
    from rich.console import Console  # noqa: PLC0415  JSON does without it

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(width=width, highlight=False)


def a_table(*columns: str, numbers: Collection[str] = (), whole: Collection[str] = ()) -> Table:
    """Return an empty plain table; the columns in `numbers` are set to the right, those in `whole` never cut or broken."""
    from rich.table import Table  # noqa: PLC0415  as above

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=column in whole)
    return table


def styled(text: str, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415  as above

    return Text(log.clean(text), style)


def plain(*texts: str) -> list[Text]:
    return [styled(text) for text in texts]


def say(console: Console, text: Text) -> None:
    """Print a sentence: wrapped for a person, whole in a pipe."""
    console.print(text, soft_wrap=not console.is_terminal)


def show_table(columns: Sequence[str], rows: Iterable[Iterable[str]], *, right: Collection[str] = ()) -> None:
    """Print a plain table; the columns `right` are set to the right."""
    table = a_table(*columns, numbers=right)
    for row in rows:
        table.add_row(*plain(*row))
    a_console().print(table)
