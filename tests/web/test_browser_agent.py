"""The page of a real agent, in a real browser: a person acknowledges an outage; a restart heals one before their eyes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon.demo.ecosystem import PATIENT, free_ports
from tests.faults.agents import agent
from tests.web.browser import chromium, looking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

TOP = Path(__file__).parents[2]
DOWN = {"name": "down_now", "condition": "unhealthy", "severity": "critical", "duration_minutes": 0}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.timeout(180)
def test_a_person_logs_in_by_a_link_and_acknowledges_an_outage(browser: Browser) -> None:
    services = [{"name": "doc_store", "url": "http://127.0.0.1:1/", "group": "core", "critical": True}]
    [port] = free_ports(1)
    with agent(services, web={"port": port}, alert_rules=[DOWN]) as host:
        host.wait_until_all("unhealthy")
        told = host.ask("web", "login", "--by", "Ada")
        assert told.returncode == 0, told.stderr
        with looking(browser, told.stdout.strip()) as look:
            page = look.page
            page.wait_for_url(f"http://127.0.0.1:{port}/")
            page.get_by_role("button", name="Acknowledge").click(timeout=20_000)
            page.get_by_label("Why").fill("on it <b>")
            page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
            page.locator(".problem").get_by_text("acknowledged by Ada").wait_for(timeout=10_000)
            page.get_by_role("button", name="Acknowledge").wait_for(state="detached", timeout=10_000)
            hold_and_release(page)
            assert look.complaints == []
        rows = host.rows("SELECT acknowledged_by, acknowledgement FROM conversations")
        assert rows == [("Ada", "on it <b>")]
        assert host.rows("SELECT kind, author FROM operator_actions ORDER BY action_id") == [(kind, "Ada") for kind in ("acknowledge", "hold", "release")]
        again = host.ask("web", "login", "--by", "Ada").stdout.strip()
        with looking(browser, again) as first, looking(browser, again) as second:
            first.page.wait_for_url(f"http://127.0.0.1:{port}/")
            second.page.get_by_text("this link was used").wait_for(timeout=10_000)


def hold_and_release(page: Page) -> None:
    """Press one, and what takes its place then."""
    wrong, dialog = page.locator(".problem"), page.get_by_role("dialog")
    wrong.get_by_role("button", name="Hold").click()
    page.get_by_label("Why").fill("a migration runs")
    dialog.get_by_role("button", name="Hold").click()
    wrong.get_by_text("by Ada: a migration runs").wait_for(timeout=10_000)
    wrong.get_by_role("button", name="Release").click()
    dialog.get_by_role("button", name="Release").click()
    wrong.get_by_role("button", name="Hold").wait_for(timeout=10_000)
    assert wrong.get_by_role("button", name="Release").count() == 0


@pytest.mark.timeout(180)
def test_a_restart_heals_a_service_before_a_viewers_eyes(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("demo", numbered=True)
    command = [sys.executable, "-P", "-m", "healthmon", "demo", "--seconds-until-ill", "6", "--data-dir", str(directory)]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            next(line for line in demo.stdout if "are healthy" in line)
            port = json.loads((directory / "demo.json").read_text(encoding="utf-8"))["web"]["port"]
            with looking(browser, f"http://127.0.0.1:{port}/") as look:
                look.page.evaluate("window.stays = true")
                row = f'tr[data-name="{PATIENT}"]'
                look.page.locator(f'{row}[data-status="unhealthy"]').wait_for(timeout=60_000)
                look.page.locator(".problem").get_by_text("Healing").first.wait_for(timeout=10_000)
                look.page.locator(f'{row}[data-status="healthy"]').wait_for(timeout=60_000)
                look.page.locator(".problem").first.wait_for(state="hidden", timeout=30_000)
                assert look.page.evaluate("window.stays"), "the page was loaded anew"
                assert look.complaints == []
        finally:
            demo.terminate()
            demo.wait(30)
