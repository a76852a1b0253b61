"""How long is a container left alone after a start, and who follows whom?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.heal.network_sharers import FOLLOWS, followers, sharers
from healthmon.heal.off_limits import off_limits
from healthmon.heal.starting import Renewal, grace, learned_grace_s, renewal
from healthmon.model.heal import HealState
from healthmon.model.target import Incarnation, Target, TargetChange, TargetState
from tests.builders import NOW, a_container, a_heal, a_target, ago, switched_on


@pytest.mark.parametrize(
    ("samples", "seconds"),
    [
        ([], 0),
        ([100.0] * 4, 0),
        ([100.0] * 5, 150),
        ([10.0] * 19 + [2_400.0], 15),
        ([10.0] * 18 + [2_400.0] * 2, 600),
        ([2_400.0] * 5, 600),
    ],
    ids=["none", "too few", "a margin", "T57 one of forty minutes", "some of forty minutes", "all of forty minutes"],
)
def test_what_earlier_starts_teach(samples: list[float], seconds: float) -> None:
    assert learned_grace_s(samples) == seconds


@pytest.mark.parametrize(
    ("configured", "own", "learned", "seconds"),
    [(60, 0, 0, 60), (60, 100, 0, 100), (60, 100, 130, 130), (200, 100, 130, 200), (60, 4_500, 0, 4_500), (0, 100, 130, 0)],
)
def test_the_longest_grace_holds_and_none_is_none(configured: float, own: float, learned: float, seconds: float) -> None:
    """A long start period of its own is somebody's word, and not cut."""
    settings = switched_on(start_grace_seconds=configured)
    assert grace(settings, a_target(health_grace_s=own), learned) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("changed_s_ago", "matched_s_ago", "expected"),
    [
        (None, None, None),
        (None, 50, Renewal(since=ago(50), change=None)),
        (80, None, Renewal(since=ago(80), change=TargetChange.IMAGE)),
        (80, 75, Renewal(since=ago(80), change=TargetChange.IMAGE)),
        (8_000, 75, Renewal(since=ago(75), change=None)),
    ],
    ids=["never", "recreated", "changed in place", "recreated with a change", "recreated long after a change"],
)
def test_since_when_a_service_is_something_else(changed_s_ago: float | None, matched_s_ago: float | None, expected: Renewal | None) -> None:
    changed_at = None if changed_s_ago is None else ago(changed_s_ago)
    matched_since = None if matched_s_ago is None else ago(matched_s_ago)
    assert renewal(TargetChange.IMAGE if changed_at else None, changed_at, matched_since) == expected


VPN = a_target(name="vpn")
VPN_ID = VPN.incarnation.target_id


def a_sharer(letter: str, **changes: Any) -> Target:
    return a_target(**{"name": letter, "incarnation": Incarnation(target_id=letter * 64, started="1"), "network_of": VPN_ID} | changes)


def test_who_may_follow_is_who_runs_and_nobody_stopped() -> None:
    seen = [
        VPN,
        a_sharer("a"),
        a_sharer("b", state=TargetState.EXITED),
        a_sharer("d", stopped_by_person=True),
        a_sharer("e", untouchable="auto_remove"),
        a_sharer("f", network_of=""),
    ]
    found = sharers({1: VPN, 2: seen[1]}, seen)
    assert [(one.name, one.service_id) for one in found] == [("a", 2)]
    assert [(one.name, one.service_id) for one in sharers({1: VPN}, seen)] == [("a", None)]


def test_what_followed_by_itself_is_not_restarted_again() -> None:
    """T36: uncharged, in the same incident, under its own service where one watches it."""
    heal = a_heal(HealState.RETURNED, heal_id=7, returned_at=ago(20), incarnation=VPN.incarnation)
    known = sharers({2: a_sharer("a")}, [a_sharer("a"), a_sharer("b", started_at=ago(5)), a_sharer("d", network_of="x" * 64), a_sharer("e")])
    found = followers(heal, known, NOW)
    assert [(one.target_name, one.service_id, one.follows, one.state, one.detail) for one in found] == [
        ("a", 2, 7, HealState.PLANNED, FOLLOWS),
        ("e", heal.service_id, 7, HealState.PLANNED, FOLLOWS),
    ]


@pytest.mark.parametrize(
    ("host", "names", "ports", "why"),
    [
        ("unix:///var/run/docker.sock", {"proxy"}, (2375,), None),
        ("tcp://proxy:2375", {"proxy"}, (), "socket_proxy"),
        ("tcp://172.18.0.2:2375", {"proxy", "172.18.0.2"}, (), "socket_proxy"),
        ("tcp://localhost:2375", {"proxy"}, (2375,), "socket_proxy"),
        ("tcp://localhost:2376", {"proxy"}, (2375,), None),
        ("tcp://proxy:2375", {"other"}, (2375,), None),
    ],
)
def test_the_proxy_that_we_speak_through_is_off_limits(host: str, names: set[str], ports: tuple[int, ...], why: str | None) -> None:
    """T39."""
    container = a_container(a_target(published_ports=ports), names=frozenset(names))
    assert off_limits({"id": container}, host).get("id") == why


def test_whose_network_we_use_is_off_limits() -> None:
    """T39."""
    ours = a_container(a_target(untouchable="ourselves", network_of="v" * 64))
    assert off_limits({"o": ours, "v" * 64: a_container(VPN)}, "unix://x") == {"v" * 64: "our_network"}
