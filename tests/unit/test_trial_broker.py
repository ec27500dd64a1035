"""The broker of make run: the shipped configuration, for this machine alone."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.launch import _broker_environment, _processes
from app.sensing import trial_broker as module
from app.sensing.trial_broker import TrialBroker, trial_broker
from app.settings import Settings


@pytest.fixture
def mosquitto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a program of that name: it is found, not run."""
    program = tmp_path / "bin" / "mosquitto"
    program.parent.mkdir()
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def test_it_listens_to_this_machine_and_keeps_its_messages_in_our_folder(
    mosquitto: Path, tmp_path: Path
) -> None:
    broker = trial_broker(tmp_path / "var")
    assert broker is not None
    assert broker.program == str(mosquitto)
    lines = broker.config.read_text().splitlines()
    assert f"listener {broker.port} 127.0.0.1" in lines
    assert f"persistence_location {tmp_path / 'var' / 'broker'}/" in lines
    assert "max_queued_messages 0" in lines


def test_another_port_is_taken_where_the_usual_one_is(mosquitto: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 1883))
        except OSError:
            pytest.skip("another broker of this machine has the port")
        other.listen()
        broker = trial_broker(tmp_path)
        assert broker is not None
        assert broker.port != 1883


def test_without_the_program_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "_MORE_FOLDERS", ())
    assert trial_broker(tmp_path) is None


def test_readings_are_taken_in_where_they_come_from_somewhere(settings: Settings) -> None:
    broker = TrialBroker("/x/mosquitto", Path("/x/conf"), 1999)
    assert _processes(settings) == ("web", "worker", "sensors")
    assert _processes(settings, broker) == ("web", "worker", "broker", "ingest", "sensors")
    assert _broker_environment(broker)["JINGWEI_MQTT_URL"] == "mqtt://127.0.0.1:1999"


def test_stations_are_listened_to_where_a_port_is_set(tmp_path: Path) -> None:
    given = {"JINGWEI_VAR": str(tmp_path), "SECRET_KEY": "x"}
    found = Settings.from_env({**given, "JINGWEI_SL651_PORT": "9651"})
    assert _processes(found) == ("web", "worker", "stations", "sensors")
