"""Who may change something, by which way, and what is written down then?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.operator_action import OperatorActionKind
from healthmon.store import operator_actions
from healthmon.web import access, secret, signing
from healthmon.web.access import login_key, new_word
from healthmon.web.signing import Purpose
from tests.web.sites import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.sites import Answer

ELSEWHERE = {"X_Forwarded_For": "203.0.113.9"}  # as a proxy on this host says it


def post(site: Site, path: str, content: Any, **headers: str) -> Answer:
    return site.ask(f"/api/v1{path}", "POST", json.dumps(content), **({"Content_Type": "application/json"} | headers))


def bearer(site: Site) -> dict[str, str]:
    """Return what who has read the token file sends."""
    return {"Authorization": f"Bearer {secret.load(site.config).decode()}"}


ACTS: list[tuple[str, dict[str, Any], OperatorActionKind]] = [
    ("/services/doc_store/ack", {}, OperatorActionKind.ACKNOWLEDGE),
    ("/services/doc_store/ack", {"reason": "on it", "seconds": 60}, OperatorActionKind.ACKNOWLEDGE),
    ("/services/doc_store/hold", {"reason": "debugging", "seconds": 3600}, OperatorActionKind.HOLD),
    ("/services/doc_store/release", {}, OperatorActionKind.RELEASE),
    ("/services/doc_store/heal-now", {"reason": "wedged", "force": True}, OperatorActionKind.HEAL_NOW),
    ("/silences", {"matchers": ["service=doc_*"], "reason": "known", "seconds": 60}, OperatorActionKind.SILENCE),
    ("/silences/7/end", {}, OperatorActionKind.END_SILENCE),
    ("/maintenances", {"services": ["doc_store"], "reason": "update", "seconds": 60}, OperatorActionKind.MAINTENANCE),
    ("/maintenances/7/end", {}, OperatorActionKind.END_MAINTENANCE),
]


@pytest.mark.parametrize(("path", "content", "kind"), ACTS)
def test_each_act_is_written_down_for_the_agent(site: Site, path: str, content: dict[str, Any], kind: OperatorActionKind) -> None:
    told = post(site, path, content, **bearer(site))
    assert told.status == 202, told.text
    assert told.json()["status"] == "no_agent"
    [action] = operator_actions.waiting(site.database)
    assert (action.kind, action.author, action.reason) == (kind, access.BY_TOKEN, content.get("reason", ""))
    if "seconds" in content:
        assert action.until == action.made_at + timedelta(seconds=content["seconds"])


@pytest.mark.parametrize(("path", "content", "_kind"), ACTS)
def test_nothing_is_written_without_the_token(site: Site, path: str, content: dict[str, Any], _kind: object) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{access.COOKIE}={reading(site)}"}, {"Authorization": f"Bearer {reading(site)}"}):
        told = post(site, path, content, **headers)
        assert told.status == 401
        assert told.headers["www-authenticate"].startswith("Bearer")
    assert operator_actions.waiting(site.database) == []


def reading(site: Site) -> str:
    return signing.sign(secret.load(site.config), Purpose.READING, new_word("me", timedelta(hours=1)))


FOREIGN = [{"Origin": "http://evil.example.com"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_origin_changes_nothing(site: Site, headers: dict[str, str]) -> None:
    told = post(site, "/services/doc_store/ack", {}, **bearer(site), **headers)
    assert told.status == 403
    assert operator_actions.waiting(site.database) == []


def test_our_own_page_may(site: Site) -> None:
    ours = {"Origin": f"http://127.0.0.1:{site.port}", "Sec_Fetch_Site": "same-origin"}
    assert post(site, "/services/doc_store/ack", {}, **bearer(site), **ours).status == 202


WRONG: list[tuple[str, Any, int, str]] = [
    ("/services/docstore/ack", {}, 404, "there is no service 'docstore'; did you mean 'doc_store'?"),
    ("/services/doc_store/hold", {"seconds": 5}, 422, "reason: field required"),
    ("/services/doc_store/hold", {"reason": "a", "seconds": -1}, 422, "seconds: input should be greater than 0"),
    ("/services/doc_store/hold", {"reason": "a", "seconds": "5"}, 422, "seconds: input should be a valid number"),
    ("/services/doc_store/ack", {"resaon": "a"}, 422, "'resaon' is not known here; did you mean 'reason'?"),
    ("/services/doc_store/ack", {"reason": "a\nb"}, 422, "reason: must be one line of at most 200 characters"),
    ("/services/doc_store/ack", [], 422, "input should be an object"),
    ("/silences", {"matchers": ["doc_*"], "reason": "a", "seconds": 5}, 422, "matchers.0: "),
    ("/silences", {"matchers": [], "reason": "a", "seconds": 5}, 422, "matchers: "),
    ("/silences/x/end", {}, 404, "the path must have a number in it"),
    ("/maintenances", {"services": ["docstore"], "reason": "a", "seconds": 5}, 404, "there is no service 'docstore'"),
]


@pytest.mark.parametrize(("path", "content", "status", "detail"), WRONG)
def test_what_cannot_be_done_is_told_and_not_written(site: Site, path: str, content: Any, status: int, detail: str) -> None:
    told = post(site, path, content, **bearer(site))
    assert (told.status, told.headers["content-type"]) == (status, "application/problem+json")
    assert told.json()["detail"].startswith(detail)
    assert operator_actions.waiting(site.database) == []


def test_a_body_that_is_no_json_is_refused(site: Site) -> None:
    path = "/api/v1/services/doc_store/ack"
    assert site.ask(path, "POST", "a=b", **bearer(site), Content_Type="application/x-www-form-urlencoded").status == 415
    assert site.ask(path, "POST", "{", **bearer(site), Content_Type="application/json").status == 422


def test_a_login_link_is_good_once_and_its_session_writes_in_its_author_s_name(site: Site) -> None:
    key = login_key(secret.load(site.config), "alice")
    begun = post(site, "/session", {"key": key})
    assert (begun.status, begun.json()["author"]) == (200, "alice")
    assert "set-cookie" not in begun.headers
    assert post(site, "/session", {"key": key}).status == 401
    told = post(site, "/services/doc_store/ack", {}, Authorization=f"Bearer {begun.json()['session']}")
    assert told.status == 202
    assert operator_actions.waiting(site.database)[0].author == "alice"


def test_a_link_of_an_earlier_life_or_whose_time_is_over_is_refused(site: Site) -> None:
    known = secret.load(site.config)
    before = signing.sign(known, Purpose.LOGIN, signing.Word(author="a", issued_at=clock.now() - timedelta(minutes=4), expires_at=clock.now() + timedelta(minutes=1), nonce="n"))
    over = signing.sign(known, Purpose.LOGIN, new_word("a", timedelta(seconds=-1)))
    forged = signing.sign(b"another secret", Purpose.LOGIN, new_word("a", timedelta(minutes=5)))
    session = signing.sign(known, Purpose.SESSION, new_word("a", timedelta(minutes=5)))
    for key in (before, over, forged, session, "", ".", "ä.b"):
        assert post(site, "/session", {"key": key}).status == 401


def test_after_many_wrong_tokens_only_the_right_one_is_heard(site: Site) -> None:
    for _ in range(access.MAX_FAILURES):
        assert post(site, "/session", {"token": "wrong"}).status == 401
    told = post(site, "/session", {"token": "wrong"})
    assert (told.status, told.headers["retry-after"]) == (429, "60")
    assert post(site, "/session", {"token": secret.load(site.config).decode()}).status == 200


def test_from_another_host_the_token_opens_the_pages_and_the_cookie_does_not_write(site: Site) -> None:
    page = site.ask("/", Accept="text/html", **ELSEWHERE)
    assert (page.status, page.headers["location"]) == (303, "/login")
    assert site.ask("/login", **ELSEWHERE).status == 200
    assert site.ask("/api/v1/report", **ELSEWHERE).status == 401
    begun = post(site, "/session", {"token": secret.load(site.config).decode(), "author": "bob"}, **ELSEWHERE)
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert site.ask("/", Cookie=cookie.partition(";")[0], **ELSEWHERE).status == 200
    assert post(site, "/services/doc_store/ack", {}, Cookie=cookie.partition(";")[0], **ELSEWHERE).status == 401


def test_the_token_that_is_made_is_the_user_s_alone_and_stays(site: Site) -> None:
    path = site.config.paths.web_token
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret.load(site.config) == secret.load(site.config)


def test_a_configured_token_is_taken_and_none_made(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, settings={"web": {"token": "hunter2-but-longer"}})
    site.web.step()
    assert post(site, "/services/doc_store/ack", {}, Authorization="Bearer hunter2-but-longer").status == 202
    assert not site.config.paths.web_token.exists()
    site.close()
