"""Caddy, nginx and the site behind them: started, asked, measured, stopped. All of it on loopback."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from measuring.processes import Program, free_ports

from edge.layouts import responder_text
from edge.population import BODIES

CADDY = Path(sys.executable).with_name("caddy")
START_SECONDS = 180.0
PROGRAMS = ("nginx", "wrk")
# Debian keeps nginx where only root's PATH leads.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def require_programs() -> None:
    """Install nginx and wrk where that is ours to do: as root on Debian; else say how.

    Raises:
        SystemExit: one of them is missing.
    """
    if not (missing := _missing_programs()):
        return
    command = f"apt-get install --yes --no-install-recommends {' '.join(missing)}"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' and '.join(missing)}", flush=True)
        # Without this, the package would start nginx on port 80.
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        subprocess.run(command.split(), env=environment, check=False, stdout=subprocess.DEVNULL)
    if missing := _missing_programs():
        raise SystemExit(f"missing: {', '.join(missing)}; on Debian: sudo {command}")


def _missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


def program_path(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        raise FileNotFoundError(name)
    return found


def nginx_user() -> str:
    """Return the line that root needs: its workers could not read the benchmark's folder as another user."""
    return "user root;" if os.geteuid() == 0 else ""


def start_caddy(config: str, folder: Path) -> Program:
    path = folder / "caddy.json"
    path.write_text(config)
    homes = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return Program([str(CADDY), "run", "--config", str(path)], folder / "caddy.log", homes)


def start_nginx(text: str, folder: Path, name: str = "nginx") -> Program:
    path = folder / f"{name}.conf"
    path.write_text(text)
    arguments = [program_path("nginx"), "-p", str(folder), "-c", str(path), "-g", "daemon off;"]
    # A master that is killed leaves its workers behind.
    return Program(arguments, folder / f"{name}.out", parent_death=signal.SIGTERM)


@contextmanager
def responder(folder: Path) -> Iterator[list[str]]:
    """Run the site behind all contenders; yield an address for each of `BODIES`."""
    ports = free_ports(len(BODIES))
    program = start_nginx(responder_text(ports, BODIES, folder, nginx_user()), folder, "responder")
    try:
        for port, body in zip(ports, BODIES, strict=True):
            wait_for_body(port, "site.example", body)
        yield [f"127.0.0.1:{port}" for port in ports]
    finally:
        program.stop()


def answer(port: int, path: str = "/", host: str = "127.0.0.1") -> tuple[int, str]:
    """Return status and body of one request, 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def wait_for_body(port: int, host: str, body: str) -> float:
    """Ask until this body comes; return the seconds it took."""
    return _wait(lambda: answer(port, host=host) == (200, body), f"{host} on port {port}")


def wait_for_status(port: int, path: str, status: int = 200) -> float:
    return _wait(lambda: answer(port, path)[0] == status, f"{path} on port {port}")


def _wait(check: Callable[[], bool], what: str) -> float:
    started = time.perf_counter()
    while not check():
        if time.perf_counter() - started > START_SECONDS:
            raise TimeoutError(f"{what} did not answer as expected within {START_SECONDS:.0f} s")
        time.sleep(0.001)
    return time.perf_counter() - started


class AdminSocket:
    """Caddy's admin API."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, config: str) -> None:
        """Push a whole configuration.

        Raises:
            RuntimeError: Caddy refused it.
        """
        self._request("POST", "/load", config)

    def config(self) -> str:
        return self._request("GET", "/config/")

    def _request(self, method: str, path: str, body: str | None = None) -> str:
        connection = http.client.HTTPConnection("localhost", timeout=START_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self._path))
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(content[:300])
        return content


def pss_mb(pids: Sequence[int]) -> float:
    """Return the memory of programs that share pages with their children: each page counts once."""
    kilobytes = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def samples_of(text: str) -> list[str]:
    """Return the names and labels of all series in a scrape."""
    return [line.rpartition(" ")[0] for line in text.splitlines() if line and not line.startswith("#")]
