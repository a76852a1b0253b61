"""How do SQLite's values become ours, with their types known?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock

if TYPE_CHECKING:
    from datetime import datetime

    import apsw


def text(value: apsw.SQLiteValue) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {value!r}")
    return value


def integer(value: apsw.SQLiteValue) -> int:
    if not isinstance(value, int):
        raise TypeError(f"an integer expected, not {value!r}")
    return value


def real(value: apsw.SQLiteValue) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"a number expected, not {value!r}")
    return float(value)


def time(value: apsw.SQLiteValue) -> datetime:
    return clock.from_sql(text(value))


def text_or_none(value: apsw.SQLiteValue) -> str | None:
    return None if value is None else text(value)


def integer_or_none(value: apsw.SQLiteValue) -> int | None:
    return None if value is None else integer(value)


def real_or_none(value: apsw.SQLiteValue) -> float | None:
    return None if value is None else real(value)


def time_or_none(value: apsw.SQLiteValue) -> datetime | None:
    return None if value is None else time(value)


def sql_time(at: datetime | None) -> str | None:
    return None if at is None else clock.to_sql(at)
