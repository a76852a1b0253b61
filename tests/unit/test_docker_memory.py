"""Which events end a wait, and which are kept for the next look at everything?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from healthmon.heal.docker_events import Event
from healthmon.heal.docker_memory import EventMemory

OURS, STRANGER, UNKNOWN = "a" * 64, "b" * 64, "c" * 64


def an_event(target_id: str, action: str, number: int = 0) -> Event:
    return Event(target_id=target_id, action=action, signal=0, at=datetime(2026, 11, 22, tzinfo=UTC), exit_code=None, key=(target_id, action, number))


@pytest.mark.parametrize(
    ("target_id", "action", "new", "wakes"),
    [
        (OURS, "die", False, True),
        (STRANGER, "die", True, False),
        (STRANGER, "rename", False, True),
        (UNKNOWN, "start", False, False),
        (UNKNOWN, "start", True, True),
    ],
)
def test_only_what_is_somebodys_or_may_become_it_ends_a_wait(target_id: str, action: str, new: bool, wakes: bool) -> None:  # noqa: FBT001  a row
    """A container that is renamed may be a service's from now on, and a new one, while a service waits for its own."""
    memory = EventMemory()
    memory.heed({OURS}, {STRANGER}, new=new)
    assert memory.note(an_event(target_id, action)) is wakes
    assert memory.take_changed() == ({target_id} if wakes else set())


def test_what_is_disregarded_is_looked_at_with_everything_else_once() -> None:
    memory = EventMemory()
    memory.heed({OURS}, {STRANGER}, new=True)
    memory.note(an_event(STRANGER, "die"))
    memory.note(an_event(OURS, "die"))
    assert memory.take_all_changed() == {OURS, STRANGER}
    assert memory.take_all_changed() == set()


def test_a_new_one_that_came_before_it_was_waited_for_is_not_missed() -> None:
    """The old one is removed and the new one started within milliseconds."""
    memory = EventMemory()
    memory.heed({OURS}, {STRANGER}, new=False)
    memory.note(an_event(UNKNOWN, "start"))
    assert memory.take_changed() == set()
    assert memory.heed(set(), {STRANGER}, new=True)
    assert memory.take_changed() == {UNKNOWN}
    assert not memory.heed(set(), {STRANGER}, new=True)


def test_an_event_that_is_told_twice_counts_once() -> None:
    """A stream that is opened again repeats some."""
    memory = EventMemory()
    assert memory.note(an_event(OURS, "die"))
    assert not memory.note(an_event(OURS, "die"))
    assert memory.note(an_event(OURS, "die", number=1))
