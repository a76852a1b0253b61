"""Which containers matter to services, and which changes leave it as it is whose they are?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from healthmon.heal.interest import interest, is_in_place
from healthmon.heal.matching import Wanted
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetState
from tests.builders import a_target

API = a_target(name="shop-api-1", compose_project="shop", compose_service="api", compose_depends_on=("db",), network_of="f" * 64)
WANTED = [Wanted(name="api"), Wanted(name="page", host="localhost", port=8080), Wanted(name="jobs", container="worker")]


def another(**changes: Any) -> Target:
    plain = {"name": "a", "compose_project": "", "compose_service": "", "published_ports": (), "incarnation": Incarnation(target_id="e" * 64, started="x")}
    return a_target(**plain | changes)


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        (API, True),
        (another(), False),
        (another(name="worker"), True),
        (another(compose_service="api", compose_project="other"), True),
        (another(published_ports=(8080,)), True),
        (another(published_ports=(8081,)), False),
        (another(compose_project="shop", compose_service="db"), True),
        (another(compose_project="other", compose_service="db"), False),
        (another(incarnation=Incarnation(target_id="f" * 64, started="x")), True),
        (another(network_of=API.incarnation.target_id), True),
        (another(network_of="d" * 64), False),
    ],
)
def test_what_matters_is_what_services_ask_for_have_and_lean_on(target: Target, covered: bool) -> None:  # noqa: FBT001  a row
    """All others are bystanders, whatever becomes of them."""
    assert interest(WANTED, [API]).covers(target) is covered


@pytest.mark.parametrize(
    ("changes", "in_place"),
    [
        ({"health": TargetHealth.UNHEALTHY}, True),
        ({"incarnation": Incarnation(target_id=API.incarnation.target_id, started="anew")}, True),
        ({"stopped_by_person": True}, True),
        ({"state": TargetState.PAUSED}, True),
        ({"state": TargetState.EXITED}, False),
        ({"name": "renamed"}, False),
        ({"published_ports": (80,)}, False),
        ({"untouchable": "no_events"}, False),
        ({"network_of": ""}, False),
    ],
)
def test_a_container_stays_whose_it_is_while_only_its_state_changes(changes: dict[str, Any], in_place: bool) -> None:  # noqa: FBT001  a row
    """One that ended holds no port any more: then another may be the service's."""
    assert is_in_place(API, replace(API, **changes)) is in_place
