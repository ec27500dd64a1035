"""Signing in through an identity provider that runs beside us."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from socket import socket

import pytest

from app.settings import Settings
from tests.browser.conftest import Reader


@pytest.fixture
def issuer() -> Iterator[str]:
    """Run a provider that knows an intake officer and a stranger; return its address."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = [
        {"sub": "1", "preferred_username": "Intake"},
        {"sub": "2", "preferred_username": "stranger"},
    ]
    claims = [part for one in people for part in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), *claims]
    provider = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            connection.getresponse()
            break
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    yield f"http://127.0.0.1:{port}"
    provider.terminate()
    provider.wait()


@pytest.fixture
def settings(settings: Settings, issuer: str) -> Settings:
    return replace(
        settings, oidc_issuer=issuer, oidc_client_id="jingwei", oidc_client_secret="between us"
    )


def _through_the_provider(reader: Reader, sub: str) -> None:
    reader.open("/sign-in")
    reader.page.click("#oidc")
    reader.page.fill("input[name=sub]", sub)
    reader.page.click("button[type=submit], button:not([type])")


def test_person_the_provider_names_is_signed_in(reader: Reader) -> None:
    _through_the_provider(reader, "1")
    reader.page.wait_for_url("**/inbox")
    assert "受理员甲" in reader.page.inner_text("header")


def test_stranger_is_told_that_nobody_here_has_that_name(reader: Reader) -> None:
    _through_the_provider(reader, "2")
    reader.page.wait_for_url("**/sign-in")
    assert "stranger" in reader.page.inner_text("main")
