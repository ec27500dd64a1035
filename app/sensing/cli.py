"""flask sensing: take readings from the broker; put sources on record."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from typing import Final

import click
from flask.cli import AppGroup

from app.accounts.production import refuse_demo_accounts
from app.errors import AppError
from app.run import SYSTEM, installed_runtime, run
from app.sensing.commands import AddReadingSource
from app.sensing.ingest import Ingest
from app.sensing.listening import Listener
from connectors.mqtt import Address, Subscriber

log = logging.getLogger(__name__)

# New objects after which the collector looks for cycles. A batch makes some fifty thousand, none of them in a cycle;
# at the usual 700 the collector takes a third of the time.
COLLECT_AFTER: Final = 100_000

cli = AppGroup("sensing", help="Take readings in.")


@cli.command("ingest")
@click.option(
    "--name", help="The broker keeps what is ours by this name; no two processes share one."
)
@click.option("--batch", default=20000, show_default=True, help="Messages stored at once, at most.")
@click.option("--pause-ms", default=200, show_default=True, help="Longest wait for a fuller batch.")
@click.option(
    "--shared",
    is_flag=True,
    help="Share the readings with other processes. Mosquitto 2.0.11 forgets shared subscriptions when it"
    " is restarted, until the processes have subscribed again.",
)
def ingest(name: str | None, batch: int, pause_ms: int, *, shared: bool) -> None:
    """Take readings from the broker of JINGWEI_MQTT_URL until stopped."""
    runtime = installed_runtime()
    settings = runtime.services.settings
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if settings.mqtt_url is None:
        # Ending would end the web and the worker that run beside it.
        log.info("JINGWEI_MQTT_URL names no broker: nothing to take in")
        signal.pause()
        return
    try:
        refuse_demo_accounts(runtime)
        address = Address.parse(settings.mqtt_url)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    topic = f"{'$share/jingwei/' if shared else ''}{settings.mqtt_topic}/#"
    try:
        subscriber = Subscriber(
            address,
            f"jingwei-{name or socket.gethostname()}",
            topic,
            at_once=2 * batch,
            ca_file=settings.mqtt_ca_file,
        )
    except AppError as error:
        raise click.ClickException(str(error)) from error
    taking = Ingest(subscriber, most=batch, pause_s=pause_ms / 1000)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: taking.stopping.set())
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    taking.run()


@cli.command("listen-sl651")
@click.option("--host", default="0.0.0.0", show_default=True, help="Stations come from outside.")  # noqa: S104
@click.option("--port", type=click.IntRange(1, 65535), help="Default: JINGWEI_SL651_PORT.")
def listen_sl651(host: str, port: int | None) -> None:
    """Take readings of SL 651 stations over TCP until stopped."""
    runtime = installed_runtime()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    number = port or runtime.services.settings.sl651_port
    if number is None:
        raise click.ClickException("请用 --port 或 JINGWEI_SL651_PORT 指定端口。 A port is wanted.")
    try:
        refuse_demo_accounts(runtime)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    asyncio.run(_listen(host, number))


async def _listen(host: str, port: int) -> None:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await Listener().serve(host, port, stopping)
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error}") from error


@cli.command("add-source")
@click.argument("name")
def add_source(name: str) -> None:
    """Let a system hand readings in by HTTP; its token is shown this once."""
    click.echo(run(AddReadingSource(name), actor=SYSTEM))
