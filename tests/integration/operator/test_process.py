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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

API_VERSION = "frankenpanel.io/v1alpha1"
START_SECONDS = 60
STOP_SECONDS = 30


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
            "FRANKENPANEL_RESYNC_SECONDS": "1",
            # Writes are counted here, and the canary's come by the clock.
            "FRANKENPANEL_CANARY_SECONDS": "3600",
        }
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        # kopf opens its own endpoint after start-up, so either may be the later one.
        while any(self.status(url) != 200 for url in (f"{self.endpoint}/readyz", f"{self.health}/healthz")):
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

    def sample(self, *names: str) -> dict[str, float]:
        """Return the metric samples whose line begins with one of the names."""
        with urllib.request.urlopen(f"{self.endpoint}/metrics", timeout=5) as response:  # noqa: S310
            lines = response.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith(names))
        return {name: float(value) for name, value in pairs}

    def writes(self) -> dict[str, float]:
        """Return the numbers of requests that were not mere reads, nor renewals of the Lease."""
        prefix = "frankenpanel_api_requests_total"
        return {
            name: count
            for name, count in self.sample(prefix).items()
            if not any(f'verb="{verb}"' in name for verb in ("get", "list", "watch", "update"))
        }

    def reconciles(self, kind: str) -> float:
        prefix = f'frankenpanel_reconcile_duration_seconds_count{{kind="{kind}"'
        return sum(self.sample(prefix).values())

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


CATALOG = {
    "apiVersion": API_VERSION,
    "kind": "RuntimeCatalog",
    "metadata": {"name": "default"},
    "spec": {"default": "8.4", "runtimes": [{"php": "8.4", "image": "frankenpanel/frankenphp:test"}]},
}
PRESET = {
    "apiVersion": API_VERSION,
    "kind": "SitePreset",
    "metadata": {"name": "wordpress"},
    "spec": {
        "title": "WordPress",
        "defaultVersion": "6.8",
        "versions": [{"version": "6.8", "image": "frankenpanel/wordpress:test"}],
        "documentRoot": ".",
        "persistentPaths": [{"name": "content", "mountPath": "wp-content", "size": "1Gi"}],
        "configFormat": "EnvOnly",
        "healthPath": "/wp-login.php",
    },
}


def site(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {
            "source": {"preset": {"name": "wordpress"}},
            "database": {"engine": "None"},
            # Forms that the API server does not keep, and zero values that it leaves out.
            "resources": {"requests": {"cpu": "0.1"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
            "env": [{"name": "EMPTY", "value": ""}],
        },
    }


@pytest.fixture
def site_objects(kubernetes_api: Any, namespace: str, own_cluster: None) -> None:
    """Put a catalogue, a preset and a Site without a database into the cluster."""
    paths = [
        f"/apis/{API_VERSION}/runtimecatalogs/default",
        f"/apis/{API_VERSION}/sitepresets/wordpress",
        f"/apis/{API_VERSION}/namespaces/{namespace}/sites/shop",
    ]
    for path, manifest in zip(paths, (CATALOG, PRESET, site(namespace)), strict=True):
        answer = kubernetes_api.apply(path, manifest)
        assert answer.status in {200, 201}, answer.message


@pytest.mark.usefixtures("site_objects")
def test_a_resync_of_real_objects_writes_nothing(
    process: Process, kubernetes_api: Any, namespace: str
) -> None:
    """What the API server made of our manifests must count as what we asked for."""
    process.wait_until_ready()
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    _poll(lambda: kubernetes_api.request("GET", path).body["items"], "the Site has its Deployment")
    _poll(lambda: _passes_without_a_write(process), "two further rounds without a write")
    assert process.sample("frankenpanel_drift_repaired_total{") == {}
    log = process.log_path.read_text()
    assert "stored something else than was sent" not in log
    assert "unexpected" not in log


def _passes_without_a_write(process: Process) -> bool:
    writes, passes = process.writes(), process.reconciles("Site")
    _poll(lambda: process.reconciles("Site") >= passes + 2, "two further rounds")
    return process.writes() == writes


def _poll(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
