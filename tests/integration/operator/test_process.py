"""The operator as its pod runs it: a process of its own, the real reconcilers, a signal to end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

START_SECONDS = 60
STOP_SECONDS = 10


class Process:
    """A running operator, its endpoints and its log."""

    def __init__(self, kubeconfig: Path, namespace: str, log_path: Path) -> None:
        self.health, self.endpoint = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
        self.log_path = log_path
        command = [sys.executable, "-m", "kopf", "run", "-m", "frankenpanel_operator.main"]
        options = ["-A", "--standalone", f"--liveness={self.health}/healthz"]
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "FRANKENPANEL_PLATFORM_NAMESPACE": namespace,
            "FRANKENPANEL_METRICS_PORT": self.endpoint.rsplit(":", 1)[1],
        }
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.status(f"{self.endpoint}/readyz") != 200:
            assert self._process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < deadline, self.log_path.read_text()
            time.sleep(0.1)

    def status(self, url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  an address of ours
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def process(api_server: Path, namespace: str, tmp_path: Path) -> Iterator[Process]:
    running = Process(api_server, namespace, tmp_path / "operator.log")
    yield running
    running.kill()


def test_starts_answers_its_probes_logs_json_and_ends_at_once(process: Process) -> None:
    process.wait_until_ready()
    assert process.status(f"{process.health}/healthz") == 200
    assert process.status(f"{process.endpoint}/metrics") == 200
    assert process.stop() == 0
    lines = [json.loads(line) for line in process.log_path.read_text().splitlines()]
    assert all({"message", "level", "time"} <= line.keys() for line in lines)
    assert [line["message"] for line in lines if line["level"] in ("error", "critical")] == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
