"""Run a command as the person who is signed in."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from app.db.session import db
from app.errors import Forbidden
from app.run import run


def act(command: object) -> Any:
    """Run the command in its own transaction and return its result.

    Raises: Forbidden for a person whose password somebody else chose: first they choose their own.
    """
    if current_user.must_change_password:
        raise Forbidden("请先修改由管理员设置的密码。")
    actor = current_user.actor
    # Give the page's reading connection back first: a thread that waits for a second one while it
    # holds a first could wait for another that does the same.
    db.session.remove()
    return run(command, actor=actor)
