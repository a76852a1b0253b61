"""One record, one line, whatever text comes in."""

from __future__ import annotations

import logging
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon import log
from healthmon.log import MAX_RECORD_BYTES, Log
from healthmon.log_file import MAX_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = ["a\r\nfaked INFO line", "\x1b[31mred\x1b[0m", "\u202eevil", "nul\x00", "\u2028sep", 'quote" x=y', "\ud800", "x" * 9_000]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    logger, root = logging.getLogger("healthmon"), logging.getLogger()
    before = (logger.handlers, logger.level, logger.propagate, root.handlers)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.propagate, root.handlers = before[0], before[2], before[3]
    logger.setLevel(before[1])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_one_short_clean_line(tmp_path: Path, text: str) -> None:
    log.set_up_file(tmp_path / "x.log", level="INFO")
    Log("evaluator").warning("service_unhealthy", service=text, error=text)
    written = (tmp_path / "x.log").read_bytes()
    assert written.count(b"\n") == 1
    assert len(written) <= MAX_RECORD_BYTES
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", written)
    assert re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING evaluator service_unhealthy service=", written)


def test_a_traceback_is_in_the_line(tmp_path: Path) -> None:
    log.set_up_file(tmp_path / "x.log", level="INFO")
    try:
        raise KeyError("lost")  # noqa: TRY301  something to have a traceback of
    except KeyError:
        Log("healer").exception("step_failed")
    [line] = (tmp_path / "x.log").read_text().splitlines()
    assert "ERROR healer step_failed" in line
    assert "KeyError" in line


def test_what_has_no_value_is_left_out(tmp_path: Path) -> None:
    log.set_up_file(tmp_path / "x.log", level="INFO")
    Log("t").info("e", empty="", none=None, zero=0, no=False)
    assert (tmp_path / "x.log").read_text().endswith(" INFO t e zero=0 no=False\n")


def test_the_console_gets_what_a_person_should_see_and_is_never_waited_for(tmp_path: Path) -> None:
    console = tmp_path / "console.sock"
    log.set_up_file(tmp_path / "x.log", level="INFO", console=console)
    Log("t").warning("nobody_listens")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(console))
        Log("t").info("quiet")
        Log("t").change("seen")
        assert listening.recv(4_096).endswith(b"INFO t seen")
        for number in range(5_000):
            Log("t").change("flood", number=number)
    assert len((tmp_path / "x.log").read_text().splitlines()) == 5_003


FULL = Path("/dev/full")  # takes every open, and refuses every write


def test_a_disk_that_takes_nothing_harms_nobody_and_gets_what_was_kept_when_it_does(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "x.log"
    path.symlink_to(FULL)
    log.set_up_file(path, level="INFO")
    for number in range(MAX_KEPT + 3):
        Log("t").info("told", number=number)
    path.unlink()
    Log("t").info("told", number="last")
    first, *kept = path.read_text().splitlines()
    assert first == "(4 records before these were lost: they could not be written in time)"
    assert [line.split()[-1] for line in kept] == [*(f"number={number}" for number in range(4, MAX_KEPT + 3)), "number=last"]
    assert capfd.readouterr() == ("", "")


def test_a_log_that_is_a_directory_ends_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.log").mkdir()
    log.set_up_file(tmp_path / "x.log", level="INFO")
    Log("t").error("said")
    (tmp_path / "x.log").rmdir()
    log.close()
    assert (tmp_path / "x.log").read_text().endswith("ERROR t said\n")
    Log("t").error("said_to_nobody")


def test_a_log_that_was_turned_away_is_followed(tmp_path: Path) -> None:
    log.set_up_file(tmp_path / "x.log", level="INFO")
    Log("t").info("one")
    (tmp_path / "x.log").rename(tmp_path / "x.log.1")
    Log("t").info("two")
    assert [(tmp_path / name).read_text().split()[-1] for name in ("x.log.1", "x.log")] == ["one", "two"]


def test_what_is_said_while_the_log_directory_is_removed_is_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    log.set_up_file(directory / "x.log", level="INFO")
    Log("t").info("before")
    (directory / "x.log").unlink()
    directory.rmdir()
    Log("t").info("kept")
    Log("t").info("kept")
    directory.mkdir()
    Log("t").info("after")
    assert [line.split()[-1] for line in (directory / "x.log").read_text().splitlines()] == ["kept", "kept", "after"]
    assert capfd.readouterr() == ("", "")
