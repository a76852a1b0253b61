"""What does a person see who opens the page in a real browser: anybody, on any screen, whatever strangers put into names?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import alerts, checks, incidents, states, targets
from healthmon.store.targets import TargetReport
from tests.builders import a_check, a_target
from tests.web import days
from tests.web.browser import Scheme, chromium, looking
from tests.web.payloads import PAYLOADS
from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

PAGES = ("/", "/?kiosk=1", "/?compact=1", "/services/doc_store", "/incidents", "/incidents/5", "/slo", "/processes", "/status", "/login", "/nothing")
SCREENS: tuple[tuple[int, Scheme], ...] = ((320, "light"), (320, "dark"), (1440, "light"), (1440, "dark"))
LIVE_MS = 3_000  # the page promises one second on a machine that is not busy with tests


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Seventeen services with a day behind them, one of them ill."""
    services = tuple({**one, "interval_seconds": 3_600.0} for one in days.SERVICES)
    made = Site(directory=tmp_path_factory.mktemp("day"), services=services, settings={"web": {"status_page": True}})
    days.fill(made)
    made.web.step()
    yield made
    made.close()


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_each_page(browser: Browser, day: Site, path: str) -> None:
    with looking(browser, f"http://127.0.0.1:{day.port}{path}") as look:
        for width, scheme in SCREENS:
            look.show(width=width, scheme=scheme)
            assert look.axe() == [], (width, scheme)
            assert not look.scrolls_sideways(), (width, scheme)
        expected = ["error: Failed to load resource: the server responded with a status of 404 (Not Found)"] if path == "/nothing" else []
        assert look.complaints == expected


def test_what_would_be_wrong_is_heard(browser: Browser, day: Site) -> None:
    """Otherwise the silence of the other tests would prove nothing."""
    with looking(browser, f"http://127.0.0.1:{day.port}/") as look:
        look.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=pwned=1><a href=/x style=color:#eee></a>')")
        look.page.wait_for_timeout(300)
        assert not look.page.evaluate("Boolean(window.pwned)"), "the policy did not hold"
        assert any("CSP: script-src" in one for one in look.complaints)
        assert any(one.startswith("image-alt") for one in look.axe())
        look.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<svg width=5000 height=9></svg>')")
        assert look.scrolls_sideways()


def test_an_outage_and_its_end_are_seen_without_a_reload(browser: Browser, site: Site) -> None:
    become(site, ServiceStatus.HEALTHY)
    with looking(browser, f"http://127.0.0.1:{site.port}/") as look:
        look.page.evaluate("window.stays = true")
        for status, words in ((ServiceStatus.UNHEALTHY, "unhealthy"), (ServiceStatus.HEALTHY, "healthy")):
            become(site, status)
            look.page.locator(f'tr[data-name="doc_store"][data-status="{words}"]').wait_for(timeout=LIVE_MS)
            look.page.get_by_text(f"doc_store is {words}").wait_for(timeout=LIVE_MS)
            icon = look.page.locator("link[rel=icon]").get_attribute("href") or ""
            assert ("critical" in icon) is (status is ServiceStatus.UNHEALTHY)
        assert look.page.evaluate("window.stays"), "the page was loaded anew"
        assert look.complaints == []


def test_what_the_reader_opened_stays_open(browser: Browser, site: Site) -> None:
    become(site, ServiceStatus.UNHEALTHY)
    checks.append(site.database, [a_check(at=clock.now(), service_id=1)])
    with looking(browser, f"http://127.0.0.1:{site.port}/services/doc_store?range=1h") as look:
        look.page.get_by_text("As a table").click()
        become(site, ServiceStatus.HEALTHY)
        checks.append(site.database, [a_check(at=clock.now(), service_id=1)])
        look.page.locator(".verdict.healthy").wait_for(timeout=LIVE_MS)
        assert look.page.locator("tr[data-at]").first.is_visible()
        assert look.complaints == []


def test_a_lost_connection_is_seen_and_so_is_its_return(browser: Browser, site: Site) -> None:
    become(site, ServiceStatus.HEALTHY)
    with looking(browser, f"http://127.0.0.1:{site.port}/") as look:
        lost = look.page.locator("#lost")
        lost.wait_for(state="hidden")
        site.web.close()
        lost.wait_for(state="visible", timeout=20_000)
        assert "connection to healthmon is lost" in lost.inner_text()
        again = site.again()
        try:
            lost.wait_for(state="hidden", timeout=20_000)
        finally:
            again.close()


def test_without_javascript_everything_can_be_read_and_the_page_comes_anew(browser: Browser, day: Site) -> None:
    with looking(browser, f"http://127.0.0.1:{day.port}/", scripts=False) as look:
        assert look.page.locator("tr[data-name]").count() == len(days.SERVICES)
        assert look.page.locator('meta[http-equiv="refresh"]').count() == 1
        assert look.page.get_by_role("button", name="Acknowledge").count() == 0


def test_the_keyboard_reaches_what_the_mouse_does(browser: Browser, day: Site) -> None:
    with looking(browser, f"http://127.0.0.1:{day.port}/") as look:
        look.page.keyboard.press("Tab")
        assert look.page.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(60):
            look.page.keyboard.press("Tab")
            reached.add(look.page.evaluate("document.activeElement.textContent.trim()"))
        assert {service["name"] for service in days.SERVICES} <= reached


def test_response_times_can_be_asked_and_a_time_be_chosen(browser: Browser, day: Site) -> None:
    """By pointer and by keyboard, over the drawing that the server made; its table stays."""
    with looking(browser, f"http://127.0.0.1:{day.port}/services/doc_store") as look:
        page = look.page
        plot = page.locator("#plot canvas")
        plot.wait_for(timeout=LIVE_MS)
        assert not page.locator("svg.chart").is_visible()
        assert page.locator("tr[data-at]").count() > 20
        page.locator("#plot").focus()
        page.keyboard.press("End")
        assert "median" in page.locator("#readout").inner_text()
        assert "95th percentile" in (page.locator("#plot").get_attribute("aria-valuetext") or "")
        page.mouse.move(*middle(plot))
        page.get_by_text("another image").wait_for()
        page.mouse.down()
        x, y = middle(plot)
        page.mouse.move(x + 200, y, steps=4)
        page.mouse.up()
        page.wait_for_url("**/services/doc_store?from=*&to=*", timeout=LIVE_MS)
        assert page.locator("input[name=to]").input_value() != ""
        assert look.complaints == []


def test_one_moment_is_seen_in_all_strips_and_a_time_is_dragged(browser: Browser, day: Site) -> None:
    with looking(browser, f"http://127.0.0.1:{day.port}/?group=core") as look:
        page = look.page
        strip = page.locator("td.axis .strip").nth(2)
        strip.scroll_into_view_if_needed()
        x, y = middle(strip)
        page.mouse.move(x, y)
        assert page.locator("#pointed").inner_text() != ""
        assert page.evaluate("getComputedStyle(document.querySelector('td.axis'), '::after').width") == "1px"
        page.mouse.down()
        page.mouse.move(x + 60, y, steps=3)
        page.mouse.up()
        page.wait_for_url("**/?group=core&from=*&to=*", timeout=LIVE_MS)
        assert look.complaints == []


def test_without_javascript_the_drawing_of_the_server_is_there(browser: Browser, day: Site) -> None:
    with looking(browser, f"http://127.0.0.1:{day.port}/services/doc_store", scripts=False) as look:
        assert look.page.locator("svg.chart").is_visible()
        assert not look.page.locator("#plot").is_visible()


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_no_text_from_outside_runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Names, errors, containers, alerts: each of the fifty in each place that it fits into."""
    names = [payload for payload in PAYLOADS if "/" not in payload and payload == payload.strip() and payload.isprintable() and len(payload) <= 64]
    assert len(PAYLOADS) >= 50
    assert len(names) >= 15
    services = tuple({"name": name, "url": "http://127.0.0.1:1/", "interval_seconds": 3_600.0} for name in [*names, *(f"s{n}" for n in range(len(PAYLOADS)))])
    site = Site(directory=tmp_path_factory.mktemp("xss"), services=services)
    for number, (name, service) in enumerate(site.known.items()):
        hurt(site, service.service_id, name, PAYLOADS[number % len(PAYLOADS)])
    site.web.step()
    try:
        for path in ("/", "/?kiosk=1", "/incidents", *(f"/services/{one}" for one in ("s0", "s7")), *(f"/?q={payload}" for payload in ("<script>", '"><img src=x>'))):
            with looking(browser, f"http://127.0.0.1:{site.port}{path}") as look:
                look.page.wait_for_timeout(300)
                assert not look.page.evaluate("Boolean(window.pwned)"), path
                assert [one for one in look.complaints if "404" not in one] == [], path
    finally:
        site.close()


def hurt(site: Site, service_id: int, name: str, payload: str) -> None:
    """Let a service be ill in a stranger's words."""
    now = clock.now()
    state = ServiceState(
        service_id=service_id,
        status=ServiceStatus.UNHEALTHY,
        status_since=now,
        last_checked_at=now,
        last_reason=CheckReason.BODY,
        last_error=payload,
    )
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime(percentage=50.0, coverage=100.0))])
        incidents.open_incident(
            site.database, service_id, started_at=now, detected_at=now, episode_started_at=now, reason=CheckReason.BODY, error_message=payload
        )
        alerts.add(site.database, Alert(service_id=service_id, alert_type=payload[:40], severity=AlertSeverity.CRITICAL, message=f"{name}: {payload}", triggered_at=now))
        targets.publish(site.database, {service_id: TargetReport(observed_at=now, target=a_target(name=payload, image_id=payload))})


def become(site: Site, status: ServiceStatus) -> None:
    state = ServiceState(service_id=1, status=status, status_since=clock.now(), last_checked_at=clock.now())
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime())])
