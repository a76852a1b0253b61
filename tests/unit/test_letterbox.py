"""Datagrams at a path, also after somebody removed it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from healthmon.letterbox import Letterbox


def send(path: Path, text: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text, str(path))


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_what_was_sent_is_received_once_and_nobody_waits(tmp_path: Path) -> None:
    box = Letterbox(tmp_path / "box")
    send(tmp_path / "box", b"one")
    send(tmp_path / "box", b"two, too long")
    assert list(box.receive(3)) == [b"one", b"two"]
    assert list(box.receive(3)) == []
    box.close()


def test_a_removed_path_is_put_back_under_the_same_descriptor(tmp_path: Path) -> None:
    box = Letterbox(tmp_path / "box")
    descriptor, open_before = box.socket.fileno(), open_descriptors()
    assert box.is_in_place()
    assert not box.put_back()
    (tmp_path / "box").unlink()
    assert not box.is_in_place()
    assert box.put_back()
    assert (box.socket.fileno(), open_descriptors()) == (descriptor, open_before)
    assert not os.get_inheritable(descriptor)
    send(tmp_path / "box", b"again")
    assert list(box.receive(64)) == [b"again"]
    assert list(box.receive(64)) == []
    box.close()


def test_what_was_put_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    box = Letterbox(tmp_path / "box")
    (tmp_path / "box").unlink()
    (tmp_path / "box").mkdir()
    assert not box.is_in_place()
    with pytest.raises(IsADirectoryError):
        box.put_back()
    (tmp_path / "box").rmdir()
    (tmp_path / "box").write_text("in the way")
    assert not box.is_in_place()
    assert box.put_back()
    send(tmp_path / "box", b"again")
    assert list(box.receive(64)) == [b"again"]
    box.close()


def test_a_path_that_cannot_be_put_back_leaves_everything_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    box = Letterbox(tmp_path / "there" / "box")
    (tmp_path / "there" / "box").unlink()
    (tmp_path / "there").rmdir()
    open_before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        box.put_back()
    assert open_descriptors() == open_before
    assert list(box.receive(64)) == []
    box.close()
