"""Every decision has words for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict
from healthmon.heal.explain import GateResult, GateState, explain
from healthmon.heal.policy import GATES
from healthmon.heal.settings import HealSettings
from healthmon.heal.words import WORDS, answer_in_words, earliest_in_words, in_words
from healthmon.model.status import ServiceStatus
from tests.builders import NOW, a_situation

if TYPE_CHECKING:
    from datetime import datetime


@pytest.mark.parametrize("reason", HealReason)
def test_every_reason_has_words_of_its_own(reason: HealReason) -> None:
    assert [other for other, words in WORDS.items() if words == WORDS[reason]] == [reason]


def test_a_wait_says_why_and_until_when() -> None:
    decision = HealDecision(
        verdict=HealVerdict.WAIT,
        reason=HealReason.DEPENDENCY_UNHEALTHY,
        detail="redis",
        until=NOW + timedelta(minutes=5),
    )
    assert in_words(decision, dry_run=False) == "waits for what it depends on (redis), until 2026-11-22 12:05:00 UTC"
    assert in_words(decision, dry_run=True).startswith("dry run: waits for")


EARLIEST = [
    (ServiceStatus.HEALTHY, NOW, "none, for it is healthy"),
    (ServiceStatus.UNHEALTHY, None, "none, before something else than time has changed"),
    (ServiceStatus.UNHEALTHY, NOW, "now, after a last look that fails"),
    (ServiceStatus.UNHEALTHY, NOW + timedelta(seconds=135), "2026-11-22 12:02:15 UTC, in 2 min 15 s, if nothing else comes in its way"),
]


@pytest.mark.parametrize(("status", "earliest", "words"), EARLIEST)
def test_the_earliest_restart_is_said_as_it_stands(status: ServiceStatus, earliest: datetime | None, words: str) -> None:
    found = replace(explain(a_situation()), earliest=earliest)
    assert earliest_in_words(found, status, NOW) == f"earliest restart: {words}"


def test_a_gate_says_what_it_found_and_until_when_it_objects() -> None:
    gate = GateResult(name="g", question="?", state=GateState.OBJECTS, detail="1 of 3 used", verdict=HealVerdict.WAIT, until=NOW + timedelta(minutes=5))
    assert answer_in_words(gate, NOW) == "1 of 3 used; until 2026-11-22 12:05:00 UTC, in 5 min"
    assert answer_in_words(replace(gate, detail="", until=None), NOW) == ""
    assert (gate.merely_waits, replace(gate, verdict=HealVerdict.NEEDS_PERSON).merely_waits) == (True, False)


def test_what_is_off_is_off() -> None:
    decision = HealDecision(verdict=HealVerdict.HOLD, reason=HealReason.SWITCHED_OFF)
    assert in_words(decision, dry_run=True) == "off"


def test_the_documentation_has_every_gate_every_reason_and_its_words() -> None:
    text = (Path(__file__).parents[2] / "docs" / "healing.md").read_text(encoding="utf-8")
    assert [gate.name for gate in GATES if f"| `{gate.name}` | {gate.question} |" not in text] == []
    assert [reason for reason in HealReason if f"| `{reason.value}` | {WORDS[reason]} |" not in text] == []
    settings = [name for name in HealSettings.model_fields if "budget" in name or "attempts" in name or "retries" in name]
    assert [name for name in (*settings, "concurrency") if f"| `{name}` | {HealSettings.model_fields[name].default} |" not in text] == []
