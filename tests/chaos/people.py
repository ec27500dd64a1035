"""People at browsers: they sign in, report, claim and complete through the pages, and note what was acknowledged."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import random
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

PASSWORD = "chaos-password"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_ITEM = re.compile(r'href="/items/(\d+)')
_NUMBER = re.compile(r"/cases/(\d{14})")
TIMEOUT_S = 20


@dataclass
class Acknowledged:
    """What the server said was done. items: id to login. cases: numbers. requests: (number, kind)."""

    items: dict[int, str] = field(default_factory=dict)
    cases: set[str] = field(default_factory=set)
    requests: set[tuple[str, str]] = field(default_factory=set)
    refused: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Browser:
    """A browser of one person: cookies, and the token of the last page."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.token = ""

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path, timeout=TIMEOUT_S) as response:
            page = response.read().decode()
        found = _TOKEN.search(page)
        self.token = found.group(1) if found else self.token
        return page

    def post(self, path: str, values: dict[str, str]) -> tuple[str, str]:
        """Post a form; return the address it led to and the page."""
        data = urllib.parse.urlencode({**values, "csrf_token": self.token}).encode()
        request = urllib.request.Request(
            self.base + path, data, headers={"Referer": self.base + path}
        )
        with self.opener.open(request, timeout=TIMEOUT_S) as response:
            return response.geturl(), response.read().decode()


class Person(threading.Thread):
    """One person at work until told to stop; a failed request is simply tried anew later."""

    def __init__(
        self, base: str, login: str, noted: Acknowledged, stop: threading.Event, seed: int
    ):
        super().__init__(name=login, daemon=True)
        self.base, self.login, self.noted, self.stopping = base, login, noted, stop
        self.random = random.Random(seed)
        self.browser: Browser | None = None

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._work()
            except urllib.error.HTTPError as error:
                with self.noted.lock:
                    self.noted.refused += 1
                if error.code in (400, 401, 403):
                    self.browser = None
            except (OSError, http.client.HTTPException, ValueError):
                with self.noted.lock:
                    self.noted.failed += 1
                self.stopping.wait(0.2)

    def _work(self) -> None:
        if self.browser is None:
            browser = Browser(self.base)
            browser.get("/sign-in")
            browser.post("/sign-in", {"login": self.login, "password": PASSWORD})
            self.browser = browser
        page = self.browser.get(self.random.choice(("/inbox?tab=group", "/inbox?tab=mine")))
        items = list(dict.fromkeys(_ITEM.findall(page)))
        if not items:
            if self.login == "collector":
                self._report(self.browser)
                self.stopping.wait(2)  # because the others must keep up, or no case gets far
            self.stopping.wait(0.1)
            return
        self._complete(self.browser, int(self.random.choice(items[:20])))

    def _report(self, browser: Browser) -> None:
        browser.get("/cases/new")
        values = {"channel": "collector", "title": "路边垃圾", "lon": "112.55", "lat": "37.87"}
        address, _ = browser.post("/cases/new", values)
        found = _NUMBER.search(address)
        if found:
            with self.noted.lock:
                self.noted.cases.add(found.group(1))

    def _complete(self, browser: Browser, item_id: int) -> None:
        page = browser.get(f"/items/{item_id}")
        answers = self._answers(page)
        number = _NUMBER.search(page)
        address, _ = browser.post(f"/items/{item_id}", {**answers, "action": "complete"})
        if address.endswith("/inbox") or "/inbox" in address:
            with self.noted.lock:
                self.noted.items[item_id] = self.login
        if self.login.startswith("manager") and number and self.random.random() < 0.2:
            self._request(browser, number.group(1))

    def _request(self, browser: Browser, number: str) -> None:
        kind = self.random.choice(("extension", "return"))
        browser.get(f"/cases/{number}")
        address, _ = browser.post(
            f"/cases/{number}/requests/{kind}", {"reason": "确有困难，需要时间"}
        )
        if f"/cases/{number}" in address and "requests" not in address:
            with self.noted.lock:
                self.noted.requests.add((number, kind))

    def _answers(self, page: str) -> dict[str, str]:
        """Answer the form on the page: one of its outcomes, a word in each text."""
        answers = {"opinion": "已办理，情况属实"}
        outcomes = re.findall(r'name="outcome"[^>]*value="([a-z_]+)"', page) or re.findall(
            r'<option value="(accept|file|dispatch|assign|done|hand_in|pass|close|grant)"', page
        )
        likely = [o for o in outcomes if o in LIKELY] or outcomes
        answers["outcome"] = self.random.choice(likely) if likely else ""
        if 'name="class_code"' in page:
            answers |= {"class_code": "E-01-02", "condition_seq": "1"}
        if 'name="unit_id"' in page:
            answers["unit_id"] = self.random.choice(("11", "12"))
        if 'name="handler_id"' in page:
            answers["handler_id"] = "112" if self.login == "manager1" else "122"
        return answers


LIKELY = {
    "accept", "file", "dispatch", "assign", "done", "hand_in", "pass", "pass_by_photo", "rework", "close",
    "grant", "refuse", "founded", "unfounded", "exists", "answered",
}  # fmt: skip


def summary(noted: Acknowledged) -> str:
    """Return the counts as one line of JSON."""
    with noted.lock:
        return json.dumps(
            {
                "items": len(noted.items),
                "cases": len(noted.cases),
                "requests": len(noted.requests),
                "refused": noted.refused,
                "failed": noted.failed,
            }
        )
