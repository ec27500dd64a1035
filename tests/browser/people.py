"""What people do before a browser: sign in by the form, open their work, hand it in."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from playwright.sync_api import Page
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.accounts.roles import ASSESSOR
from app.run import Actor
from tests.browser.conftest import PASSWORD, Reader, Readers
from tests.factories import Desk

_MORE_PEOPLE = """
WITH added AS (
    INSERT INTO people (id, unit_id, login, name, password_hash)
    VALUES (901, 1, 'analyst', '分析员甲', :password), (902, 1, 'analyst2', '分析员乙', :password),
        (903, 1, 'admin', '管理员甲', :password)
    RETURNING id, login)
INSERT INTO person_roles (person_id, role)
SELECT id, CASE login WHEN 'admin' THEN 'administrator' ELSE 'analyst' END FROM added
"""
# The city's own words in Latin letters, so that what is left in Chinese is the product's.
_IN_LATIN = """
UPDATE people SET name = initcap(login);
UPDATE units SET name = name_en;
UPDATE districts SET name = 'East';
UPDATE streets SET name = 'East one';
UPDATE responsibility_grids SET name = 'First';
UPDATE classes SET major_name = 'Cleanliness', minor_name = name_en;
UPDATE filing_conditions SET wording = 'litter ' || seq, closing_wording = 'cleared away'
"""
# Texts and labels; what is marked as being of another language is not meant for this reader.
_CHINESE = """() => {
  const han = /[\\u3400-\\u9fff\\uff00-\\uff5e\\u3001\\u3002]/;
  const own = document.documentElement.lang;
  const skipped = (element) => element.closest("script, style, noscript, template")
    || element.closest("[lang]").lang !== own;
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (han.test(node.data) && !skipped(node.parentElement)) found.push(node.data.trim());
  }
  for (const element of document.querySelectorAll("[title], [placeholder], [aria-label], [alt]")) {
    for (const name of ["title", "placeholder", "aria-label", "alt"]) {
      const said = element.getAttribute(name);
      if (said && han.test(said) && !skipped(element)) found.push(`${name}: ${said}`);
    }
  }
  return found;
}"""


def add_analysts_and_administrator(desk: Desk) -> None:
    """Let two analysts and an administrator work for the city platform."""
    with desk.database.sessions() as session:
        session.execute(text(_MORE_PEOPLE), {"password": hash_of(PASSWORD)})
        # The city was written with ids of its own; what is added next must not meet them.
        for table in ("units", "people"):
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)"))
        session.commit()


def add_assessor(desk: Desk) -> Actor:
    """Let an assessor work for the city platform."""
    added = """
    INSERT INTO people (id, unit_id, login, name, password_hash)
        VALUES (911, 1, 'assessor', '考核员甲', :password);
    INSERT INTO person_roles (person_id, role) VALUES (911, 'assessor')
    """
    with desk.database.sessions() as session:
        for statement in added.split(";\n"):
            session.execute(text(statement), {"password": hash_of(PASSWORD)})
        session.commit()
    return Actor(911, 1, "/1/", frozenset({ASSESSOR}), "考核员甲")


def named_in_latin(desk: Desk) -> Desk:
    """Write what the city named in Latin letters; return the desk with people called so."""
    with desk.database.sessions() as session:
        for statement in _IN_LATIN.split(";\n"):
            session.execute(text(statement))
        session.commit()
    people: dict[str, Any] = {
        one.name: replace(actor, label=one.name.capitalize())
        for one in fields(desk.city)
        if isinstance(actor := getattr(desk.city, one.name), Actor)
    }
    return replace(desk, city=replace(desk.city, **people))


def chinese_in(page: Page) -> list[str]:
    """Return every text and label of a page that has Chinese characters in it."""
    found: list[str] = page.evaluate(_CHINESE)
    return found


@dataclass
class Staff:
    """People of one city at their own browsers, all reading one language."""

    readers: Readers
    desk: Desk
    language: str
    seated: dict[str, Reader] = field(default_factory=dict)
    untranslated: list[tuple[str, str, str]] = field(default_factory=list)

    def sign_in(self, login: str, password: str = PASSWORD) -> Reader:
        """Let somebody sign in by the form in the language of this staff."""
        reader = self.seated[login] = self.readers()
        reader.open("/sign-in")
        reader.page.click(f"button[name=language][value={self.language}]")
        reader.page.wait_for_selector(f"html[lang^={self.language}]")
        reader.page.fill("#login", login)
        reader.page.fill("#password", password)
        self.look(reader)
        reader.page.click("main button.primary")
        reader.page.wait_for_url(lambda url: "/sign-in" not in url)
        self.look(reader)
        return reader

    def at(self, login: str) -> Reader:
        """Return somebody at their desk, signed in once."""
        return self.seated.get(login) or self.sign_in(login)

    def look(self, reader: Reader) -> None:
        """Note what a reader of English would be shown in Chinese."""
        if self.language == "en":
            path = reader.page.url.removeprefix(reader.address)
            self.untranslated += [
                (login, path, said)
                for login, one in self.seated.items()
                if one is reader
                for said in chinese_in(reader.page)
            ]

    def open(self, login: str, path: str) -> Page:
        """Let somebody open a page."""
        reader = self.at(login)
        reader.open(path)
        self.look(reader)
        return reader.page

    def take(self, login: str, number: str) -> Page:
        """Let somebody open the work on a case that waits for their group or for them."""
        page = self.open(login, "/inbox?tab=group")
        row = page.locator("tr[data-item]", has_text=number)
        if row.count() == 0:
            page = self.open(login, "/inbox?tab=mine")
        row.locator("a[data-key=e]").click()
        page.wait_for_selector("#pane [data-opened] #answers")
        self.look(self.at(login))
        return page

    def hand_in(self, login: str, outcome: str, **answers: str) -> None:
        """Answer the work beside the list and hand it in; the list then shows what is left."""
        page = self.at(login).page
        page.check(f"#answers input[name=outcome][value={outcome}]")
        for name, value in answers.items():
            answer(page, name, value)
        left = page.get_attribute("#pane [data-opened]", "data-opened")
        if page.locator("tr[data-item]").count() > 1:
            page.click("#answers button.primary")
            page.wait_for_selector(f"tr[data-item='{left}']", state="detached")
            page.wait_for_selector(f"#pane [data-opened]:not([data-opened='{left}'])")
        else:
            # After the last one the list is asked for anew.
            with page.expect_navigation(url="**begin=1*"):
                page.click("#answers button.primary")
            page.wait_for_selector(f"tr[data-item='{left}']", state="detached")
        self.look(self.at(login))

    def do(self, login: str, number: str, outcome: str, **answers: str) -> None:
        """Let somebody do the work on a case that waits for them."""
        self.take(login, number)
        self.hand_in(login, outcome, **answers)

    def complaints(self) -> list[str]:
        """Return what all the browsers complained of, and what they asked of other machines."""
        return [said for one in self.seated.values() for said in (*one.complaints, *one.outside)]


def answer(page: Page, name: str, value: str) -> None:
    """Fill in a question once its choices have come."""
    field_ = page.locator(f"#answers [name={name}]")
    if field_.evaluate("field => field.tagName") == "SELECT":
        field_.locator(f"option[value='{value}']").wait_for(state="attached")
        field_.select_option(value)
    elif field_.get_attribute("type") == "file":
        field_.set_input_files(value)
    else:
        field_.fill(value)


def give_password(desk: Desk, login: str) -> None:
    """Let somebody whom a test put on record sign in."""
    with desk.database.sessions() as session:
        parameters = {"password": hash_of(PASSWORD), "login": login}
        session.execute(
            text("UPDATE people SET password_hash = :password WHERE login = :login"), parameters
        )
        session.commit()
