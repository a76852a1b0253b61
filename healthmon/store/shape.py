"""Has a database what schema.sql says? Its version number alone does not tell: before the first release that schema was
edited in place, and a state of then is not what we work with.

What somebody has put beside it, such as an index for queries of their own, is theirs.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import apsw

from healthmon.store.row import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    Row = tuple[apsw.SQLiteValue, ...]

LISTING = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
_COMMENT = re.compile(r"--[^\n]*")
_WORD = re.compile(r"'[^']*'|\w+|[^\s\w]")


def difference(listing: Iterable[Row], schema: str) -> str:
    """Return the first thing of `schema` that a database, of which LISTING is given, has not or has otherwise; empty when it has all."""
    there = _words(listing)
    for (kind, name), words in _wanted(schema).items():
        if (kind, name) not in there:
            return f"it has no {kind} {name}"
        if there[kind, name] != words:
            return f"its {kind} {name} is another"
    return ""


@cache
def _wanted(schema: str) -> dict[tuple[str, str], list[str]]:
    db = apsw.Connection(":memory:")
    try:
        db.execute(schema)
        return _words(db.execute(LISTING))
    finally:
        db.close()


def _words(listing: Iterable[Row]) -> dict[tuple[str, str], list[str]]:
    """Return what each is made of, in no order: a column that a migration has added stands at the end."""
    return {(text(kind), text(name)): sorted(_WORD.findall(_COMMENT.sub("", text(sql)))) for kind, name, sql in listing}
