"""How does a person say how long? `90s`, `30m`, `2h`, `1d12h`."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d{1,6})(s|min|m|h|d|w)")
LONGEST = timedelta(days=366)


class Duration(click.ParamType[timedelta]):
    """A length of time on the command line."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        parts = _PART.findall(value)
        if not parts or "".join(f"{count}{unit}" for count, unit in parts) != value:
            self.fail(f"{value[:40]!r} is no length of time: write as in 90s, 30m, 2h or 1d12h", param, ctx)
        length = timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))
        if not timedelta(0) < length <= LONGEST:
            self.fail(f"{value[:40]!r} is too short or too long: from 1s to {LONGEST.days}d", param, ctx)
        return length
