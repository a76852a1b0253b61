"""A real Chromium that looks at pages, and remembers whatever it had to complain of."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import sync_playwright

from tests.needs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
Scheme = Literal["light", "dark"]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass(kw_only=True)
class Look:
    """One page in one window. `complaints` are errors, violations of the policy, dialogs, and requests to anybody else."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def axe(self) -> list[str]:
        """Return what keeps somebody from using the page, by WCAG 2.2 AA as far as a program can tell."""
        if not self.page.evaluate("Boolean(window.axe)"):  # half a megabyte, once a page
            self.page.evaluate(AXE)
        found: Any = self.page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", STANDARDS)
        return [f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}" for one in found["violations"]]

    def show(self, *, width: int, scheme: Scheme) -> None:
        """Look at the same page on another screen."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium without a screen."""
    path = program("chromium", package="chromium")  # before Playwright's own program: without a browser that is not needed
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(browser: Browser, url: str, *, scripts: bool = True) -> Iterator[Look]:
    """Open a page in a window of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=scripts)
    try:
        page = context.new_page()
        look = Look(page=page)
        host = url.split("/")[2]

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                look.complaints.append(f"{message.type}: {message.text}")

        def see(request: Request) -> None:
            if request.url.split("/")[2] != host:
                look.complaints.append(f"asked {request.url}")

        def dismiss(dialog: Dialog) -> None:
            look.complaints.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("console", hear)
        page.on("pageerror", lambda error: look.complaints.append(f"error: {error}"))
        page.on("dialog", dismiss)
        page.on("request", see)
        if scripts:
            page.add_init_script(WATCH_POLICY)
        page.goto(url)
        yield look
    finally:
        context.close()
