"""Is the page served, and does nothing else suffer when it cannot be? With real sockets and a real database."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.errors import PortError
from healthmon.processes import web
from healthmon.store import alerts
from tests.web.sites import HOST, Site

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_page_says_how_everything_is(site: Site) -> None:
    told = site.ask("/")
    assert told.status == 200
    assert told.headers["content-type"] == "text/html; charset=utf-8"
    assert "Nothing is known of any service" in told.text
    assert "doc_store" in told.text


def test_a_step_finds_that_requests_are_answered(site: Site) -> None:
    assert site.web.step() == web.LOOK_EVERY_S


def test_it_stops_at_once_and_leaves_its_port(site: Site) -> None:
    began = clock.monotonic()
    site.web.close()
    assert clock.monotonic() - began < 1
    with socket.create_server((HOST, site.port)):
        pass


def test_a_taken_port_is_an_error_that_says_who_holds_it_and_passes(tmp_path: Path) -> None:
    site = Site(directory=tmp_path)
    with socket.create_server((HOST, site.port)):
        with pytest.raises(PortError, match=r"python\S* \(pid \d+\) has the port; end that, or set web.port to another one") as caught:
            site.web.step()
        assert not caught.value.permanent
    site.web.step()
    assert site.ask("/").status == 200
    site.close()


def test_a_port_that_stays_taken_is_an_alert_until_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ALERT_AFTER_S", 0.0)
    site = Site(directory=tmp_path)
    with socket.create_server((HOST, site.port)):
        for _ in range(3):
            with pytest.raises(PortError):
                site.web.step()
    [alert] = alerts.firing(site.database)
    assert (alert.service_id, alert.alert_type) == (None, "pages_not_served")
    assert f":{site.port}/: python" in alert.message
    site.web.step()
    assert alerts.firing(site.database) == []
    site.close()


def test_the_alert_of_an_earlier_life_ends_when_the_pages_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ALERT_AFTER_S", 0.0)
    before, after = Site(directory=tmp_path), Site(directory=tmp_path)
    with socket.create_server((HOST, before.port)):
        for _ in range(2):
            with pytest.raises(PortError):
                before.web.step()
    assert len(alerts.firing(after.database)) == 1
    after.web.step()
    assert alerts.firing(after.database) == []
    before.close()
    after.close()


def test_an_address_that_is_not_this_hosts_is_an_error_that_says_so(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, settings={"web": {"host": "203.0.113.7", "token": "secret-token"}})
    with pytest.raises(PortError, match=r"cannot be served at http://203\.0\.113\.7:"):
        site.web.step()
    site.close()


def test_without_a_database_it_says_so_and_goes_on_when_there_is_one(tmp_path: Path) -> None:
    site = Site(directory=tmp_path)
    site.web.step()
    aside = site.config.paths.database.with_name("aside.db")
    site.config.paths.database.rename(aside)
    page, answer = site.ask("/"), site.ask("/api/v1/report")
    assert (page.status, answer.status) == (503, 503)
    assert "there is no database" in page.text
    assert "there is no database" in answer.json()["detail"]
    aside.rename(site.config.paths.database)
    assert site.ask("/api/v1/report").status == 200
    site.close()


def test_healthz_says_which_process_does_not_run(site: Site) -> None:
    told = site.ask("/healthz")
    assert told.status == 503
    assert told.json()["unwell"]["evaluator"] == "UNKNOWN"
