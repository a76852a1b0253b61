"""How is it told on a terminal what is wrong: each with all that is known of it, or where there is no room for that in a line?"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from healthmon import log
from healthmon.cli.top_line import Tone, cut
from healthmon.model.alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.cli.top_line import Line
    from healthmon.web.views.problems import Problem

INDENT = 2
MOST_LINES = 3  # of one text
SEVERITIES = {AlertSeverity.CRITICAL: ("✖", Tone.UNHEALTHY), AlertSeverity.WARNING: ("▲", Tone.WARNING), AlertSeverity.INFO: ("●", Tone.QUIET)}


def wrong_lines(found: Sequence[Problem], width: int, *, room: int | None) -> list[Line]:
    """Return what is wrong, each with all that is known of it; where there is no room for that, a line each."""
    if not found:
        return []
    lines = [line for one in found for line in _told(one, width)]
    if room is not None and len(lines) >= room:
        lines = [_briefly(one, width) for one in found]
        if len(lines) >= room:
            left = len(lines) - max(0, room - 2)
            lines = [*lines[: max(0, room - 2)], cut(((f"  … and {left} more: `healthmon alerts`", Tone.QUIET),), width)][: max(0, room - 1)]
    return [*lines, ()] if lines else []


def _told(one: Problem, width: int) -> list[Line]:
    told = (
        ("", one.what),
        ("because of: ", f"{one.because_of}, which nobody watches" if one.because_of else ""),
        ("ill with it: ", ", ".join(name for name, _ in one.dependents)),
        ("container: ", one.container),
        ("healing: ", one.healing),
        ("restarts: ", one.restarts),
        ("people: ", "; ".join((one.told, *(f"{message.channel} {message.words}" for message in one.messages if message.is_stuck)))),
        ("quiet: ", one.quiet),
    )
    lines = [line for title, text in told if text for line in _wrapped(title, text, width)]
    return [cut((*_headed(one), (f"  for {one.since.age}", Tone.STRONG)), width), *lines]


def _wrapped(title: str, text: str, width: int) -> list[Line]:
    room = max(1, width - cell_len(title) - INDENT)
    parts = wrap(log.clean(text), room, max_lines=MOST_LINES, placeholder=" …")
    heads = [title, *([" " * len(title)] * (len(parts) - 1))]
    return [cut(((f"{' ' * INDENT}{head}", Tone.QUIET), (part, Tone.PLAIN)), width) for head, part in zip(heads, parts, strict=True)]


def _briefly(one: Problem, width: int) -> Line:
    with_it = f"  +{len(one.dependents)}" if one.dependents else ""
    return cut((*_headed(one), (f"  {one.since.age}{with_it}  ", Tone.STRONG), (_healing(one) or one.what, Tone.PLAIN)), width)


def _headed(one: Problem) -> Line:
    mark, tone = SEVERITIES[one.severity]
    cause = one.cause or ", ".join(one.rules)
    return ((f"{mark} {one.name or 'healthmon itself'}", tone), (f"  {cause}", Tone.STRONG))


def _healing(one: Problem) -> str:
    return " · ".join(filter(None, (one.healing, one.restarts)))
