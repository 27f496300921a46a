"""Starts a certificate authority for tests: pebble (RFC 8555), and a name server that leads to loopback."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from authority import Authority, pem
from die_with_parent import DIE_WITH_PARENT

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True)
class Pebble:
    """One authority; it validates every host at the same port."""

    directory: str
    ca_file: Path
    """By which the authority's own https is trusted."""
    management: str
    log_path: Path

    def root(self) -> bytes:
        """Return the certificate by which what it signs is trusted."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(f"{self.management}/roots/0", context=context) as answer:  # noqa: S310 (the address is ours)
            content: bytes = answer.read()
        return content

    def issued(self) -> int:
        """Say how many certificates it has signed."""
        return self.log_path.read_text().count("Issued certificate serial")

    def refused(self) -> int:
        """Say how many validations have failed."""
        return self.log_path.read_text().count("set INVALID by")


def binary(name: str) -> Path:
    """Return where `make` compiles a program to."""
    folder = Path(os.environ.get("FRANKENPANEL_BUILD_DIR") or REPOSITORY / ".build")
    return folder / "bin" / name


@contextmanager
def pebble(
    folder: Path,
    http_port: int,
    validity_seconds: int,
    host: str = "127.0.0.1",
    name_server: tuple[str, int] | None = None,
) -> Iterator[Pebble]:
    """Run an authority until the block ends.

    Args:
        folder: for its files and logs.
        http_port: where challenges are answered.
        validity_seconds: how long its certificates last.
        host: address of this machine on which it listens.
        name_server: whom it asks for hosts; one of its own, by which all lead to loopback, unless given.
    """
    listen, management = _free_ports(2, host)
    ca_file = _own_certificate(folder, host)
    config = {
        "listenAddress": f"{host}:{listen}",
        "managementListenAddress": f"{host}:{management}",
        "certificate": str(folder / "pebble.crt"),
        "privateKey": str(folder / "pebble.key"),
        "httpPort": http_port,
        "tlsPort": http_port,
        "keyAlgorithm": "ecdsa",
        "profiles": {"default": {"description": "for tests", "validityPeriod": validity_seconds}},
        "retryAfter": {"authz": 1, "order": 1},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    with ExitStack() as stack:
        names_host, names_port = name_server or stack.enter_context(_everything_on_loopback(folder))
        authority = [
            *(str(binary("pebble")), "-config", str(folder / "pebble.json")),
            *("-dnsserver", f"{names_host}:{names_port}"),
        ]
        process = stack.enter_context(_running(authority, folder / "pebble.log"))
        _wait_for_port(host, listen, process, folder / "pebble.log")
        address = f"https://{host}"
        yield Pebble(f"{address}:{listen}/dir", ca_file, f"{address}:{management}", folder / "pebble.log")


@contextmanager
def _everything_on_loopback(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a name server by which every name leads to this machine."""
    port, management = _free_ports(2, "127.0.0.1")
    command = [
        *(str(binary("pebble-challtestsrv")), "-dnsserver", f"127.0.0.1:{port}"),
        *("-management", f"127.0.0.1:{management}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
        *("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""),
    ]
    with _running(command, folder / "names.log") as process:
        _wait_for_port("127.0.0.1", port, process, folder / "names.log")
        yield "127.0.0.1", port


def _own_certificate(folder: Path, host: str) -> Path:
    """Make the certificate of the authority's own https; return what it is trusted by."""
    authority = Authority("the authority's own https")
    own = authority.issue(host)
    (folder / "pebble.crt").write_bytes(own.chain)
    (folder / "pebble.key").write_bytes(own.key_pem)
    ca_file = folder / "pebble-ca.crt"
    ca_file.write_bytes(pem(authority.certificate))
    return ca_file


@contextmanager
def _running(arguments: list[str], log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(host: str, port: int, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{log_path.stem} does not answer:\n{log_path.read_text()[-2000:]}")


def _free_ports(count: int, host: str) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind((host, 0))
        return [item.getsockname()[1] for item in sockets]
