"""A real Chromium before a real server on the loopback, for tests of the dashboard."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

ADMIN_KEY = "forecaster_" + "a" * 43
READ_KEY = "forecaster_" + "r" * 43
KEYS = ",".join(
    f"{name}:{name}:{hashlib.sha256(key.encode()).hexdigest()}"
    for name, key in (("admin", ADMIN_KEY), ("read", READ_KEY))
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, or a skip that says what is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def listening(app: Any, *, lifespan: str = "off") -> Iterator[str]:
    """The address of a server of the app, which is loaded already."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan=lifespan))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Visit:
    """A page with what it logged, whom it asked, and what it said to them."""

    page: Page
    context: BrowserContext
    base: str
    logged: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    opened: int = 0

    def go(self, view: str) -> Page:
        """Open a view, such as `models`, and wait until all of it is there."""
        self.opened += 1  # another address each time, so that the page starts anew
        self.page.goto(f"{self.base}/?{self.opened}#/{view}")
        return self.settled()

    def settled(self) -> Page:
        from playwright.sync_api import expect

        self.page.locator("main h1").wait_for()
        expect(self.page.locator(".skeleton, td .bone")).to_have_count(0, timeout=10_000)
        return self.page

    def hosts(self) -> set[str]:
        return {urlsplit(one.url).netloc for one in self.asked}

    def headers(self, path: str) -> dict[str, str]:
        """Of the last request to a path."""
        return [one for one in self.asked if urlsplit(one.url).path == path][-1].headers


@contextmanager
def visiting(browser: Browser, base: str, key: str | None = None, **options: Any) -> Iterator[Visit]:
    """A fresh browser profile; `key` is in use from the start, `options` are the context's own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **options})
    context.set_default_timeout(10_000)
    if key:
        context.add_init_script(f"sessionStorage.setItem('forecaster.key', '{key}')")
    page = context.new_page()
    visit = Visit(page, context, base)

    def log(message: ConsoleMessage) -> None:
        visit.logged.append(f"{message.type}: {message.text}")

    page.on("console", log)
    page.on("pageerror", lambda error: visit.logged.append(f"uncaught: {error}"))
    page.on("request", lambda request: visit.asked.append(request))
    try:
        yield visit
    finally:
        context.close()


def answer(base: str, path: str) -> Any:
    return httpx.get(f"{base}/v1/{path}").json()


def serious(page: Page) -> list[str]:
    """What axe finds wrong that keeps people out."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:150] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def expect_charts(page: Page) -> None:
    """Prices, lag, coverage, sensitivity, and the one layer's gates."""
    from playwright.sync_api import expect

    expect(page.locator(".chart canvas")).to_have_count(5)
