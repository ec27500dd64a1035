"""A real Chromium before the product, over a database of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import text
from werkzeug.serving import make_server

from app import create_app
from app.accounts.passwords import hash_of
from app.clock import FixedClock
from app.db.session import Database
from app.settings import Settings
from app.web.serving import ending
from tests.conftest import keep_templates
from tests.factories import Desk, build_city

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PASSWORD = "the same for all"


@pytest.fixture
def desk(database: Database) -> Desk:
    """Return the small city, whose people can sign in."""
    with database.sessions() as session:
        built = Desk(build_city(session), database)
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    return built


@pytest.fixture
def product(desk: Desk, database: Database, settings: Settings, clock: FixedClock) -> Flask:
    """Return the application that is served."""
    built = create_app(settings, database=database, clock=clock)
    keep_templates(built)
    return built


@pytest.fixture
def address(product: Flask) -> Iterator[str]:
    """Serve the product; return where."""
    server = make_server("127.0.0.1", 0, product, threaded=True)
    # It waits for them as it ends: a page that is still being made holds a connection of the database that goes away.
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    ending.set()
    server.shutdown()
    thread.join()
    ending.clear()
    watch = product.extensions.get("desk_watch")
    if watch is not None:
        watch.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a browser; where the machine has none the test is left out, because make test must run there too."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        # Its own sandbox refuses to run under root.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


# What the policy refuses is said in the console too, though not by every kind of refusal.
_REFUSALS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Reader:
    """Somebody before a browser, and what the browser complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, login: str) -> None:
        self.open("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def hear(self) -> None:
        """Note what the browser complains of from now on, and what it asks of other machines."""
        self.page.add_init_script(_REFUSALS)
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        ours = (self.address, "data:", "blob:")
        self.page.on(
            "request",
            lambda asked: None if asked.url.startswith(ours) else self.outside.append(asked.url),
        )


Readers = Callable[[], Reader]


@pytest.fixture
def readers(chromium: Browser, address: str) -> Iterator[Readers]:
    """Return a way to seat one more reader of Chinese at a desk, each with a browser window of their own."""
    contexts = []

    def seat() -> Reader:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(15_000)
        opened = Reader(context.new_page(), address)
        opened.hear()
        return opened

    yield seat
    for context in contexts:
        for page in context.pages:
            # The server does not close the file that it is sending when its reader goes away.
            with suppress(PlaywrightError):
                page.wait_for_load_state(timeout=5_000)
        context.close()


@pytest.fixture
def reader(readers: Readers) -> Reader:
    """Return a reader of Chinese at a desk."""
    return readers()
