"""What stands on the lines of the live view, at any size, and what do its keys do?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from healthmon.answers.live import LiveReport
from healthmon.answers.overview import Standing
from healthmon.cli.top_frame import Known, frame
from healthmon.cli.top_keys import Choice, Sort, pressed
from healthmon.history.report import ServiceLine
from healthmon.model.alert import AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.service import Service
from healthmon.model.status import ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.web.views.moments import moment
from healthmon.web.views.problems import Problem
from tests.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.cli.top_line import Line

HOSTILE = "\x1b[2J\x1b]0;x\x07" + "世界" * 60


def a_line(name: str, status: ServiceStatus = ServiceStatus.HEALTHY, **changes: float) -> ServiceLine:
    return ServiceLine(
        service=Service(service_id=1, name=name, group="core", critical=False),
        status=status,
        status_since=NOW - timedelta(minutes=5),
        last_healthy=NOW,
        consecutive_failures=0,
        uptime=Uptime(percentage=changes.get("uptime", 99.0), coverage=100.0),
        last_updated=NOW - timedelta(seconds=changes.get("age_s", 4)),
        response_time_s=changes.get("response_s", 0.02),
        reason=CheckReason.OK,
        error=None,
    )


def a_problem(name: str) -> Problem:
    return Problem(
        key=name, name=name, href="", severity=AlertSeverity.CRITICAL, since=moment(NOW - timedelta(minutes=7), NOW), cause="timeout", what=HOSTILE,
        container="", healing="waits until 10:30", restarts="", told="nobody was told yet", is_acknowledged=False, rules=(),
    )  # fmt: skip


def known(lines: Sequence[ServiceLine], problems: Sequence[Problem] = (), *, trouble: str = "", is_watched: bool = True) -> Known:
    report = LiveReport(at=NOW, lines=tuple(lines), incidents={}, holds={}, healed=())
    standing = Standing(report=report, targets={}, alerts=(), conversations={}, heals={}, failing_channels=(), week=())
    return Known(standing=standing, problems=tuple(problems), is_watched=is_watched, trouble=trouble)


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line)


def told(found: Known, choice: Choice | None = None, *, width: int = 80, height: int | None = 24) -> list[str]:
    return [text(line) for line in frame(found, choice or Choice(), width=width, height=height, now=NOW)]


@pytest.mark.parametrize("width", [1, 7, 20, 80, 119, 120, 300])
@pytest.mark.parametrize("height", [1, 2, 3, 5, 24, 90])
@pytest.mark.parametrize("wrong", [0, 1, 40])
def test_every_size_is_filled_and_never_exceeded(width: int, height: int, wrong: int) -> None:
    found = known([a_line(HOSTILE), *(a_line(f"s{number}") for number in range(50))], [a_problem(f"s{number}") for number in range(wrong)], trouble=HOSTILE)
    lines = told(found, width=width, height=height)
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    assert "\x1b" not in "".join(lines)


def test_however_much_is_wrong_some_services_and_the_keys_are_seen() -> None:
    lines = told(known([a_line(f"s{number}") for number in range(50)], [a_problem(f"p{number}") for number in range(40)]))
    assert sum("timeout" in line for line in lines) == 14
    assert any("… and 26 more" in line for line in lines)
    assert sum(line.startswith("● s") for line in lines) == 4
    assert lines[-1].startswith("q quit")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (known([a_line("a")]), "newest check 4 s ago"),
        (known([a_line("a", age_s=600)]), "data 10 min old"),
        (known([]), "no check yet"),
        (known([a_line("a")], is_watched=False), "nothing is watching now"),
        (known([a_line("a")], trouble="the database is away"), "this is how it was 0 s ago: the database is away"),
    ],
)
def test_what_it_rests_on_is_said(found: Known, words: str) -> None:
    assert any(words in line for line in told(found))


def test_keys_sort_filter_and_scroll() -> None:
    lines = [a_line("slow", response_s=3.0, uptime=99.9), a_line("ill", ServiceStatus.UNHEALTHY), a_line("shaky", uptime=50.0)]

    def names(choice: Choice) -> list[str]:
        return [line.split()[1] for line in told(known(lines), choice) if line[:1] in "●✖" and line[:1]]

    assert names(Choice()) == ["ill", "shaky", "slow"]
    firsts = []
    choice = Choice()
    for _ in Sort:
        firsts.append(names(choice)[0])
        choice = pressed(choice, "s")
    assert firsts == ["ill", "slow", "shaky", "ill"]
    assert names(pressed(Choice(), "f")) == ["ill"]
    typed = Choice()
    for key in ("/", "s", "h", "x", "backspace", "enter"):
        typed = pressed(typed, key)
    assert names(typed) == ["shaky"]
    assert names(pressed(typed, "escape")) == ["ill", "shaky", "slow"]
    assert names(pressed(Choice(), "down")) == ["shaky", "slow"]
    assert pressed(pressed(Choice(), "up"), "page down").first == 10


def test_letters_of_a_filter_are_no_commands() -> None:
    choice = pressed(Choice(is_typing=True), "q")
    assert (choice.text, choice.has_ended) == ("q", False)
    assert pressed(Choice(), "q").has_ended
