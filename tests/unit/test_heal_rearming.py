"""What lets healing try again what it had given up on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.heal.rearming import WORDS, rearmed
from healthmon.model.quarantine import Quarantine, Rearm
from healthmon.model.target import Incarnation, Target, TargetKind
from tests.builders import a_quarantine, a_target, ago

if TYPE_CHECKING:
    from datetime import datetime

RUN_2 = Incarnation(target_id="c" * 64, started="2026-11-22T11:59:00Z")
NEW = {"incarnation": RUN_2, "started_at": ago(60)}

CASES: list[tuple[str, Quarantine, Target | None, datetime | None, Rearm | None]] = [
    ("nothing is new", a_quarantine(), a_target(), None, None),
    ("a new image", a_quarantine(), a_target(**NEW, image_id="sha256:2"), None, Rearm.IMAGE),
    ("a new configuration", a_quarantine(), a_target(**NEW, config_hash="x"), None, Rearm.CONFIGURATION),
    ("a start by hand", a_quarantine(), a_target(**NEW), None, Rearm.STARTED),
    ("the restart policy started it", a_quarantine(), a_target(**NEW, restart_count=1), None, None),
    ("the engine came back and started it", a_quarantine(), a_target(**NEW), ago(40), None),
    ("by hand, long after the engine came back", a_quarantine(), a_target(**NEW), ago(900), Rearm.STARTED),
    ("supervisord does not tell who started it", a_quarantine(), a_target(**NEW, kind=TargetKind.SUPERVISOR), None, None),
    ("what it depends on came back", a_quarantine(awaits_dependency=True), a_target(), None, Rearm.DEPENDENCY),
    ("there is nothing to be seen", a_quarantine(), None, None, None),
    ("there was nothing to be seen", a_quarantine(incarnation=None), a_target(**NEW), None, None),
]


@pytest.mark.parametrize(("held", "target", "engine_returned_at", "why"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_healing_tries_again_for_this_reason(held: Quarantine, target: Target | None, engine_returned_at: datetime | None, why: Rearm | None) -> None:
    assert rearmed(held, target, engine_returned_at, timedelta(seconds=60)) is why


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Rearm)
