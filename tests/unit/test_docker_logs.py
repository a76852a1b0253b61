"""What a container said last, from the engine's bytes to lines that a person can be shown."""

from __future__ import annotations

import pytest

from healthmon import redaction
from healthmon.heal.docker_logs import MAX_KEPT_BYTES, MAX_LINE_CHARS, last_lines, log_lines
from healthmon.notify.cause import LOG_CHARS, newest


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (b"", ()),
        (frame(b"one\n") + frame(b"two\n", 2), ("one", "two")),
        (frame(b"one\ntwo"), ("one", "two")),
        (frame(b"cut")[:-1], ("cu",)),
        (b"a terminal\r\nhas no frames\r\n", ("a terminal", "has no frames")),
        (frame(b"\n  \nkept\n"), ("kept",)),
        (frame(b"\x1b[31mred\x1b[0m \x07bell\x00\n"), ("red  bell",)),
        (frame(b"\xff\xfe\n"), ("\ufffd\ufffd",)),
        (frame(b"".join(b"%d\n" % number for number in range(9))), ("4", "5", "6", "7", "8")),
        (frame(b"x" * 9_000), ("x" * MAX_LINE_CHARS,)),
    ],
)
def test_frames_colours_and_length_come_off(answer: bytes, wanted: tuple[str, ...]) -> None:
    assert last_lines(answer) == wanted


def test_lines_of_two_streams_are_put_in_the_order_of_their_times() -> None:
    out = frame(b"2026-11-22T10:00:01.000000001Z one\n2026-11-22T10:00:01.000000003Z three\n")
    err = frame(b"2026-11-22T10:00:01.000000002Z two\n", 2)
    assert log_lines(out + err) == [("2026-11-22T10:00:01Z", text) for text in ("one", "two", "three")]
    assert last_lines(out + err) == ("one", "two", "three")


def test_a_secret_is_masked_also_where_the_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_hidden", {"hunter2-hunter2"})
    [line] = last_lines(frame(b"x" * (MAX_LINE_CHARS - 5) + b"hunter2-hunter2"))
    assert "hunt" not in line


def test_what_is_too_much_in_all_loses_its_oldest_lines() -> None:
    long = "é".encode() * MAX_LINE_CHARS
    kept = last_lines(frame(b"first\n" + long + b"\n" + long + b"\n" + long + b"\nlast\n"))
    assert kept[-1] == "last"
    assert len(kept) == 3
    assert sum(len(line.encode()) + 1 for line in kept) <= MAX_KEPT_BYTES


def test_the_newest_lines_are_told_where_not_all_fit() -> None:
    assert newest(("a", "b")) == "a | b"
    assert newest(("old" * 100, "newer", "newest")) == "newer | newest"
    assert newest(("n" * LOG_CHARS * 2,)) == "n" * LOG_CHARS * 2
    assert newest(()) == ""
