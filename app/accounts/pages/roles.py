"""Who may do what: written from the very registries that the gates ask."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.pages.room import READERS, admin_words, blueprint, role_name
from app.accounts.pages.words import COMMAND_WORDS
from app.accounts.roles import ROLES
from app.errors import NotFound
from app.run import PERSON, doers_of_commands
from app.web.access import PUBLIC, SIGNED_IN, open_to, rule_of


@dataclass(frozen=True)
class Right:
    """One thing to do or to open, and for whom it is."""

    what: str
    code: str
    who: str


@blueprint.get("/admin/roles")
@open_to(*READERS)
def roles() -> ResponseReturnValue:
    """Show who may do and open what, for one role or for all."""
    chosen = request.args.get("role", "")
    if chosen and chosen not in ROLES:
        raise NotFound
    return render_template(
        "accounts/roles.html",
        chosen=chosen,
        commands=_commands(chosen),
        addresses=_addresses(chosen),
        **admin_words(),
    )


def _commands(chosen: str) -> list[Right]:
    """Return what people may do; what the platform does by itself is not among it."""
    listed = [
        Right(
            str(COMMAND_WORDS.get(command.__name__, command.__name__)), command.__name__, _who(by)
        )
        for command, by in doers_of_commands().items()
        if by and (not chosen or PERSON in by or chosen in by)
    ]
    return sorted(listed, key=lambda right: right.code)


def _addresses(chosen: str) -> list[Right]:
    """Return the addresses that are not for everybody at all."""
    listed = []
    for rule in current_app.url_map.iter_rules():
        by = rule_of(current_app, rule.endpoint)
        if PUBLIC in by or (chosen and SIGNED_IN not in by and chosen not in by):
            continue
        methods = "、".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        listed.append(Right(rule.rule, methods, _who(by)))
    return sorted(listed, key=lambda right: (right.what, right.code))


def _who(by: frozenset[str]) -> str:
    if by & {PERSON, SIGNED_IN}:
        return str(_("每个登录的人"))
    return str(_("、")).join(role_name(role) for role in ROLES if role in by)
