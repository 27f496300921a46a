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
from datetime import UTC, datetime
from pathlib import Path

from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import split_pem

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 10

# The kernel ends the server when whoever started it dies, however it dies.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Pebble:
    """One authority; it validates every host at the same port of loopback."""

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
def pebble(folder: Path, http_port: int, validity_seconds: int) -> Iterator[Pebble]:
    """Run an authority until the block ends.

    Args:
        folder: for its files and logs.
        http_port: where challenges are answered.
        validity_seconds: how long its certificates last.
    """
    listen, management, names, names_management = _free_ports(4)
    ca_file = _own_certificate(folder)
    config = {
        "listenAddress": f"127.0.0.1:{listen}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "pebble.crt"),
        "privateKey": str(folder / "pebble.key"),
        "httpPort": http_port,
        "tlsPort": http_port,
        "keyAlgorithm": "ecdsa",
        "profiles": {"default": {"description": "for tests", "validityPeriod": validity_seconds}},
        "retryAfter": {"authz": 1, "order": 1},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    name_server = [
        *(str(binary("pebble-challtestsrv")), "-dnsserver", f"127.0.0.1:{names}"),
        *("-management", f"127.0.0.1:{names_management}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
        *("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""),
    ]
    authority = [
        *(str(binary("pebble")), "-config", str(folder / "pebble.json")),
        *("-dnsserver", f"127.0.0.1:{names}"),
    ]
    with ExitStack() as stack:
        names_process = stack.enter_context(_running(name_server, folder / "names.log"))
        _wait_for_port(names, names_process, folder / "names.log")
        process = stack.enter_context(_running(authority, folder / "pebble.log"))
        _wait_for_port(listen, process, folder / "pebble.log")
        yield Pebble(
            f"https://localhost:{listen}/dir",
            ca_file,
            f"https://localhost:{management}",
            folder / "pebble.log",
        )


def _own_certificate(folder: Path) -> Path:
    """Make the certificate of the authority's own https; return what it is trusted by."""
    now = datetime.now(UTC)
    chain, key = make_authority(now)
    own, own_key = split_pem(InternalAuthority(chain, key).pem("localhost", now))
    for name, content in (("pebble.crt", own), ("pebble.key", own_key), ("pebble-ca.crt", chain)):
        (folder / name).write_bytes(content)
    return folder / "pebble-ca.crt"


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


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{log_path.stem} does not answer:\n{log_path.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
