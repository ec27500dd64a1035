"""flask worker: fire timers, send messages, keep the schedules."""

from __future__ import annotations

import logging

import click
from flask import current_app

from app.accounts.production import refuse_demo_accounts
from app.errors import AppError
from app.run import Runtime
from app.worker.loop import run_until_told, worker_of


@click.command("worker")
def cli() -> None:
    """Fire due timers, send the outbox and keep the schedules until stopped."""
    runtime: Runtime = current_app.extensions["jingwei"]
    try:
        refuse_demo_accounts(runtime)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_until_told(worker_of(runtime))
