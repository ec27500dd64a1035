"""Every address and every command times every role: only those of the rule get through.

The cases come from the registries that the product itself asks, so that a new page or command is
held against its rule without a test of its own.
"""

from __future__ import annotations

import pytest
from flask import Flask
from flask_login import FlaskLoginClient
from werkzeug.routing import Rule

from app import create_app, house
from app.accounts.roles import AUDITOR, ROLES
from app.accounts.sign_in import SignedIn
from app.clock import FixedClock
from app.db.session import Database
from app.errors import Forbidden
from app.run import PERSON, SYSTEM, Actor, doers_of_commands, require_doer
from app.settings import Settings
from app.web.access import PUBLIC, SIGNED_IN, RuleMissing, open_to, rule_of

# What a person keeps for themselves changes nothing of the city.
OF_EVERY_PERSON = {"ChangePassword", "RefreshPasswordHash", "SaveFilter", "DropFilter"}
_EXAMPLES = {"IntegerConverter": 1, "FloatConverter": 1.5, "PathConverter": "a/b"}


def _actor(role: str) -> Actor:
    return Actor(1, 1, "/1/", frozenset({role}), "某人")


def _addresses(app: Flask) -> list[tuple[str, str, Rule]]:
    """Return each address that is not for all, with a value for each variable, and each method."""
    adapter = app.url_map.bind("localhost")
    found = []
    for rule in app.url_map.iter_rules():
        if PUBLIC in rule_of(app, rule.endpoint):
            continue
        values = {
            name: _EXAMPLES.get(type(converter).__name__, "x")
            for name, converter in rule._converters.items()
        }
        path = adapter.build(rule.endpoint, values, method=_method(rule))
        found += [(path, method, rule) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def _method(rule: Rule) -> str:
    return min(rule.methods - {"HEAD", "OPTIONS"})


def _hollow(app: Flask) -> None:
    """Put an empty view with the same rule behind every address: what is tested is the gate before it."""
    for endpoint in list(app.view_functions):
        rule = rule_of(app, endpoint)
        app.view_functions[endpoint] = open_to(*rule)(lambda **values: "through")


@pytest.fixture
def gates(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    # The person is taken from the table at each request; here there is none.
    monkeypatch.setattr(app.login_manager, "_user_callback", _signed)
    return app


def _signed(role: str, *, must_change: bool = False) -> SignedIn:
    class Reader(SignedIn):
        def get_id(self) -> str:
            return role

    return Reader(_actor(role), role, "单位", must_change, "")


@pytest.mark.parametrize("role", ROLES)
def test_role_gets_through_exactly_where_the_rule_names_it(gates: Flask, role: str) -> None:
    _hollow(gates)
    gates.test_client_class = FlaskLoginClient
    client = gates.test_client(user=_signed(role))
    wrong = []
    for path, method, rule in _addresses(gates):
        by = rule_of(gates, rule.endpoint)
        wanted = 200 if SIGNED_IN in by or role in by else 403
        got = client.open(path, method=method).status_code
        if got != wanted:
            wrong.append((method, path, got, wanted))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_role_outside_the_rule_never_reaches_the_view(gates: Flask, role: str) -> None:
    gates.test_client_class = FlaskLoginClient
    client = gates.test_client(user=_signed(role))
    for path, method, rule in _addresses(gates):
        by = rule_of(gates, rule.endpoint)
        if SIGNED_IN not in by and role not in by:
            assert client.open(path, method=method).status_code == 403, (method, path)


def test_nobody_is_sent_to_sign_in_and_a_program_refused(gates: Flask) -> None:
    client = gates.test_client()
    for path, method, _rule in _addresses(gates):
        answer = client.open(path, method=method)
        if path.startswith("/api/"):
            assert answer.status_code == 401, (method, path)
        else:
            assert answer.status_code == 302, (method, path)
            assert answer.headers["Location"].startswith("/sign-in"), (method, path)


def test_person_with_another_s_password_reaches_nothing_but_their_own(
    gates: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hollow(gates)
    monkeypatch.setattr(
        gates.login_manager, "_user_callback", lambda token: _signed(token, must_change=True)
    )
    gates.test_client_class = FlaskLoginClient
    client = gates.test_client(user=_signed("administrator", must_change=True))
    for path, method, _rule in _addresses(gates):
        answer = client.open(path, method=method)
        if path == "/password":
            assert answer.text == "through"
        elif path.startswith("/api/"):
            assert answer.status_code == 403, (method, path)
        else:
            assert answer.headers.get("Location", "").startswith("/password"), (method, path)


def test_there_are_addresses_to_hold(app: Flask) -> None:
    assert len(_addresses(app)) > 30


# Commands


@pytest.mark.parametrize("role", ROLES)
def test_command_is_run_by_exactly_its_doers(app: Flask, role: str) -> None:
    commands = doers_of_commands()
    assert len(commands) > 30
    for command, by in commands.items():
        if role in by or PERSON in by:
            require_doer(command, _actor(role))
        else:
            with pytest.raises(Forbidden):
                require_doer(command, _actor(role))


def test_platform_runs_all_but_what_is_a_person_s_own(app: Flask) -> None:
    for command in doers_of_commands():
        require_doer(command, SYSTEM)


def test_auditor_changes_nothing_but_their_own_password(app: Flask) -> None:
    # A worker of the tests may hold commands that other tests declared.
    commands = {
        command: by
        for command, by in doers_of_commands().items()
        if command.__module__.startswith("app.")
    }
    assert [command.__name__ for command, by in commands.items() if AUDITOR in by] == []
    for_everybody = {command.__name__ for command, by in commands.items() if PERSON in by}
    assert for_everybody == OF_EVERY_PERSON


def test_doers_are_roles_that_exist(app: Flask) -> None:
    for command, by in doers_of_commands().items():
        assert by <= {*ROLES, PERSON}, command
    for rule in app.url_map.iter_rules():
        assert rule_of(app, rule.endpoint) <= {*ROLES, PUBLIC, SIGNED_IN}, rule


# A view that says nothing


def test_view_without_a_rule_does_not_start(
    settings: Settings,
    open_database: Database,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register = house.register_rooms

    def with_one_more(app: Flask) -> None:
        register(app)
        app.add_url_rule("/forgotten", "forgotten", lambda: "")

    monkeypatch.setattr(house, "register_rooms", with_one_more)
    with pytest.raises(RuleMissing, match="forgotten"):
        create_app(settings, database=open_database, clock=clock)
