import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from fastapi import FastAPI
from frankenpanel_api import main
from frankenpanel_api.settings import Settings
from pydantic import ValidationError


def test_every_call_makes_an_application_of_its_own():
    first, second = main.create_app(Settings()), main.create_app(Settings())
    assert first is not second
    assert first.state.settings == second.state.settings


def test_no_application_exists_when_the_module_is_imported():
    assert not [name for name, value in vars(main).items() if isinstance(value, FastAPI)]


def test_the_factory_reads_the_environment(monkeypatch):
    monkeypatch.setenv("FRANKENPANEL_API_PORT", "8123")
    assert main.create_app().state.settings.port == 8123


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "0"), ("PORT", "http"), ("LOG_LEVEL", "loud"), ("HOST", "")]
)
def test_nonsense_in_the_environment_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"FRANKENPANEL_API_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_the_module_serves_until_it_is_told_to_stop():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FRANKENPANEL_API_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-m", "frankenpanel_api"], env=environment, stderr=subprocess.PIPE
    ) as process:
        try:
            assert answer_of(f"http://127.0.0.1:{port}/livez") == b'{"status":"ok"}'
        finally:
            process.terminate()
    assert process.returncode in {0, -signal.SIGTERM}


def answer_of(url, within_seconds=20.0):
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own URL
                return answer.read()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)
