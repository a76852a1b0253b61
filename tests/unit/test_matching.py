"""Which target belongs to which service?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from healthmon.heal.matching import Match, MatchedBy, MatchProblem, Wanted, match
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetState
from healthmon.service_settings import ServiceSettings

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def container(name: str, *, compose_service: str = "", ports: tuple[int, ...] = (), state: TargetState = TargetState.RUNNING) -> Target:
    return Target(
        kind=TargetKind.DOCKER,
        incarnation=Incarnation(target_id=f"id-of-{name}", started="x"),
        name=name,
        state=state,
        health=TargetHealth.NONE,
        started_at=NOW,
        image_id="",
        config_hash="",
        compose_project="shop" if compose_service else "",
        compose_service=compose_service,
        restart_policy="no",
        restart_limit=0,
        restart_count=0,
        exit_code=0,
        oom_killed=False,
        error="",
        stop_timeout_s=10,
        published_ports=ports,
        stopped_by_person=False,
        untouchable="",
        observed_at=NOW,
    )


def program(name: str) -> Target:
    return replace(container(name), kind=TargetKind.SUPERVISOR)


def match_one(service: Wanted, *targets: Target) -> Match:
    return match([service], targets)[service.name]


FOUND = [
    pytest.param(Wanted(name="api", container="web"), [container("api", compose_service="api"), container("web")], "web", MatchedBy.CONTAINER, id="container wins over everything"),
    pytest.param(Wanted(name="x", compose_service="doc-store"), [container("a", compose_service="doc_store")], "a", MatchedBy.COMPOSE_SERVICE, id="compose_service, folded"),
    pytest.param(Wanted(name="doc_store"), [container("a", compose_service="doc-store")], "a", MatchedBy.COMPOSE_SERVICE, id="own name, folded"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("a", compose_service="api"), container("b", ports=(80,))], "a", MatchedBy.COMPOSE_SERVICE, id="label before port"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("a", compose_service="api", ports=(80, 443))], "a", MatchedBy.COMPOSE_SERVICE, id="own name, and its port"),
    pytest.param(Wanted(name="api", host="localhost", port=81), [container("a", compose_service="api", ports=(80,)), container("b", ports=(81,))], "b", MatchedBy.PORT, id="own name at another port: the port tells"),
    pytest.param(Wanted(name="x", host="db.example.com", port=1, compose_service="api"), [container("a", compose_service="api", ports=(80,))], "a", MatchedBy.COMPOSE_SERVICE, id="what a person wrote needs no proof"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("a"), container("b", ports=(80,))], "b", MatchedBy.PORT, id="port"),
    pytest.param(Wanted(name="api", host="127.0.0.53", port=80), [container("b", ports=(80,))], "b", MatchedBy.PORT, id="any loopback address"),
    pytest.param(Wanted(name="api", host="[::1]", port=80), [container("b", ports=(80,))], "b", MatchedBy.PORT, id="IPv6 loopback"),
    pytest.param(Wanted(name="api", host="0.0.0.0", port=80), [container("b", ports=(80,), state=TargetState.RESTARTING)], "b", MatchedBy.PORT, id="a crash loop holds its port"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("old", ports=(80,), state=TargetState.EXITED), container("new", ports=(80,))], "new", MatchedBy.PORT, id="an exited one holds no port"),
    pytest.param(Wanted(name="api", host="localhost", port=81), [container("a1", compose_service="api", ports=(80,)), container("a2", compose_service="api", ports=(81,))], "a2", MatchedBy.COMPOSE_SERVICE, id="the port decides among replicas"),
    pytest.param(Wanted(name="api"), [container("a", compose_service="api"), replace(container("once", compose_service="api"), untouchable="one_off")], "a", MatchedBy.COMPOSE_SERVICE, id="compose run does not count"),
    pytest.param(Wanted(name="x", supervisor_program="shop"), [container("shop"), program("shop")], "shop", MatchedBy.SUPERVISOR_PROGRAM, id="supervisor program"),
    pytest.param(Wanted(name="x", supervisor_program="api"), [program("shop:api")], "shop:api", MatchedBy.SUPERVISOR_PROGRAM, id="supervisor program in a group"),
]


@pytest.mark.parametrize(("service", "targets", "name", "matched_by"), FOUND)
def test_one_target_is_found(service: Wanted, targets: list[Target], name: str, matched_by: MatchedBy) -> None:
    """A service has one target when exactly one is meant."""
    found = match_one(service, *targets)
    assert found.target is not None
    assert (found.target.name, found.matched_by, found.problem) == (name, matched_by, None)


NOT_FOUND = [
    pytest.param(Wanted(name="api", container="gone", host="localhost", port=80), [container("api", compose_service="api", ports=(80,))], "no container named gone", id="container: nothing else then"),
    pytest.param(Wanted(name="api", compose_service="gone", host="localhost", port=80), [container("b", ports=(80,))], "Compose service gone", id="compose_service: nothing else then"),
    pytest.param(Wanted(name="API"), [container("a", compose_service="api")], "Compose service API", id="case counts"),
    pytest.param(Wanted(name="api", host="db.example", port=80), [container("b", ports=(80,))], "set container", id="a port of another host"),
    pytest.param(Wanted(name="redis", host="db.example.com", port=6379), [container("otherproj-redis-1", compose_service="redis", ports=(6379,))], "Compose service redis at db.example.com:6379", id="own name, another host"),
    pytest.param(Wanted(name="redis", host="db.example.com", port=6379), [container("otherproj-redis-1", compose_service="redis")], "at db.example.com:6379", id="own name, another host, nothing published"),
    pytest.param(Wanted(name="redis", host="localhost", port=9999), [container("otherproj-redis-1", compose_service="redis", ports=(6399,))], "none publishes port 9999", id="own name, another port"),
    pytest.param(Wanted(name="api", host="localhost", port=81), [container("b", ports=(80,))], "none publishes port 81", id="another port"),
    pytest.param(Wanted(name="api", host="localhost"), [container("b", ports=(80,))], "set container", id="no port"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("b", ports=(80,), state=TargetState.EXITED)], "none publishes", id="exited, never matched before"),
    pytest.param(Wanted(name="api"), [program("api")], "set container", id="a program only when asked for"),
    pytest.param(Wanted(name="x", supervisor_program="api"), [container("api")], "runs no program api", id="a container is no program"),
]


@pytest.mark.parametrize(("service", "targets", "text"), NOT_FOUND)
def test_nothing_is_found_and_the_text_says_what_was_looked_for(service: Wanted, targets: list[Target], text: str) -> None:
    """Without a target there is a problem that a person can act on."""
    found = match_one(service, *targets)
    assert (found.target, found.matched_by, found.problem) == (None, None, MatchProblem.NOT_FOUND)
    assert text in found.text


AMBIGUOUS = [
    pytest.param(Wanted(name="api"), [container("a2", compose_service="api"), container("a1", compose_service="api")], "(a1, a2): set container for api", id="replicas"),
    pytest.param(Wanted(name="api", host="localhost", port=80), [container("a1", compose_service="api"), container("a2", compose_service="api")], "(a1, a2)", id="replicas behind a proxy"),
    pytest.param(Wanted(name="x", host="localhost", port=80), [container("a", ports=(80,)), container("b", ports=(80,))], "(a, b): set container for x", id="two publish the port"),
    pytest.param(Wanted(name="x", supervisor_program="api"), [program("a:api"), program("b:api")], "as group:name", id="two programs"),
]


@pytest.mark.parametrize(("service", "targets", "text"), AMBIGUOUS)
def test_between_two_there_is_no_guess(service: Wanted, targets: list[Target], text: str) -> None:
    """Two candidates are named, with the setting that decides between them."""
    found = match_one(service, *targets)
    assert (found.target, found.problem) == (None, MatchProblem.AMBIGUOUS)
    assert text in found.text


def test_a_service_known_by_its_port_keeps_its_container_when_that_exits() -> None:
    """An exited container publishes nothing, and is needed most then."""
    service = Wanted(name="api", host="localhost", port=80)
    exited = container("b", ports=(80,), state=TargetState.EXITED)
    found = match([service], [exited, container("c")], before={"api": "id-of-b"})["api"]
    assert found.target == exited


def test_a_port_that_moved_on_is_not_matched_to_its_former_container() -> None:
    """What runs now wins over what ran before."""
    service = Wanted(name="api", host="localhost", port=80)
    targets = [container("old", ports=(80,), state=TargetState.EXITED), container("new", ports=(80,))]
    found = match([service], targets, before={"api": "id-of-old"})["api"]
    assert found.target == targets[1]


def test_two_services_may_share_a_container() -> None:
    """Two URLs of one container are two services."""
    one = container("web", compose_service="web")
    found = match([Wanted(name="web"), Wanted(name="admin", container="web")], [one])
    assert [found["web"].target, found["admin"].target] == [one, one]


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://localhost:8080/health", "localhost", 8080),
        ("https://localhost/", "localhost", 443),
        ("http://[::1]/", "::1", 80),
        ("tcp://127.0.0.1:6379", "127.0.0.1", 6379),
    ],
)
def test_what_is_wanted_is_read_from_a_services_settings(url: str, host: str, port: int) -> None:
    """The port is the URL's own or its scheme's."""
    settings = ServiceSettings.model_validate({"name": "api", "type": url.partition(":")[0].replace("https", "http"), "url": url, "container": "web"})
    assert Wanted.of(settings) == Wanted(name="api", host=host, port=port, container="web")
