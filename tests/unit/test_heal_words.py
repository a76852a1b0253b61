"""Every decision has words for people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict
from healthmon.heal.policy import GATES
from healthmon.heal.settings import HealSettings
from healthmon.heal.words import WORDS, in_words
from tests.builders import NOW


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


def test_what_is_off_is_off() -> None:
    decision = HealDecision(verdict=HealVerdict.HOLD, reason=HealReason.SWITCHED_OFF)
    assert in_words(decision, dry_run=True) == "off"


def test_the_documentation_has_every_gate_every_reason_and_its_words() -> None:
    text = (Path(__file__).parents[2] / "docs" / "healing.md").read_text(encoding="utf-8")
    assert [gate.name for gate in GATES if f"| `{gate.name}` | {gate.question} |" not in text] == []
    assert [reason for reason in HealReason if f"| `{reason.value}` | {WORDS[reason]} |" not in text] == []
    settings = [name for name in HealSettings.model_fields if "budget" in name or "attempts" in name or "retries" in name]
    assert [name for name in (*settings, "concurrency") if f"| `{name}` | {HealSettings.model_fields[name].default} |" not in text] == []
