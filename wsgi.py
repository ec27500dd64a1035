"""The WSGI entry point: granian or gunicorn serve `wsgi:app`, flask finds its commands here."""

from __future__ import annotations

from app import create_app

app = create_app()
