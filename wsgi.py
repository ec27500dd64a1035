"""The WSGI entry point: granian or gunicorn serve `wsgi:app`, flask finds its commands here."""

from __future__ import annotations

import os

import click

from app import create_app
from app.accounts.production import refuse_demo_accounts

app = create_app()
# Not for the rest of the command line: that is where the accounts are ended.
command = click.get_current_context(silent=True)
serves = command is not None and command.info_name == "run"
if serves or os.environ.get("FLASK_RUN_FROM_CLI") != "true":
    refuse_demo_accounts(app.extensions["jingwei"])
