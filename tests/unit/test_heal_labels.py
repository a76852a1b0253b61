"""Which containers ask by their labels to be services?"""

from __future__ import annotations

import pytest

from healthmon.heal.labels import kept, labelled, stop_timeout_s
from healthmon.heal.settings import DiscoverySettings
from healthmon.model.target import Incarnation, Target
from tests.builders import a_target

OURS, BOTH = DiscoverySettings(), DiscoverySettings(autoheal_labels=True)


def one(name: str = "queue", untouchable: str = "", **labels: str) -> Target:
    named = {key.replace("_", "."): value for key, value in labels.items()}
    return a_target(name=name, incarnation=Incarnation(target_id=name, started="1"), untouchable=untouchable, labels=kept(named))


@pytest.mark.parametrize(
    ("labels", "settings", "is_one"),
    [
        ({}, BOTH, False),
        ({"healthmon_enable": "true"}, OURS, True),
        ({"healthmon_enable": "True"}, OURS, True),
        ({"healthmon_enable": "1"}, OURS, False),
        ({"healthmon_enable": "true"}, DiscoverySettings(label=None), False),
        ({"healthmon_mine": "true"}, DiscoverySettings(label="healthmon.mine"), True),
        ({"autoheal": "true"}, OURS, False),
        ({"autoheal": "true"}, BOTH, True),
        ({"autoheal": "false"}, BOTH, False),
        ({"autoheal": "true", "healthmon_enable": "false"}, BOTH, False),
        ({"autoheal": "true"}, DiscoverySettings(label=None, autoheal_labels=True), True),
    ],
)
def test_a_container_is_a_service_when_its_label_says_so(labels: dict[str, str], settings: DiscoverySettings, *, is_one: bool) -> None:
    found = labelled([one(**labels)], settings, watched=(), taken=())
    assert [service["name"] for service in found] == (["queue"] if is_one else [])


def test_it_is_a_service_of_type_docker_in_a_group_of_its_own() -> None:
    found = labelled([one(healthmon_enable="true", healthmon_critical="true")], OURS, watched=(), taken=())
    assert found == [{"name": "queue", "type": "docker", "container": "queue", "group": "labelled", "critical": True}]


def test_what_a_person_wrote_counts() -> None:
    """Nor is what must never be restarted taken for something to be watched."""
    seen = [one(name, healthmon_enable="true") for name in ("a", "b", "c", "x" * 65)]
    seen.append(one("d", "one_off", healthmon_enable="true"))
    assert [service["name"] for service in labelled(seen, OURS, watched={"a"}, taken={"b"})] == ["c"]


@pytest.mark.parametrize(
    ("label", "settings", "seconds"),
    [("45", BOTH, 45), ("45", OURS, 10), ("", BOTH, 10), ("soon", BOTH, 10), ("-1", BOTH, 10), ("90000", BOTH, 600), ("²", BOTH, 10)],
)
def test_autoheals_stop_timeout_counts_where_its_labels_do(label: str, settings: DiscoverySettings, seconds: int) -> None:
    assert stop_timeout_s(one(autoheal_stop_timeout=label), settings) == seconds
