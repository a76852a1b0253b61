"""What stands on each line of the live view? Pure: from what is known, and a size, to lines of that size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from healthmon import log
from healthmon.cli.table import MARKS, age, container_words, uptime_words
from healthmon.cli.top_keys import Sort
from healthmon.cli.top_line import GAP, Tone, cut, ends
from healthmon.cli.top_problems import wrong_lines
from healthmon.history.report import OverallHealth, worst_first
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.answers.overview import Standing
    from healthmon.cli.top_keys import Choice
    from healthmon.cli.top_line import Line
    from healthmon.history.report import Report, ServiceLine
    from healthmon.web.views.problems import Problem

OLD_S = 90  # data of that age is said loudly, where no service is asked less often
LEAST_ROWS = 4  # of the table, however much is wrong
KEYS = "q quit  / filter  f status  s sort  p pause"
TONES = {ServiceStatus.HEALTHY: Tone.HEALTHY, ServiceStatus.UNHEALTHY: Tone.UNHEALTHY, ServiceStatus.UNKNOWN: Tone.WARNING}
VERDICTS = {OverallHealth.HEALTHY: Tone.HEALTHY, OverallHealth.DEGRADED: Tone.WARNING, OverallHealth.CRITICAL: Tone.UNHEALTHY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the view rests on. `trouble` is why it cannot be brought up to date; `fresh_s` is how old data may be without a word."""

    standing: Standing
    problems: tuple[Problem, ...]
    is_watched: bool
    trouble: str = ""
    fresh_s: float = OLD_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    width: int
    is_number: bool = False


SERVICE, STATUS, SINCE = Column(title="service", width=22), Column(title="status", width=9), Column(title="for", width=6, is_number=True)
RESPONSE, UPTIME = Column(title="response", width=8, is_number=True), Column(title="uptime 24 h", width=21, is_number=True)
CONTAINER = Column(title="container", width=26)
NARROW, WIDE = (SERVICE, STATUS, SINCE, RESPONSE), (SERVICE, STATUS, SINCE, RESPONSE, UPTIME, CONTAINER)
WIDE_FROM = 120


def frame(known: Known, choice: Choice, *, width: int, height: int | None, now: datetime) -> list[Line]:
    """Return the lines: exactly `height` of them, no wider than `width`; as many as there are where it is None."""
    rows = chosen(known.standing.report.lines, choice)
    top = _top(known, choice, width, now)
    if height is None:
        return [*top, *wrong_lines(known.problems, width, room=None), *_table(rows, known, width, 0, None)]
    room = max(0, height - len(top) - 1)
    wrong = wrong_lines(known.problems, width, room=max(0, room - 1 - min(LEAST_ROWS, len(rows))))
    lines = [*top, *wrong, *_table(rows, known, width, choice.first, max(0, room - len(wrong)))]
    lines = [*lines[: height - 1], *([()] * (height - 1 - len(lines)))]
    return [*lines, _bottom(choice, width, len(rows), len(known.standing.report.lines))][-height:]


def chosen(lines: Sequence[ServiceLine], choice: Choice) -> list[ServiceLine]:
    """Return the services that are asked for, in the order that is asked for."""
    wanted = choice.text.casefold()
    found = [
        line
        for line in worst_first(lines)
        if (choice.status is None or line.status is choice.status) and wanted in f"{line.service.name}\n{line.service.group}".casefold()
    ]
    match choice.sort:
        case Sort.SLOWEST:
            found.sort(key=lambda line: -(line.response_time_s or 0.0))
        case Sort.UPTIME:
            found.sort(key=lambda line: 200.0 if line.uptime.percentage is None else line.uptime.percentage)
        case Sort.NAME:
            found.sort(key=lambda line: line.service.name)
        case Sort.WORST:
            pass
    return found


def _top(known: Known, choice: Choice, width: int, now: datetime) -> list[Line]:
    report = known.standing.report
    newest = max((line.last_updated for line in report.lines if line.last_updated is not None), default=None)
    old_s = None if newest is None else (now - newest).total_seconds()
    is_old = old_s is None or old_s > known.fresh_s
    said = "no check yet" if newest is None else f"data {age(newest, now)} old" if is_old else f"newest check {age(newest, now)} ago"
    words = "PAUSED  " + said if choice.is_paused else said
    lines = [ends((_verdict(report), VERDICTS[report.overall]), (words, Tone.WARNING if is_old or choice.is_paused else Tone.QUIET), width)]
    if known.trouble:
        lines.append(cut(((f"this is how it was {age(report.at, now)} ago: {known.trouble}", Tone.UNHEALTHY),), width))
    elif not known.is_watched:
        lines.append(cut((("nothing is watching now: no agent runs", Tone.UNHEALTHY),), width))
    for one in known.standing.failing_channels:
        text = f"{one.channel} has not got through for {age(one.failing_since, now)}: {one.last_error or 'no reason is known'}"
        lines.append(cut(((text, Tone.WARNING),), width))
    return [*lines, ()]


def _verdict(report: Report) -> str:
    """Return it in less than half a line of an old terminal."""
    total, unhealthy, unknown = len(report.lines), report.count(ServiceStatus.UNHEALTHY), report.count(ServiceStatus.UNKNOWN)
    parts = [f"{unhealthy} of {total} unhealthy" if unhealthy else "", f"{report.critical_unhealthy} critical" if report.critical_unhealthy else "", f"{unknown} unknown" if unknown else ""]
    words = ", ".join(filter(None, parts)) or (f"all {total} are healthy" if total else "no services")
    return f"{report.overall.value.upper()}  {words}"


def _table(rows: Sequence[ServiceLine], known: Known, width: int, first: int, room: int | None) -> list[Line]:
    columns = WIDE if width >= WIDE_FROM else NARROW
    heads = "".join(_cell(column.title, column) for column in columns)
    lines: list[Line] = [cut(((f"  {heads}what", Tone.QUIET),), width)]
    shown = len(rows) if room is None else max(0, room - 1)
    begin = max(0, min(first, len(rows) - 1))
    lines += [cut(_row(line, columns, known), width) for line in rows[begin : begin + shown]]
    return lines if rows else [*lines, (("  no service matches", Tone.QUIET),)]


def _row(line: ServiceLine, columns: Sequence[Column], known: Known) -> Line:
    tone = TONES[line.status]
    what = "" if line.status is ServiceStatus.HEALTHY else line.error or line.reason.value
    if line.service.critical and line.status is not ServiceStatus.HEALTHY:
        what = f"critical: {what}"
    texts = {
        SERVICE: line.service.name,
        STATUS: line.status.value,
        SINCE: age(line.status_since, known.standing.report.at),
        RESPONSE: "" if line.response_time_s is None else f"{line.response_time_s * 1000:.0f} ms",
        UPTIME: uptime_words(line),
        CONTAINER: container_words(known.standing.targets.get(line.service.service_id)),
    }
    cells = [(_cell(texts[column], column), tone if column is STATUS else Tone.PLAIN) for column in columns]
    return ((f"{MARKS[line.status]} ", tone), *cells, (what, Tone.PLAIN))


def _cell(text: str, column: Column) -> str:
    """Return a text as wide as its column, and the gap after it."""
    cleaned = log.clean(text)
    if cell_len(cleaned) > column.width:
        cleaned = set_cell_size(cleaned, column.width - 1) + "…"
    space = " " * (column.width - cell_len(cleaned))
    return (f"{space}{cleaned}" if column.is_number else f"{cleaned}{space}") + " " * GAP


def _bottom(choice: Choice, width: int, count: int, total: int) -> Line:
    if choice.is_typing:
        text = f"filter: {choice.text}_  (Enter keeps it, Esc ends it)"
    else:
        asked = [f"by {choice.sort.value}", choice.status.value if choice.status else "", f"/{choice.text}" if choice.text else "", f"{count} of {total}" if count != total else f"{total}"]
        text = f"{KEYS}   {' · '.join(filter(None, asked))}"
    return ((set_cell_size(log.clean(text), width), Tone.BAR),)
