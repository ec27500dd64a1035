"""Answers of sirens and barriers among what the ingest process takes from the broker."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.flood.commands.devices import TakeAnswers
from app.sensing.ingest import OTHERS
from connectors.mqtt_command import ACKNOWLEDGE, COMMAND, read_answer
from connectors.mqtt_packets import Received
from connectors.refusals import FrameRefused

log = logging.getLogger(__name__)


def take_in(messages: Sequence[Received]) -> TakeAnswers:
    """Return what takes answers in; one that cannot be read is no reading and is counted nowhere."""
    answers = []
    for message in messages:
        try:
            answers.append(read_answer(message.topic, message.payload))
        except FrameRefused as refusal:
            log.warning("answer on %s: %s", message.topic, refusal.detail)
    return TakeAnswers(answers)


def join() -> None:
    """Let the ingest process take answers in, and pass over our own commands, which the broker shows it too."""
    OTHERS[ACKNOWLEDGE] = take_in
    OTHERS[COMMAND] = lambda messages: None
