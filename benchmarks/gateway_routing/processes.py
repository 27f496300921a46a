"""Caddy and other programs under test: started, measured, stopped."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CADDY = Path(sys.executable).with_name("caddy")
START_SECONDS = 120.0


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answer(port: int, path: str = "/", host: str = "127.0.0.1") -> int:
    """Return the status of one request, 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def wait_for(port: int, path: str = "/", host: str = "127.0.0.1", status: int = 200) -> float:
    """Ask until the status comes; return the seconds it took."""
    started = time.perf_counter()
    while answer(port, path, host) != status:
        if time.perf_counter() - started > START_SECONDS:
            raise TimeoutError(f"{host}{path} on port {port} did not answer {status}")
        time.sleep(0.001)
    return time.perf_counter() - started


@contextmanager
def program(
    arguments: list[str], log_path: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log_path.open("ab") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def caddy(config: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    path = folder / f"caddy-{id(config)}.json"
    path.write_text(json.dumps(config))
    homes = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with program([str(CADDY), "run", "--config", str(path)], folder / "caddy.log", homes) as process:
        yield process


@contextmanager
def upstream(folder: Path) -> Iterator[str]:
    """Run a site that answers two bytes from memory; yield its address."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    routes = [{"handle": [{"handler": "static_response", "body": "ok"}]}]
    server = {"listen": [address], "automatic_https": {"disable": True}, "routes": routes}
    config = {"admin": {"disabled": True}, "apps": {"http": {"servers": {"site": server}}}}
    with caddy(config, folder):
        wait_for(port)
        yield address


def load_config(admin_socket: Path, config: dict[str, Any]) -> None:
    """Push a whole configuration through the admin socket."""
    connection = http.client.HTTPConnection("localhost", timeout=START_SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(admin_socket))
    connection.request("POST", "/load", json.dumps(config), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(response.read().decode())
    connection.close()


def rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far; unlike its duration, it says little about other work."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
