"""The WSGI entry point: granian or gunicorn serve `wsgi:app`, flask finds its commands here."""

from __future__ import annotations

import os

from app import create_app
from app.accounts.production import refuse_demo_accounts

app = create_app()
if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
    # Not for the command line: that is where the accounts are ended.
    refuse_demo_accounts(app.extensions["jingwei"])
